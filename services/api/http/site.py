"""Which hosts requests may be addressed to, and which pages they may come from.

Without API keys the place of a client is all that it is known by, and a browser is in a good place: it runs on this
machine, and sends what the pages of strangers tell it to. A page can make its own name lead to this machine's address
(DNS rebinding); then the `Host` of its requests is that name. A page of another site can post forms; then
`Sec-Fetch-Site` and `Origin` say so. With keys none of that helps a page, as it has no key.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from duygu.services.api.http.problems import problem_response
from duygu.services.api.metrics import Metrics
from duygu.shared.config import Settings
from duygu.shared.errors import CrossSiteError, HostNotAllowedError, RequestError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""They change nothing, and pages of other sites cannot read what they answer."""

UNGUARDED = frozenset({"/healthz", "/readyz"})
"""Probes of load balancers send any `Host` or none; there is nothing in the answers that is anybody's."""

ANY = "*"


class Site:
    """What is known of the names and pages of this service."""

    def __init__(self, settings: Settings) -> None:
        self._open = settings.keys_file is None
        self._host = settings.host.lower()
        self._hosts = settings.allowed_host_names
        self._origins = settings.allowed_origins

    def check_host(self, request: HTTPConnection) -> None:
        """Raises HostNotAllowedError where there are no keys and `Host` is none of the names of this service."""
        if not self._open or ANY in self._hosts:
            return
        host = ", ".join(request.headers.getlist("host"))  # two of them are no name, and so refused
        name = _name(host)
        if not (_is_loopback(name) or name in (self._host, *self._hosts) or self._is_own_address(name, request.scope)):
            raise HostNotAllowedError(host)

    def check_source(self, request: HTTPConnection) -> None:
        """Raises CrossSiteError where there are no keys and a page of another site has made the request."""
        if self._open and not self.is_own_page(request):
            raise CrossSiteError(request.headers.get("origin", ""))

    def is_own_page(self, request: HTTPConnection) -> bool:
        """Whether a request is from a page of this service or of an allowed origin, or from no page at all."""
        origin = request.headers.get("origin")
        if origin is not None and (origin in self._origins or ANY in self._origins):
            return True
        declared = request.headers.get("sec-fetch-site")
        if declared is not None:
            return declared in ("same-origin", "none")
        return origin is None or _place(origin) == request.headers.get("host", "").lower() != ""

    def _is_own_address(self, name: str, scope: Scope) -> bool:
        """Whether a name is the address that the connection came in at, which no page can pretend.

        It counts where the service listens on every address of the machine.
        """
        address, server = _address(name), scope.get("server") or ("", None)
        return _is_wildcard(self._host) and address is not None and address == _address(server[0])


class SiteGuard:
    """Refuses requests to other hosts and unsafe ones of pages of other sites, before anything is done."""

    def __init__(self, app: ASGIApp, site: Site, metrics: Metrics) -> None:
        self._app = app
        self._site = site
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a problem."""
        if scope["type"] != "http" or scope["path"] in UNGUARDED:
            return await self._app(scope, receive, send)
        request = HTTPConnection(scope)
        try:
            self._site.check_host(request)
            if scope["method"] not in SAFE_METHODS:
                self._site.check_source(request)
        except RequestError as error:
            self._metrics.problems.labels(error.code).inc()
            return await problem_response(error)(scope, receive, send)
        return await self._app(scope, receive, send)


def _name(host: str) -> str:
    """The name in a `Host` header, without its port, in small letters; empty where there is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _place(origin: str) -> str:
    """The name and port in an origin; empty where there is none, or where it is no origin at all."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    """Whether a name leads nowhere but to this machine, whatever a name server says (RFC 6761)."""
    address = _address(name)
    return address.is_loopback if address else name == "localhost" or name.endswith(".localhost")


def _is_wildcard(name: str) -> bool:
    address = _address(name)
    return address is not None and address.is_unspecified


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """A name that is an IP address, as such."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
