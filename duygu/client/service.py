"""Where a service is, how to be let in, and how it says no."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from shared.errors import DuyguError, by_code


@dataclass(frozen=True, slots=True)
class Service:
    """A Duygu service. `key` where it has API keys."""

    url: str = "http://127.0.0.1:8000"
    key: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What lets a request in."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def socket_url(self) -> str:
        """Address of the live socket."""
        parts = urlsplit(self.url)
        scheme = {"http": "ws", "https": "wss"}[parts.scheme]
        return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/v1/stream", "", ""))


class SessionBroken(Exception):  # noqa: N818 - it reads as what happened
    """A live session ended before it was closed. `close_code` and `reason` are as in docs/live.md."""

    def __init__(self, close_code: int | None, reason: str) -> None:
        self.close_code = close_code
        self.reason = reason
        super().__init__(f"the session ended with {close_code}: {reason}")


def told(code: str, detail: str) -> DuyguError:
    """The error that a service tells of, as the class that it has here."""
    return by_code().get(code, DuyguError)(detail)
