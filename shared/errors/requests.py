"""A request that the client has to change: its format, its credentials, its size, its rate."""

from collections.abc import Sequence

from duygu.shared.errors.base import RequestError

MINUTE_S = 60

MB = 1_000_000

LONGEST_NAME = 60
"""Characters of a client's name that an error quotes."""


class InvalidRequestError(RequestError):
    """The request violates the documented format."""

    code = "invalid_request"
    title = "The request is invalid"
    status = 422


class UnknownParameterError(InvalidRequestError):
    """A query parameter or form field that the endpoint does not define."""

    code = "unknown_parameter"
    title = "The request has an unknown parameter"

    def __init__(self, kind: str = "parameter", name: str = "", known: Sequence[str] = ()) -> None:
        """List the unknown name and the known ones.

        kind   "query parameter" or "form field"
        name   the unknown name
        known  names that the endpoint accepts
        """
        shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
        names = ", ".join(f"`{one}`" for one in sorted(known)) or "none"
        super().__init__(f"unknown {kind} `{shown}`; known: {names}" if name else None)


class RangeNotSatisfiableError(RequestError):
    """The requested byte range begins behind the end of the file."""

    code = "range_not_satisfiable"
    title = "The requested range is outside the file"
    status = 416

    def __init__(self, size: int | None = None) -> None:
        """`size`: bytes of the whole file."""
        self.size = size
        super().__init__(None if size is None else f"The requested range is outside the file, which has {size} bytes")


class UnauthorizedError(RequestError):
    """The API key is missing or unknown."""

    code = "unauthorized"
    title = "A valid API key is required"
    status = 401


class ForbiddenError(RequestError):
    """The API key lacks the required scope."""

    code = "forbidden"
    title = "The request is not permitted"
    status = 403


class HostNotAllowedError(RequestError):
    """Without API keys: the `Host` header is not one of the names of this service."""

    code = "host_not_allowed"
    title = "The Host header is not allowed"
    status = 421

    def __init__(self, host: str = "") -> None:
        """`host`: the `Host` header of the request."""
        shown = f"`{host[:LONGEST_NAME]}` is not allowed" if host else "is missing"
        super().__init__(
            f"The `Host` header {shown}. Without API keys this service accepts loopback names such as `localhost`, "
            "the address in DUYGU_HOST and the names in DUYGU_ALLOWED_HOSTS"
        )


class CrossSiteError(RequestError):
    """Without API keys: a page of another origin sends a request that changes state."""

    code = "cross_site"
    title = "Cross-site requests are not allowed"
    status = 403

    def __init__(self, origin: str = "") -> None:
        """`origin`: the `Origin` header of the request."""
        shown = f"the origin `{origin[:LONGEST_NAME]}`" if origin else "another site"
        super().__init__(f"The request comes from {shown}, which DUYGU_CORS_ORIGINS does not list")


class RateLimitedError(RequestError):
    """A limit of the API key is exhausted for now."""

    code = "rate_limited"
    title = "A limit of the API key is exceeded"
    status = 429
    retry_after_s = MINUTE_S

    def __init__(self, detail: str | None = None, *, retry_after_s: int = MINUTE_S) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class TooSlowError(RequestError):
    """The request body arrives too slowly or not at all."""

    code = "too_slow"
    title = "The upload is too slow"
    status = 408


class NotFoundError(RequestError):
    """No endpoint has this path."""

    code = "not_found"
    title = "The address does not exist"
    status = 404


class MethodNotAllowedError(RequestError):
    """The endpoint does not support this method."""

    code = "method_not_allowed"
    title = "The address does not support this method"
    status = 405


class UpgradeRequiredError(RequestError):
    """A plain HTTP request to the address of the live socket."""

    code = "upgrade_required"
    title = "This address accepts WebSocket connections only; a proxy may have removed the Upgrade header"
    status = 426


class HeadTooLargeError(RequestError):
    """The request line and headers have more bytes than the limit."""

    code = "head_too_large"
    title = "The request line and headers are too large"
    status = 431


class TooLargeError(RequestError):
    """The upload has more bytes than the limit."""

    code = "too_large"
    title = "The upload is too large"
    status = 413

    @classmethod
    def of_upload(cls, limit: int) -> "TooLargeError":
        """For a video of more than `limit` bytes: names the limit and the remedies."""
        return cls(
            f"The upload exceeds the limit of {limit / MB:g} MB. "
            "Cut the video or re-encode it at a lower bitrate; the operator can raise DUYGU_MAX_UPLOAD_MB"
        )


class UnreadableFileError(RequestError):
    """A file does not exist or cannot be read."""

    code = "unreadable_file"
    title = "The file cannot be read"
