"""`duygu mcp`: serve the tools for assistants on stdio or HTTP."""

import logging
import socket
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from duygu.services.mcp.sources import Analyzer, LocalAnalyzer, ServiceAnalyzer
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError

if TYPE_CHECKING:
    from mcp.server import MCPServer

PATH = "/mcp"

PACKAGES = {"mcp", "httpx", "websockets"}
"""Packages of the extra `mcp`."""


def run(
    settings: Settings,
    *,
    http: bool = False,
    host: str = "127.0.0.1",
    port: int = 8765,
    folders: list[Path] | None = None,
    service: str | None = None,
    key: str | None = None,
) -> int:
    """Serve until the client ends or Ctrl-C; the exit status.

    folders  folders from which files may be read; none allows all on stdio, and the working directory alone on HTTP
    service  URL of the service that analyses; None analyses in this process

    Raises ConfigurationError for a host other than loopback, and without the packages of the extra `mcp`.
    """
    try:
        from duygu.services.mcp.server import make_server

        analyze = _analyzer(settings, service, key)
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        raise ConfigurationError("`duygu mcp` needs more packages: pip install 'duygu[mcp]'") from error
    for folder in folders or []:
        if not folder.is_dir():
            raise ConfigurationError(f"--folder {folder}: the folder does not exist")
    logging.getLogger("mcp").setLevel(logging.WARNING)
    if not http:
        make_server(analyze, folders or []).run()
        return 0
    if not _is_loopback(host):
        raise ConfigurationError(
            f"--host {host} is not a loopback address. The server has no authentication: put a proxy with "
            "authentication in front of it"
        )
    _serve_http(make_server(analyze, folders or [Path.cwd()]), host, port)
    return 0


def _serve_http(server: "MCPServer", host: str, port: int) -> None:
    """Serve streamable HTTP. Requests from pages of other sites are refused by their `Host` and `Origin`."""
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings

    from duygu.services.serve.server import KEEP_ALIVE_S

    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    port = listener.getsockname()[1]
    hosts = [f"{name}:{port}" for name in (_in_url(host), "localhost", "127.0.0.1", "[::1]")]
    security = TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=[f"http://{name}" for name in hosts])
    app = server.streamable_http_app(streamable_http_path=PATH, host=host, transport_security=security)
    print(f"Duygu serves MCP at http://{_in_url(host)}:{port}{PATH}", file=sys.stderr, flush=True)  # noqa: T201
    uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_keep_alive=KEEP_ALIVE_S)).run(sockets=[listener])


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _analyzer(settings: Settings, url: str | None, key: str | None) -> Analyzer:
    if url is None:
        return LocalAnalyzer(settings)
    from duygu.client import Service

    return ServiceAnalyzer(Service(url, key))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
