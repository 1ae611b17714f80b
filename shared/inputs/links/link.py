"""Links to videos: parsing, the rules of the settings, and the form that is shown."""

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from duygu.shared.config.settings import Settings
from duygu.shared.errors import LinkRefusedError
from duygu.shared.network.addresses import LINK, AddressPolicy, read_networks

LONGEST_LINK = 4096
"""Characters of a link; a presigned one has about 2000."""

SCHEMES = ("https", "http", "s3")

PORTS = {"https": 443, "http": 80}

UNESCAPED = "!$%&'()*+,;=:@/~"
"""Characters of a path or a query that stay as they are; others are percent-encoded."""


@dataclass(frozen=True, slots=True)
class Link:
    """A parsed link. Only `shown` may be logged or returned: the rest may contain secrets."""

    scheme: str
    host: str  # or bucket
    port: int
    path: str = field(repr=False)  # with the query; of an object: its key
    credentials: str | None = field(default=None, repr=False)  # `user:password` of the link

    @property
    def secure(self) -> bool:
        """Whether it is fetched over TLS."""
        return self.scheme == "https"

    @property
    def origin(self) -> tuple[str, str, int]:
        """What has to be equal for credentials to be sent again after a redirect."""
        return self.scheme, self.host, self.port

    @property
    def authorization(self) -> dict[str, str]:
        """The header with the credentials of the link."""
        if self.credentials is None:
            return {}
        return {"Authorization": f"Basic {b64encode(self.credentials.encode()).decode()}"}

    @property
    def shown(self) -> str:
        """The link without credentials and query."""
        if self.scheme == "s3":
            return f"s3://{self.host}/{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path.partition('?')[0]}"


PUBLIC = AddressPolicy(purpose=LINK)


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """The links that the settings permit."""

    enabled: bool = True
    addresses: AddressPolicy = PUBLIC
    buckets: tuple[str, ...] = ()  # permitted, as `bucket` or `bucket/prefix`
    own: str = ""  # where this service stores its files in a bucket, which no link may name

    @property
    def schemes(self) -> list[str]:
        """The schemes of permitted links."""
        plain = self.addresses.plain or bool(self.addresses.trusted)
        allowed = {"https": True, "http": plain, "s3": bool(self.buckets)}
        return [scheme for scheme in SCHEMES if self.enabled and allowed[scheme]]

    def check(self, link: Link) -> None:
        """Refuse a link early where fetching would refuse it; names are resolved when connecting.

        Raises LinkRefusedError.
        """
        if not self.enabled:
            raise LinkRefusedError("Links are disabled: DUYGU_LINKS is off")
        if link.scheme == "s3":
            self._check_object(f"{link.host}/{link.path}")
        else:
            self.addresses.check_host(link.host, secure=link.secure)

    def _check_object(self, name: str) -> None:
        if not any(_is_below(name, place) for place in self.buckets):
            raise LinkRefusedError("DUYGU_LINK_BUCKETS does not list the bucket of the link")
        if self.own and (_is_below(name, self.own) or _is_below(self.own, name)):
            raise LinkRefusedError("The link leads into the storage of this service")


def parse_link(url: str) -> Link:
    """Parse the link to a video; the fragment is ignored. Raises LinkRefusedError."""
    if len(url) > LONGEST_LINK or any(letter.isspace() or not letter.isprintable() for letter in url):
        raise LinkRefusedError(f"The link exceeds {LONGEST_LINK} characters or contains spaces or control characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = host if ":" in host else host.encode("idna").decode()  # the first step of resolving a name
    except (ValueError, UnicodeError) as error:
        raise LinkRefusedError("The link is not a valid URL") from error
    scheme = parts.scheme.lower()
    if scheme not in SCHEMES or not host:
        raise LinkRefusedError("The link is not of the form https://host/path or s3://bucket/key")
    if scheme == "s3":
        return _object(url)
    query = f"?{quote(parts.query, UNESCAPED + '?')}" if parts.query else ""
    path = quote(parts.path, UNESCAPED) or "/"
    return Link(scheme, host, port or PORTS[scheme], path + query, _credentials(parts.username, parts.password))


def is_link(path: object) -> bool:
    """Whether an argument that may be a file is the text of a link."""
    return isinstance(path, str) and path.partition("://")[0].lower() in SCHEMES and "://" in path


def link_policy(settings: Settings) -> LinkPolicy:
    """Return the policy of the settings. Raises ConfigurationError."""
    trusted = read_networks(settings.link_networks, "DUYGU_LINK_NETWORKS")
    buckets = (name.strip().removeprefix("s3://").strip("/") for name in settings.link_buckets.split(","))
    own = settings.storage_url.removeprefix("s3://").strip("/") if settings.storage_url.startswith("s3://") else ""
    addresses = AddressPolicy(trusted, LINK, settings.link_http)
    return LinkPolicy(settings.links, addresses, tuple(filter(None, buckets)), own)


def _object(url: str) -> Link:
    """A link to an object, whose key may contain any character."""
    bucket, _, key = url[len("s3://") :].partition("/")
    if not key or "@" in bucket or ":" in bucket:
        raise LinkRefusedError("The link is not of the form s3://bucket/key, without user, port and region")
    return Link("s3", bucket, 0, key)


def _credentials(user: str | None, password: str | None) -> str | None:
    return None if user is None else f"{unquote(user)}:{unquote(password or '')}"


def _is_below(name: str, place: str) -> bool:
    """Whether an object is a place or below it."""
    return name == place or name.startswith(f"{place}/")
