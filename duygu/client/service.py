"""The address and API key of a service, and its errors."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from duygu.shared.errors import ConfigurationError, DuyguError, from_code

SOCKET_SCHEMES = {"http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class Service:
    """A Duygu service; `key` is required if it has API keys. Raises ConfigurationError for an invalid URL."""

    url: str = "http://127.0.0.1:8000"
    key: str | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in SOCKET_SCHEMES or not parts.netloc:
            raise ConfigurationError(f"{self.url!r} is not the URL of a service, such as http://127.0.0.1:8000")

    @property
    def headers(self) -> dict[str, str]:
        """The headers that authenticate a request."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def socket_url(self) -> str:
        """URL of the live socket."""
        parts = urlsplit(self.url)
        return urlunsplit((SOCKET_SCHEMES[parts.scheme], parts.netloc, f"{parts.path.rstrip('/')}/v1/stream", "", ""))


class SessionBroken(Exception):  # noqa: N818 - it reads as what happened
    """The service ended a live session. `close_code` and `reason` are documented in docs/live.md."""

    def __init__(self, close_code: int | None, reason: str) -> None:
        self.close_code = close_code
        self.reason = reason
        super().__init__(f"the session ended with close code {close_code}{f': {reason}' if reason else ''}")


def error_from_problem(code: str, detail: str) -> DuyguError:
    """The error of a problem, as the class with its code."""
    return from_code(code, detail)
