"""Limits on the head of a request, over real connections."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi import FastAPI

from duygu.services.serve import http_protocol
from duygu.services.serve.http_protocol import MAX_HEAD_BYTES
from duygu.services.serve.server import uvicorn_config
from duygu.shared.config.settings import Settings

START = b"GET /v1/limits HTTP/1.1\r\nHost: localhost\r\n"


@contextmanager
def connected(api: httpx.Client) -> Iterator[socket.socket]:
    """A connection to the service."""
    with socket.create_connection((api.base_url.host, api.base_url.port or 0), timeout=20) as connection:
        yield connection


def response_of(connection: socket.socket) -> bytes:
    """What the service sends until it closes the connection."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def send_until_refused(connection: socket.socket, pieces: Iterator[bytes], limit: int) -> int:
    """Send pieces until the service closes the connection; the bytes sent, at most `limit`."""
    sent = 0
    try:
        while sent < limit:
            sent += connection.send(next(pieces))
    except ConnectionError:
        pass
    return sent


def endless(piece: bytes) -> Iterator[bytes]:
    """The piece, without end."""
    while True:
        yield piece


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (START + b"X-A: ", b"a" * 65536),
        (START, b"X-A: " + b"a" * 1017 + b"\r\n"),
        (b"GET /", b"a" * 65536),
    ],
    ids=["one header", "many headers", "request line"],
)
def test_an_endless_head_is_refused(api: httpx.Client, start: bytes, piece: bytes) -> None:
    """The service reads a bounded part of an endless head, and closes the connection."""
    with connected(api) as connection:
        connection.sendall(start)
        assert send_until_refused(connection, endless(piece), 64_000_000) < 64_000_000


@pytest.mark.parametrize(("size", "status"), [(MAX_HEAD_BYTES // 2, 200), (MAX_HEAD_BYTES + 1, 431)])
def test_the_limit_is_the_size_of_the_head(api: httpx.Client, size: int, status: int) -> None:
    """A head below the limit is accepted; above it the response is 431 with a code."""
    with connected(api) as connection:
        connection.sendall(START + b"Connection: close\r\nX-A: " + b"a" * size + b"\r\n\r\n")
        head, _, body = response_of(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(body).get("code") == (None if status == 200 else "head_too_large")


def test_a_malformed_request_gets_a_problem(api: httpx.Client) -> None:
    """What is not HTTP gives 400 with a code, as every error does."""
    with connected(api) as connection:
        connection.sendall(b"\x16\x03\x01\x00 not HTTP\r\n\r\n")
        head, _, body = response_of(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "invalid_request"


def test_a_body_may_be_larger_than_a_head(api: httpx.Client) -> None:
    """The limit does not apply to bodies, nor to the next request of a connection."""
    form = {"video": ("a.mp4", b"no video" * MAX_HEAD_BYTES)}
    assert [api.post("/v1/videos", files=form).status_code, api.get("/v1/limits").status_code] == [415, 200]


def test_a_head_that_does_not_arrive_ends_the_connection(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a complete head is closed after a time, and one that sends a head is not."""
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_S", 0.5)
    for start in (b"", START):
        with connected(api) as connection:
            connection.sendall(start)
            assert response_of(connection) == b""


def test_idle_connections_stay_open_longer_than_those_of_clients(service_settings: Settings) -> None:
    """A client that drops idle connections after 60 s or less never sends a request on one that the service closes."""
    idle_s = uvicorn_config(FastAPI(), service_settings).timeout_keep_alive
    assert idle_s > max(60, httpx.Limits().keepalive_expiry or 0)
