"""The messages of a session, its description and its metrics."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from redis import Redis

from duygu.shared.config.settings import Settings
from duygu.shared.live import api_store
from duygu.shared.live.header import pack
from tests.services.conftest import serving, wait_until
from tests.services.live.conftest import StartLiveWorker
from tests.support.sockets import open_socket, receive, send, until_closed


def test_a_session_follows_its_options(served: str, pictures: list[bytes]) -> None:
    """The chosen labels are reported, with `other` for the rest; faces below the chosen size are not reported."""
    with open_socket(served) as socket:
        receive(socket)
        send(socket, "session.configure", labels=["anger", "sadness"])
        assert receive(socket)["labels"] == ["anger", "sadness"]
        for number in range(12):
            socket.send(pack(pictures[number], number, number / 10))
            reply = receive(socket)
        (face,) = reply["faces"]
        assert set(face["probabilities"]) == {"anger", "sadness", "other"}
        assert face["emotion"] == "other"
        assert sum(face["probabilities"].values()) == pytest.approx(1)
        send(socket, "session.configure", smallest_face=0.9)
        receive(socket)
        socket.send(pack(pictures[12], 12, 1.2))
        assert receive(socket)["faces"] == []


def test_pictures_without_a_header_have_the_time_of_arrival(served: str, pictures: list[bytes]) -> None:
    """A picture without a header has no frame number, and its capture time is its arrival."""
    with open_socket(served) as socket:
        receive(socket)
        socket.send(pictures[0])
        reply = receive(socket)
    assert (reply["type"], reply["frame"]) == ("result", None)
    assert reply["captured_at"] == pytest.approx(time.time(), abs=60)


def test_too_many_frames_cost_the_oldest_and_never_an_order(served: str, pictures: list[bytes]) -> None:
    """Of 300 frames sent at once, each has one reply in order; the last has a result, and older ones are dropped."""
    with open_socket(served) as socket:
        receive(socket)
        for number in range(300):
            socket.send(pack(pictures[number % len(pictures)], number, number / 100))
        replies = [receive(socket) for _ in range(300)]
    assert [reply["seq"] for reply in replies] == list(range(1, 301))
    assert replies[-1]["type"] == "result"
    dropped = [reply for reply in replies if reply["type"] == "dropped"]
    assert dropped
    assert {reply["reason"] for reply in dropped} == {"newer"}


def test_an_idle_session_is_closed_and_leaves_nothing(
    live_settings: Settings, start_live_worker: StartLiveWorker, pictures: list[bytes], redis: Redis
) -> None:
    """An idle session closes with a code after the timeout, and all its keys are removed from Redis."""
    start_live_worker()
    with serving(live_settings.model_copy(update={"stream_idle_s": 3})) as client:
        with open_socket(str(client.base_url)) as socket:
            assert receive(socket)["limits"]["idle_timeout_s"] == 3
            socket.send(pictures[0])
            assert receive(socket)["type"] == "result"
            assert until_closed(socket)[1:] == (4408, "idle")
        wait_until(lambda: not redis.keys("duygu:live:session:*"))
        wait_until(lambda: not redis.zcard(api_store.OPEN))


def test_what_became_of_frames_is_counted(served: str, pictures: list[bytes]) -> None:
    """The metrics count open sessions, results and their time, dropped and invalid frames, and ends of sessions."""
    with open_socket(served) as socket:
        receive(socket)
        send(socket, "session.configure", rate_hz=5)
        receive(socket)
        for content, time_s in ((pictures[0], 0.0), (pictures[1], 0.1), (b"words", 0.2)):
            socket.send(pack(content, 0, time_s))
            receive(socket)
        open_now = httpx.get(f"{served}/metrics").text
        send(socket, "session.close")
        until_closed(socket)
    assert "duygu_live_sessions 1.0" in open_now
    assert 'duygu_workers{queue="streams"} 1.0' in open_now
    for outcome, reason in (("result", ""), ("dropped", "rate"), ("error", "not_a_picture")):
        assert f'duygu_live_frames_total{{answer="{outcome}",reason="{reason}"}} 1.0' in open_now
    assert "duygu_live_seconds_count 1.0" in open_now
    wait_until(lambda: 'duygu_live_ends_total{reason="done"} 1.0' in httpx.get(f"{served}/metrics").text)


def test_the_description_names_every_message(address: str) -> None:
    """`/v1/asyncapi.json` is AsyncAPI 3, and each reference in it resolves."""
    document = httpx.get(f"{address}/v1/asyncapi.json").json()
    assert document["asyncapi"].startswith("3.")
    assert set(document["channels"]["stream"]["messages"]) == {
        "frame",
        "session.created",
        "session.configure",
        "session.configured",
        "session.close",
        "session.closed",
        "result",
        "dropped",
        "error",
    }
    for reference in references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def references(node: Any) -> Iterator[str]:
    """Yield each `$ref` in a document."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)
