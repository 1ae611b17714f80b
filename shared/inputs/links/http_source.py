"""Content that is fetched by HTTP. Each connection, also of a redirect, goes to an address that is checked."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from urllib.parse import urljoin

from duygu.shared.errors import LinkError, LinkIsAPageError, LinkRefusedError, LinkUnreachableError
from duygu.shared.inputs.links.link import Link, LinkPolicy, parse_link
from duygu.shared.inputs.links.source import Content, InterruptedFetchError
from duygu.shared.network.connecting import open_http

PIECE_BYTES = 256 * 1024

MAX_REDIRECTS = 5

LONGEST_RETRY_AFTER_S = 30

REDIRECTS = {301, 302, 303, 307, 308}

PAGES = {"text/html", "application/xhtml+xml"}
"""Content types of web pages."""

TRANSIENT = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
"""Statuses besides those of server errors after which a retry may succeed."""


class HTTPSource:
    """The content of a link with the scheme https or http. Implements `Source` in shared/inputs/links/source.py.

    pause_s  timeout of each read
    """

    def __init__(self, link: Link, policy: LinkPolicy, pause_s: float) -> None:
        self._link = link
        self._policy = policy
        self._pause_s = pause_s
        self._tls = ssl.create_default_context()
        self._socket: socket.socket | None = None

    @contextmanager
    def open(self, offset: int, version: str) -> Iterator[Content]:
        """Open the content at an offset; see `Source`."""
        with _as_interruption():
            connection, response = self._follow(_range(offset, version))
        try:
            yield _content(response, offset, version)
        finally:
            self._socket = None
            connection.close()
            response.close()

    def abort(self) -> None:
        """End a read that waits for the server."""
        if open_socket := self._socket:
            with suppress(OSError):
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)  # that of TLS would confuse the reader

    def _follow(self, headers: dict[str, str]) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """The response at the end of the redirects."""
        link = self._link
        for _ in range(MAX_REDIRECTS + 1):
            connection, response = self._get(link, headers)
            location = response.getheader("Location")
            if response.status not in REDIRECTS or location is None:
                return connection, response
            connection.close()
            response.close()
            link = self._redirected(link, location)
        raise LinkError(f"The link redirects more than {MAX_REDIRECTS} times")

    def _redirected(self, link: Link, location: str) -> Link:
        """The target of a redirect, checked as the link itself. Raises LinkRefusedError."""
        target = parse_link(urljoin(_absolute(link), location))
        if target.scheme == "s3" or (link.secure and not target.secure):
            raise LinkRefusedError(f"The link redirects from {link.scheme} to {target.scheme}")
        self._policy.check(target)
        return target

    def _get(self, link: Link, headers: dict[str, str]) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        tls = self._tls if link.secure else None
        credentials = self._link.authorization if link.origin == self._link.origin else {}
        connection = open_http(link.host, link.port, self._policy.addresses, tls, self._pause_s)
        try:
            self._socket = connection.sock
            connection.request("GET", link.path, headers={"User-Agent": "Duygu", **headers, **credentials})
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise


def _absolute(link: Link) -> str:
    """The link as the base of a relative redirect, without credentials."""
    return link.shown.partition("?")[0]


def _range(offset: int, version: str) -> dict[str, str]:
    """Headers that request the rest of a content, if it is still the same (RFC 9110, sections 13.1.5 and 14.2)."""
    return {"Range": f"bytes={offset}-", "If-Range": version} if offset else {}


def _content(response: http.client.HTTPResponse, offset: int, version: str) -> Content:
    """Check a response. Raises InterruptedFetchError, LinkError or LinkIsAPageError."""
    status, found = response.status, _version(response)
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
        raise InterruptedFetchError("the content became shorter")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in TRANSIENT:
        raise InterruptedFetchError(f"the server responded with {status}", _retry_after_s(response))
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise LinkError(f"The server of the link responded with {status} {_phrase(status)}".rstrip())
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind in PAGES:
        raise LinkIsAPageError(
            f"The server of the link responded with {kind}; use the address of the video file itself"
        )
    if status == HTTPStatus.OK:
        size = response.length
        return Content(0, size, found, _pieces(response, size))
    start, size = _content_range(response)
    if start != offset or (version and found and found != version):
        raise InterruptedFetchError("the server responded with another range")
    return Content(start, size, found or version, _pieces(response, response.length))


def _pieces(response: http.client.HTTPResponse, length: int | None) -> Iterator[bytes]:
    received = 0
    while True:
        with _as_interruption():
            piece = response.read1(PIECE_BYTES)
        if not piece:
            break
        received += len(piece)
        yield piece
    if length is not None and received < length:
        raise InterruptedFetchError(f"the connection ended {length - received} bytes early")


def _version(response: http.client.HTTPResponse) -> str:
    """What identifies the content in `If-Range`: a strong ETag or a time; empty without."""
    etag = response.getheader("ETag") or ""
    return etag if etag.startswith('"') else response.getheader("Last-Modified") or ""


def _content_range(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Start and whole size by `Content-Range`, as in `bytes 5-9/10`. Raises InterruptedFetchError."""
    span, _, size = (response.getheader("Content-Range") or "").removeprefix("bytes ").partition("/")
    start = span.partition("-")[0]
    if not start.isdecimal():
        raise InterruptedFetchError("the server responded without a valid Content-Range")
    return int(start), int(size) if size.isdecimal() else None


def _retry_after_s(response: http.client.HTTPResponse) -> float:
    text = response.getheader("Retry-After") or ""
    return float(min(int(text), LONGEST_RETRY_AFTER_S)) if text.isdecimal() and len(text) < 10 else 0.0


def _phrase(status: int) -> str:
    """The standard phrase: the server's own could contain anything."""
    with suppress(ValueError):
        return HTTPStatus(status).phrase
    return ""


@contextmanager
def _as_interruption() -> Iterator[None]:
    """Raise InterruptedFetchError for a failed connection, and LinkUnreachableError for a failed certificate."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise LinkUnreachableError("The certificate of the link's server is invalid") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InterruptedFetchError(type(error).__name__) from error
