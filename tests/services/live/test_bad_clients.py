"""Clients that send invalid data, do not read, or disconnect."""

import random
import time
from collections.abc import Iterator
from contextlib import suppress

import cv2
import httpx
import numpy as np
import pytest
from redis import Redis
from websockets.exceptions import ConnectionClosed

from duygu.services.api.live import socket_session
from duygu.services.serve import server as server_module
from duygu.shared.live.header import HEADER, MAGIC, VERSION, pack
from tests.services.conftest import wait_until
from tests.support.sockets import narrow_connection, open_socket, receive, send, until_closed


def test_bad_frames_are_errors_and_the_session_continues(served: str, pictures: list[bytes]) -> None:
    """Messages that are no usable pictures, each after a good frame, cause an error and do not end the session."""
    damaged = pictures[0][:200] + bytes(400)
    huge = bytes(cv2.imencode(".png", np.zeros((16_000, 16_000), np.uint8))[1])
    bad = [b"words", huge, damaged, bytes(5_000_000)]
    with open_socket(served) as socket:
        assert receive(socket)["type"] == "session.created"
        for number, content in enumerate(bad):
            socket.send(pack(pictures[number], number, number / 10))
            socket.send(pack(content, 100 + number, number / 10 + 0.05))
            replies = [receive(socket), receive(socket)]
            assert [(reply["type"], reply["seq"]) for reply in replies] == [
                ("result", 2 * number + 1),
                ("error", 2 * number + 2),
            ]
            codes = ("not_a_picture", "too_many_pixels", "undecodable_picture", "too_large")
            assert (replies[1]["code"], replies[1]["frame"]) == (codes[number], 100 + number)
            assert replies[1]["recoverable"]
        for text in ("words", '{"type": "session.jump"}', '{"type": "session.configure", "labels": ["joy"]}'):
            socket.send(text)
            error = receive(socket)
            assert (error["type"], error["seq"], error["code"]) == ("error", None, "invalid_message")
        send(socket, "session.close")
        messages, code, reason = until_closed(socket)
        assert [message["type"] for message in messages] == ["session.closed"]
        assert (messages[0]["totals"]["errors"], code, reason) == (4, 1000, "done")


def malformed_frames(pictures: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """Yield malformed binary messages in no particular order."""
    good = pack(pictures[0], 1, 0.5)
    header = bytearray(HEADER.pack(MAGIC, VERSION, 1, 0))
    yield from (b"", MAGIC, good[:7], good[: HEADER.size], good[: HEADER.size + 2], bytes(HEADER.size), b"\xff" * 60)
    yield from (bytes([*header[:4], version, *header[5:]]) + pictures[0] for version in (0, 2, 255))
    yield HEADER.pack(MAGIC, VERSION, 2**32 - 1, 2**64 - 1) + b"no picture"
    for size in ((1, 1), (1, 2000), (2000, 1), (3, 3)):
        yield bytes(cv2.imencode(chance.choice([".png", ".jpg"]), np.zeros((*size, 3), np.uint8))[1])
    for _ in range(40):
        damaged = bytearray(good)
        for _ in range(chance.randrange(1, 30)):
            damaged[chance.randrange(min(len(damaged), chance.choice([24, 700, len(damaged)])))] = chance.randrange(256)
        yield bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
    for start in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF....WEBPVP8X", b"RIFF....WEBPVP8L", b"RIFF....WEBPVP8 "):
        yield from (start + chance.randbytes(chance.randrange(60)) for _ in range(4))


MALFORMED_TEXTS = (
    "",
    "null",
    "[" * 60_000,
    '"' + "x" * 70_000 + '"',
    '{"type": null}',
    '{"type": "session.configure", "labels": ["\\ud800"]}',
    '{"type": "session.configure", "labels": []}',
    '{"type": "session.configure", "labels": "anger"}',
    '{"type": "session.configure", "labels": ["' + "x" * 60_000 + '"]}',
    '{"type": "session.configure", "smallest_face": NaN}',
    '{"type": "session.configure", "rate_hz": -1}',
    '{"type": "session.configure", "rate_hz": 1e999}',
    '{"type": "session.close", "now": true}',
    '{"type": "session.created"}',
)


def test_nothing_malformed_ends_a_session_or_disturbs_another(served: str, pictures: list[bytes]) -> None:
    """Malformed messages have one reply each, binary ones in order, and do not affect a concurrent session."""
    with open_socket(served) as socket, open_socket(served) as other:
        receive(socket), receive(other)
        for number, content in enumerate(malformed_frames(pictures, random.Random(3)), 1):  # noqa: S311
            socket.send(content)
            reply = receive(socket)
            assert reply["seq"] == number
            assert reply["type"] in ("error", "result")
            assert reply["type"] == "result" or (reply["code"] != "internal" and reply["recoverable"]), content
        for text in MALFORMED_TEXTS:
            socket.send(text)
            reply = receive(socket)
            assert (reply["type"], reply["seq"], reply["code"]) == ("error", None, "invalid_message")
            assert len(reply["detail"]) <= 1000
        send(socket, "session.configure", labels=["fear", "anger", "fear"] * 1000)
        assert receive(socket)["labels"] == ["fear", "anger"]
        other.send(pack(pictures[0], 1, 0.0))
        assert receive(other)["type"] == "result"
        send(socket, "session.close")
        assert until_closed(socket)[1:] == (1000, "done")


def test_a_message_of_17_mib_ends_the_socket_with_1009(served: str) -> None:
    """A message of 17 MiB is refused before it is complete in memory, and the next session works."""
    with open_socket(served) as socket:
        receive(socket)
        with suppress(ConnectionClosed):
            socket.send(bytes(17 * 1024 * 1024))
        assert until_closed(socket)[1] == 1009
    with open_socket(served) as socket:
        assert receive(socket)["type"] == "session.created"


@pytest.mark.parametrize(("bad", "code"), [(bytes(17 * 1024 * 1024), 1009), (b"\xff\xfe", 1007)])
def test_a_close_code_reaches_a_client_that_still_sends(
    served: str, pictures: list[bytes], bad: bytes, code: int
) -> None:
    """The client receives the close code although megabytes of its data were on their way, and not a reset."""
    for _ in range(5):
        with open_socket(served) as socket:
            with suppress(ConnectionClosed):
                for number in range(120):
                    socket.send(pictures[number % len(pictures)])
                    if number == 60:
                        socket.send(bad, text=code == 1007)
            assert until_closed(socket)[1] == code


def test_a_client_that_never_reads_is_let_go(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session of a client that never reads ends once its unread data fills all buffers; so does the connection."""
    monkeypatch.setattr(socket_session, "SEND_TIMEOUT_S", 1.0)
    monkeypatch.setattr(server_module, "GRACEFUL_SHUTDOWN_S", 1.0)
    narrow = narrow_connection(served)
    with open_socket(served, sock=narrow, ping_interval=None) as socket, suppress(ConnectionClosed):
        while True:
            socket.send(b"words")
    assert 'duygu_live_ends_total{reason="slow_reader"} 1.0' in httpx.get(f"{served}/metrics").text


def test_a_client_that_never_reads_affects_no_other_session(served: str, pictures: list[bytes]) -> None:
    """A client that sends frames without reading does not affect another session."""
    with open_socket(served, close_timeout=1) as deaf, open_socket(served) as other:
        receive(other)
        ends = time.monotonic() + 2.0
        number = 0
        while time.monotonic() < ends:
            deaf.send(pack(pictures[number % 30], number, number / 100))
            number += 1
        other.send(pack(pictures[0], 0, 0.0))
        assert receive(other)["type"] == "result"


def test_a_socket_that_breaks_off_is_forgotten(served: str, pictures: list[bytes], redis: Redis) -> None:
    """A session whose connection breaks between frames without a close message is removed from Redis."""
    with open_socket(served) as socket:
        receive(socket)
        socket.send(pack(pictures[0], 0, 0.0))
        socket.socket.close()
    wait_until(lambda: not redis.keys("duygu:live:session:*"))
