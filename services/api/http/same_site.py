"""Checks of the `Host` and the origin of requests, where no API keys protect the service.

Without API keys the service trusts every client that can connect, and a browser on the same machine can. A page of
another site can make its own host name resolve to this machine (DNS rebinding): the `Host` header then has that name.
It can also submit forms across sites: `Sec-Fetch-Site` and `Origin` then name the other site. With API keys neither
attack works, as the page has no key.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from duygu.services.api.http.problems import problem_response
from duygu.services.api.monitoring.metrics import Metrics
from duygu.shared.config.settings import Settings
from duygu.shared.errors import CrossSiteError, HostNotAllowedError, RequestError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing and whose responses other origins cannot read."""

UNCHECKED_PATHS = frozenset({"/healthz", "/readyz"})
"""Probes of load balancers send any `Host` or none; the responses contain no personal data."""

WILDCARD = "*"


class SitePolicy:
    """The host names and origins that the service accepts."""

    def __init__(self, settings: Settings) -> None:
        self._without_keys = settings.keys_file is None
        self._host = settings.host.lower()
        self._hosts = settings.allowed_host_names
        self._origins = settings.allowed_origins

    def check_host(self, request: HTTPConnection) -> None:
        """Raises HostNotAllowedError where there are no API keys and the `Host` header is not accepted."""
        if not self._without_keys or WILDCARD in self._hosts:
            return
        host = ", ".join(request.headers.getlist("host"))  # several of them form no valid name
        name = _host_name(host)
        accepted = _is_loopback(name) or name in (self._host, *self._hosts)
        if not accepted and not self._is_connection_address(name, request.scope):
            raise HostNotAllowedError(host)

    def check_origin(self, request: HTTPConnection) -> None:
        """Raises CrossSiteError where there are no API keys and a page of another site made the request."""
        if self._without_keys and not self.is_same_site(request):
            raise CrossSiteError(request.headers.get("origin", ""))

    def is_same_site(self, request: HTTPConnection) -> bool:
        """Whether a page of this service or of an allowed origin made the request, or no page at all."""
        origin = request.headers.get("origin")
        if origin is not None and (origin in self._origins or WILDCARD in self._origins):
            return True
        declared = request.headers.get("sec-fetch-site")
        if declared is not None:
            return declared in ("same-origin", "none")
        return origin is None or _host_and_port(origin) == request.headers.get("host", "").lower() != ""

    def _is_connection_address(self, name: str, scope: Scope) -> bool:
        """Whether a name is the address at which the connection arrived, which a page cannot forge.

        Applies where the service listens on every address of the machine.
        """
        address, server = _address(name), scope.get("server") or ("", None)
        return _is_wildcard(self._host) and address is not None and address == _address(server[0])


class SameSiteMiddleware:
    """Rejects requests to other hosts, and unsafe requests from pages of other sites."""

    def __init__(self, app: ASGIApp, policy: SitePolicy, metrics: Metrics) -> None:
        self._app = app
        self._policy = policy
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or respond with a problem."""
        if scope["type"] != "http" or scope["path"] in UNCHECKED_PATHS:
            return await self._app(scope, receive, send)
        request = HTTPConnection(scope)
        try:
            self._policy.check_host(request)
            if scope["method"] not in SAFE_METHODS:
                self._policy.check_origin(request)
        except RequestError as error:
            self._metrics.problems.labels(error.code).inc()
            return await problem_response(error)(scope, receive, send)
        return await self._app(scope, receive, send)


def _host_name(host: str) -> str:
    """The name in a `Host` header, without port and in lower case; empty if it is not `host[:port]` (RFC 9110, 7.2)."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises ValueError if it is not a number, as of two hosts of which the first has a port
        return "" if "@" in host or parts.netloc != host else (parts.hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _host_and_port(origin: str) -> str:
    """The host and port of an origin; empty if it has none or is malformed."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    """Whether a name always resolves to this machine (RFC 6761)."""
    address = _address(name)
    return address.is_loopback if address else name == "localhost" or name.endswith(".localhost")


def _is_wildcard(name: str) -> bool:
    address = _address(name)
    return address is not None and address.is_unspecified


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a name consists of; None for other names."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
