"""Live sessions when workers die and when Redis is not available."""

import json
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from websockets.sync.client import ClientConnection

from duygu.services.api.live import hub as live_hub
from duygu.shared.broker.connections import live_redis_url
from duygu.shared.broker.embedded import IN_MEMORY, EmbeddedValkey
from duygu.shared.config.settings import Settings
from duygu.shared.jobs.heartbeat import send_heartbeat
from duygu.shared.jobs.queues import QueueName
from duygu.shared.live.header import pack
from tests.services.conftest import serving, wait_until, worker
from tests.services.live.conftest import StartLiveWorker
from tests.support.sockets import open_socket, opens, receive, until_closed


def test_a_killed_worker_costs_one_step_and_another_goes_on(
    address: str, start_live_worker: StartLiveWorker, pictures: list[bytes]
) -> None:
    """After a worker is killed, another worker continues the session with the same face."""
    first = start_live_worker()
    with open_socket(address) as socket:
        receive(socket)
        for number in range(12):
            socket.send(pack(pictures[number], number, number / 10))
            before = receive(socket)
        first.kill()
        first.wait()
        start_live_worker()
        for number in range(12, 20):
            socket.send(pack(pictures[number], number, number / 10))
            after = receive(socket)
    assert [face["face_id"] for face in before["faces"]] == [face["face_id"] for face in after["faces"]] == [1]
    assert after["faces"][0]["start_s"] == before["faces"][0]["start_s"]


def test_a_worker_killed_in_the_middle_of_a_step_loses_no_frame(
    address: str, start_live_worker: StartLiveWorker, pictures: list[bytes], redis: Redis
) -> None:
    """The frame of a worker that is killed during a step gets its reply from the next worker, with the same face."""
    first = start_live_worker()
    with open_socket(address) as socket:
        session = f"duygu:live:session:{receive(socket)['session_id']}"
        for number in range(30):
            socket.send(pack(pictures[number], number, number / 10))
            if number >= 12 and caught_in_a_step(first, redis, session):
                break
            receive(socket)
        first.kill()
        first.wait()
        start_live_worker()
        reply = receive(socket)
    assert (reply["type"], reply["frame"]) == ("result", number)
    assert [(face["face_id"], face["start_s"]) for face in reply["faces"]] == [(1, 0.0)]


def caught_in_a_step(process: Any, redis: Redis, session: str) -> bool:
    """Stop a worker once it has claimed a step; resume it when it has already finished the step."""
    deadline = time.monotonic() + 1.0
    while redis.hget(session, "attempts") != b"1" and time.monotonic() < deadline:
        pass
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.05)
    if redis.hget(session, "attempts") == b"1":
        return True
    process.send_signal(signal.SIGCONT)
    return False


def test_two_workers_share_sessions_and_run_each_step_once(
    address: str, start_live_worker: StartLiveWorker, pictures: list[bytes]
) -> None:
    """Steps that alternate between workers give the same faces as one worker."""
    start_live_worker(), start_live_worker()
    with ExitStack() as open_ones:
        sockets = [open_ones.enter_context(open_socket(address)) for _ in range(3)]
        for socket in sockets:
            receive(socket)
        for number in range(20):
            for socket in sockets:
                socket.send(pack(pictures[number], number, number / 10))
            replies = [receive(socket) for socket in sockets]
    assert [[face["emotion"] for face in reply["faces"]] for reply in replies] == [["happiness"]] * 3


def test_a_step_longer_than_a_lease_runs_once(
    address: str,
    live_settings: Settings,
    redis: Redis,
    pictures: list[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker renews the lease during a long step, so that no other worker processes the frame."""
    searches = tmp_path / "searches"
    monkeypatch.setenv("SEARCHES", str(searches))
    with ExitStack() as running:
        for _ in range(2):
            running.enter_context(worker(live_settings, "tests.support.workers.slow_worker"))
        wait_until(lambda: redis.zcard("duygu:workers:streams") == 2)
        with open_socket(address) as socket:
            receive(socket)
            socket.send(pictures[0])
            reply = receive(socket)
    assert (reply["type"], reply["seq"]) == ("result", 1)
    assert len(searches.read_text().splitlines()) == 1


def test_an_unreadable_state_is_reported_and_the_session_continues(
    address: str, start_live_worker: StartLiveWorker, pictures: list[bytes], redis: Redis
) -> None:
    """An unreadable state, such as one of another version, costs one frame, and no earlier face id is reused."""
    first = start_live_worker()
    with open_socket(address) as socket:
        state = f"duygu:live:session:{receive(socket)['session_id']}:state"
        for number in range(12):
            socket.send(pack(pictures[number], number, number / 10))
            before = receive(socket)
        first.kill()
        first.wait()
        redis.set(state, b"\0\0\0\2{}" + b"of another version", ex=60)
        start_live_worker()
        after = []
        for number in range(12, 20):
            socket.send(pack(pictures[number], number, number / 10))
            after.append(receive(socket))
    assert [face["face_id"] for face in before["faces"]] == [1]
    assert (after[0]["type"], after[0]["code"], after[0]["recoverable"]) == ("error", "state_lost", True)
    assert {reply["type"] for reply in after[1:]} == {"result"}
    assert [face["face_id"] for face in after[-1]["faces"]] == [2]


def test_everything_that_redis_keeps_expires(served: str, pictures: list[bytes], redis: Redis) -> None:
    """All session keys in Redis expire, so that no frame and no state remain when the API dies."""
    with open_socket(served) as socket:
        receive(socket)
        socket.send(pictures[0])
        receive(socket)
        lasting = [key for key in redis.keys("duygu:live:session:*") if redis.ttl(key) < 0]
        assert redis.keys("duygu:live:session:*")
        assert lasting == []


def test_a_lost_session_is_reported(served: str, pictures: list[bytes], redis: Redis) -> None:
    """When Redis has lost its data, the session ends with a code and a new one can begin."""
    with open_socket(served) as socket:
        receive(socket)
        for key in redis.keys("duygu:live:session:*"):
            redis.delete(key)
        socket.send(pictures[0])
        (error,), code, _ = until_closed(socket)
    assert (error["code"], code) == ("session_lost", 1013)
    assert opens(served)


def test_a_reply_that_cannot_be_read_ends_one_session_alone(
    address: str, pictures: list[bytes], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unreadable reply of a newer worker ends its session and no other."""
    monkeypatch.setattr(live_hub, "CHECK_INTERVAL_S", 0.02)
    send_heartbeat(redis, QueueName.LIVE, "worker")
    with open_socket(address) as refused, open_socket(address) as other:
        sessions = [str(receive(socket)["session_id"]) for socket in (refused, other)]
        for socket, session in zip((refused, other), sessions, strict=True):
            send(socket, pictures[0], redis, session)
        redis.xadd(replies_to(redis, sessions[0]), {"session": sessions[0], "replies": "[{}]"})
        (error,), code, _ = until_closed(refused)
        assert (error["code"], code) == ("internal", 1011)
        send_reply(redis, sessions[1], seq=1)
        assert receive(other)["type"] == "result"
        redis.xadd(replies_to(redis, sessions[1]), {"what": "unknown"})
        send(other, pictures[1], redis, sessions[1])
        send_reply(redis, sessions[1], seq=2)
        assert receive(other)["type"] == "result"


def send(socket: ClientConnection, picture: bytes, redis: Redis, session: str) -> None:
    """Send a picture and return once it is queued for a worker."""
    frames = f"duygu:live:session:{session}:frames"
    before = redis.xlen(frames)
    socket.send(picture)
    wait_until(lambda: redis.xlen(frames) > before)


def send_reply(redis: Redis, session: str, **reply: int) -> None:
    """Reply to a frame as a worker does."""
    redis.xadd(replies_to(redis, session), {"session": session, "replies": json.dumps([reply])})


def replies_to(redis: Redis, session: str) -> Any:
    """Return the stream in which the session's API process waits for replies."""
    return redis.hget(f"duygu:live:session:{session}", "replies")


def test_redis_restarting_ends_a_session_and_another_can_begin(
    live_settings: Settings, tmp_path: Path, redis: Redis, pictures: list[bytes]
) -> None:
    """A restart of Redis ends the session with a code; afterwards the same worker serves a new session."""
    with EmbeddedValkey(tmp_path, IN_MEMORY) as valkey, ExitStack() as running:
        url = live_redis_url(Settings(data_dir=tmp_path))
        settings = live_settings.model_copy(update={"stream_redis_url": url})
        address = str(running.enter_context(serving(settings)).base_url)
        process = running.enter_context(worker(settings, "duygu.services.cli", "worker", "streams"))
        wait_until(lambda: redis.zcard("duygu:workers:streams"))
        with open_socket(address) as socket:
            receive(socket)
            socket.send(pictures[0])
            assert receive(socket)["type"] == "result"
            valkey._process.kill()
            valkey._process.wait()
            (error,), code, reason = until_closed(socket)
        assert (error["code"], error["recoverable"], code, reason) == ("unavailable", False, 1013, "unavailable")
        with open_socket(address) as socket:
            assert until_closed(socket)[1:] == (1013, "unavailable")
        valkey.restart()
        with open_socket(address) as socket:
            assert receive(socket)["type"] == "session.created"
            socket.send(pictures[0])
            assert receive(socket)["type"] == "result"
        assert process.poll() is None
