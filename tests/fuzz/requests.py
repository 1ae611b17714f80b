"""Raw HTTP requests to a running API."""

import re
import socket

import httpx
import numpy as np

from tests.fuzz.mutations import mutate, mutate_text, pick
from tests.fuzz.running import FindingError

RESPONSE_S = 20.0
"""Longest wait for a response; the API itself takes up to 5 s for a request that breaks off."""

PATIENCE_S, SILENCE_S = 3.0, 0.2
"""Time without a response after which the request is ended, and time after which a response counts as complete."""

LOOKED_EVERY = 40
"""Requests between two checks of the API's health and of its jobs."""

UNKNOWN = "0" * 32

GETS = [
    *("/", "/upload", "/camera", "/api", "/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/asyncapi.json"),
    *("/v1/limits", "/v1/model", "/v1/jobs", "/v1/jobs?limit=2&cursor=abc", f"/v1/jobs/{UNKNOWN}", "/v1//jobs"),
    *(f"/v1/jobs/{UNKNOWN}/result?format=csv", f"/v1/jobs/{UNKNOWN}/events", "/v1/stream", "/static/js/pages/index.js"),
    *("/static/../services/cli.py", "/%2e%2e/%00"),
]

HEADERS = [
    *("Accept: text/csv;q=0.5, */*;q=0.1", "Range: bytes=0-10,20-", 'If-None-Match: "a", W/"b"', "Last-Event-ID: 7"),
    *("Authorization: Bearer duygu_x_y", "Origin: http://example.org", "Idempotency-Key: one", "Accept-Language: tr"),
    *("Content-Type: application/json", "Transfer-Encoding: chunked", "Content-Length: 10", "Expect: 100-continue"),
    *("Upgrade: websocket", "Sec-WebSocket-Key: x", "X-Request-ID: 1", "traceparent: 00-1-2-3", "Prefer: wait=0"),
    *("Content-Encoding: gzip", "X-Forwarded-For: 1.2.3.4", "If-Range: x", "Cookie: a=b"),
]

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")

BOUNDARY = b"duygu-boundary"


class Requests:
    """Sends mutated requests and uploads, each on a connection of its own."""

    name = "http"
    deadline_s = RESPONSE_S + 5.0

    def __init__(self, address: str, videos: list[bytes]) -> None:
        """Store the address of the API and the videos to upload."""
        self._url, self._videos, self._count = httpx.URL(address), videos, 0

    def make(self, random: np.random.Generator) -> bytes:
        """Return a mutated request, in some cases with a mutated video."""
        host = f"{self._url.host}:{self._url.port}".encode()
        if random.random() < 0.5:
            method = pick([b"GET", b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"FOO"], random)
            lines = [method + b" " + pick(GETS, random).encode() + b" HTTP/1.1", b"Host: " + host]
            lines += [pick(HEADERS, random).encode() for _ in range(random.integers(0, 4))]
            return _altered(lines, b"", random)
        video = pick(self._videos, random)
        body = _multipart(mutate(video, random) if random.random() < 0.5 else video)
        path = pick([b"/v1/videos", b"/v1/videos?reuse=true", b"/v1/videos?annotate=maybe"], random)
        lines = [b"POST " + path + b" HTTP/1.1", b"Host: " + host]
        lines += [b"Content-Type: multipart/form-data; boundary=" + BOUNDARY, b"Content-Length: %d" % len(body)]
        lines += [pick(HEADERS, random).encode() for _ in range(random.integers(0, 2))]
        return _altered(lines, body, random)

    def run(self, content: bytes) -> str:
        """Send the request. Status 500 and the code `internal` are findings; a closed connection is not."""
        self._count += 1
        response = self._exchange(content)
        statuses = [int(status) for status in STATUS.findall(response)]
        if 500 in statuses or b'"code":"internal"' in response.replace(b'": "', b'":"'):
            raise FindingError(f"the response is {response[:500]!r}")
        if self._count % LOOKED_EVERY == 0:
            self.check_alive()
        return str(statuses[0]) if statuses else "closed"

    def _exchange(self, content: bytes) -> bytes:
        """Return the response. A request without a timely response is ended, as it may be incomplete."""
        with socket.create_connection((self._url.host, self._url.port), timeout=RESPONSE_S) as connection:
            response = bytearray()
            try:
                connection.sendall(content)
                connection.settimeout(PATIENCE_S)
                while part := _received(connection, ended=bool(response)):
                    response += part
                    connection.settimeout(SILENCE_S)
            except TimeoutError as error:
                raise FindingError(f"the request was not read within {RESPONSE_S:.0f} s") from error
            except OSError:  # closed by the API
                pass
            return bytes(response)

    def check_alive(self) -> None:
        """Check that the API responds and that no job has failed with an internal error."""
        with httpx.Client(base_url=self._url, timeout=RESPONSE_S) as client:
            client.get("/healthz").raise_for_status()
            for job in client.get("/v1/jobs?limit=100").raise_for_status().json()["jobs"]:
                if job["error"] and job["error"]["code"] in {"internal", "crashed"}:
                    raise FindingError(f"a job has failed: {job['error']}")


def _altered(lines: list[bytes], body: bytes, random: np.random.Generator) -> bytes:
    head = b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n"
    match random.integers(0, 3):
        case 0:
            return mutate_text(head, random) + body
        case 1:
            return head + (mutate_text(body, random) if body else b"")
        case _:
            return head + body


def _multipart(content: bytes) -> bytes:
    head = b'Content-Disposition: form-data; name="video"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
    return b"--" + BOUNDARY + b"\r\n" + head + content + b"\r\n--" + BOUNDARY + b"--\r\n"


def _received(connection: socket.socket, *, ended: bool) -> bytes:
    """Return the next part of a response, or nothing after a closed connection or silence."""
    try:
        return connection.recv(65536)
    except TimeoutError:
        if ended:
            return b""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(RESPONSE_S)
    try:
        return connection.recv(65536)
    except TimeoutError as error:
        raise FindingError(f"no response within {RESPONSE_S:.0f} s") from error
