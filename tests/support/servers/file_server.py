"""A server of one file by HTTP, with ranges, redirects and faults."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FileServer:
    """A file and how it is served."""

    content: bytes = b""
    kind: str = "video/mp4"
    etag: str = '"one"'
    ranges: bool = True
    sized: bool = True
    """Whether the length is stated; otherwise the content is chunked."""
    statuses: list[int] = field(default_factory=list)
    """Statuses of the first responses; then 200 or 206."""
    location: str = ""
    """Where every request to a path other than /file is redirected."""
    endless: bool = False
    pause: threading.Event | None = None
    """Delays the second half of the content until it is set."""
    port: int = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers, with names in lower case."""

    @property
    def url(self) -> str:
        """The address of the file."""
        return f"http://127.0.0.1:{self.port}/file"


class _Handler(BaseHTTPRequestHandler):
    server_: FileServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        served = self.server_
        headers = {name.lower(): value for name, value in self.headers.items()}
        served.requests.append((self.path, headers))
        with suppress(OSError):
            if served.statuses:
                self._empty(served.statuses.pop(0))
            elif served.location and not self.path.startswith("/file"):
                self._empty(302, served.location)
            else:
                self._send(served, self._start(served, headers))

    def _empty(self, status: int, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if location:
            self.send_header("Location", location)
        self.end_headers()

    def _start(self, served: FileServer, headers: dict[str, str]) -> int:
        """The requested offset; 0 without a range, and for another version than this one."""
        same = headers.get("if-range", served.etag) == served.etag
        requested = headers.get("range", "") if served.ranges and same else ""
        return int(requested.removeprefix("bytes=").removesuffix("-") or 0)

    def _send(self, served: FileServer, start: int) -> None:
        body = served.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", served.kind)
        if served.etag:
            self.send_header("ETag", served.etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(served.content) - 1}/{len(served.content)}")
        chunked = served.endless or not served.sized
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))))
        self.end_headers()
        half = len(body) // 2 if served.pause else len(body)
        self._write(body[:half], chunked=chunked)
        if served.pause:
            served.pause.wait(60)
            self._write(body[half:], chunked=chunked)
        while served.endless:
            self._write(bytes(65_536), chunked=True)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, data: bytes, *, chunked: bool) -> None:
        if chunked and data:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        else:
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by http.server
        """Log nothing."""


@contextmanager
def serving_file(content: bytes = b"", **behaviour: Any) -> Iterator[FileServer]:
    """Serve a file within the block."""
    served = FileServer(content, **behaviour)
    handler = type("Handler", (_Handler,), {"server_": served})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        served.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
