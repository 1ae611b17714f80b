"""Live sessions through real sockets, a real Redis and real workers."""

import json
import signal
import socket as sockets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from redis import Redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from duygu.client import Picture, Service, analyze, stream, video
from duygu.client import __main__ as example
from services import server as server_module
from services.api import stream as stream_module
from shared import stream_store
from shared.broker import IN_MEMORY, EmbeddedValkey, stream_redis_url
from shared.config import Settings
from shared.schemas import Window
from shared.stream_frames import pack
from shared.stream_messages import FrameResult, Options, SessionClosed, SessionCreated
from tests.services.conftest import serving, wait_until, worker
from tests.videos import Scene, VideoMaker

LIVE = Scene(duration_s=3.0, fps=10, width=640, height=480)

PATIENCE_S = 30.0

HALF_TICK_S = 0.05
"""Half of the time between two crops of a clip."""

StartLiveWorker = Callable[[], Any]


@pytest.fixture
def live_settings(settings: Settings, valkey_url: str, redis: Redis) -> Settings:
    """With the shipped model and an empty Redis."""
    return settings.model_copy(update={"redis_url": valkey_url, "stream_idle_s": 20})


@pytest.fixture
def address(live_settings: Settings) -> Iterator[str]:
    """Of an API that runs in this process."""
    with serving(live_settings) as client:
        yield str(client.base_url)


@pytest.fixture
def start_live_worker(live_settings: Settings, redis: Redis) -> Iterator[StartLiveWorker]:
    """Starts workers for live sessions, each ready before the next line."""
    with ExitStack() as running:

        def start() -> Any:
            there = redis.zcard("duygu:workers:streams")
            process = running.enter_context(worker(live_settings, "services.cli", "worker", "streams"))
            wait_until(lambda: redis.zcard("duygu:workers:streams") > there)
            return process

        yield start


@pytest.fixture
def served(address: str, start_live_worker: StartLiveWorker) -> str:
    """Address of an API that one worker works for."""
    start_live_worker()
    return address


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """The frames of LIVE as JPEG."""
    return [jpeg(LIVE.picture(time_s)) for time_s in LIVE.times()]


def jpeg(rgb: Any) -> bytes:
    """An encoded picture."""
    return bytes(cv2.imencode(".jpg", np.ascontiguousarray(rgb[:, :, ::-1]))[1])


@contextmanager
def open_socket(address: str, **options: Any) -> Iterator[ClientConnection]:
    """A socket; the session's first message has not been read."""
    url = f"{address.replace('http', 'ws')}/v1/stream"
    with connect(url, compression=None, max_size=None, **options) as socket:
        yield socket


def narrow_connection(address: str) -> sockets.socket:
    """A connection that holds little of what was not read; a wide one takes tens of megabytes on some machines."""
    connection = sockets.socket()
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    url = httpx.URL(address)
    connection.connect((url.host, url.port))
    return connection


def told(socket: ClientConnection) -> dict[str, Any]:
    """The next message."""
    return dict(json.loads(socket.recv(PATIENCE_S)))


def say(socket: ClientConnection, kind: str, **fields: Any) -> None:
    """Send a text message."""
    socket.send(json.dumps({"type": kind, **fields}))


def until_closed(socket: ClientConnection) -> tuple[list[dict[str, Any]], int | None, str | None]:
    """All messages that are still to come, and how the socket was closed."""
    messages = []
    try:
        while True:
            messages.append(told(socket))
    except ConnectionClosed:
        return messages, socket.close_code, socket.close_reason


def sent_live(address: str, path: Path, options: Options | None = None) -> list[Any]:
    """Every message about a video that is sent at its own rate."""
    return list(stream(path, Service(address), options))


def windows_of(messages: list[Any]) -> dict[int, list[Window]]:
    """Windows by face, from results and the farewell."""
    found: dict[int, list[Window]] = {}
    for message in messages:
        for face in message.faces if isinstance(message, FrameResult | SessionClosed) else ():
            found.setdefault(face.face_id, []).extend(face.windows)
    return found


def test_a_face_is_answered_for_live(served: str, video_maker: VideoMaker) -> None:
    """Each frame has its result in order, the smile is known within 1.2 s of video, and the totals add up."""
    created, *results, closed = sent_live(served, video_maker.make(LIVE))
    assert isinstance(created, SessionCreated)
    assert [message.seq for message in results] == list(range(1, 31))
    assert [message.frame for message in results] == list(range(1, 31))
    assert {(message.width, message.height) for message in results} == {(640, 480)}
    known = [message.captured_at for message in results for face in message.faces if face.state == "known"]
    assert known[0] <= 1.2
    last = results[-1].faces[0]
    assert (last.face_id, last.emotion, last.uncertain) == (1, "happiness", False)
    assert (closed.totals.frames, closed.totals.answered, closed.totals.faces) == (30, 30, 1)


def test_live_and_uploaded_give_the_same_windows(live_settings: Settings, served: str, video_maker: VideoMaker) -> None:
    """At least 95 % of the windows of a video have the same span and emotion either way."""
    same_either_way(live_settings, served, video_maker.make(Scene(duration_s=6.0, fps=15, width=640, height=480)))


def test_so_does_a_real_recording(live_settings: Settings, served: str, clips: Path) -> None:
    """Of a face that goes from neutral to a smile."""
    same_either_way(live_settings, served, clips / "single_face.mp4")


def same_either_way(settings: Settings, address: str, path: Path) -> None:
    """Fails unless the windows of a video are the same when it is uploaded and when it is sent live."""
    with worker(settings, "services.cli", "worker", "videos"):
        uploaded = {face.face_id: face.windows for face in analyze(path, Service(address)).faces}
    live = windows_of(sent_live(address, path))
    pairs = [
        (window, twin)
        for face_id, some in uploaded.items()
        for window in some
        for twin in live.get(face_id, [])
        if abs(window.start_s - twin.start_s) < HALF_TICK_S and window.emotion == twin.emotion
    ]
    assert len(pairs) >= 0.95 * max(sum(map(len, found.values())) for found in (uploaded, live)) > 0


def test_bad_frames_are_told_and_the_session_goes_on(served: str, pictures: list[bytes]) -> None:
    """Words, a huge picture, a damaged one and an unknown message, each between two good frames."""
    damaged = pictures[0][:200] + bytes(400)
    huge = bytes(cv2.imencode(".png", np.zeros((16_000, 16_000), np.uint8))[1])
    bad = [b"words", huge, damaged, bytes(5_000_000)]
    with open_socket(served) as socket:
        assert told(socket)["type"] == "session.created"
        for number, content in enumerate(bad):
            socket.send(pack(pictures[number], number, number / 10))
            socket.send(pack(content, 100 + number, number / 10 + 0.05))
            answers = [told(socket), told(socket)]
            assert [(answer["type"], answer["seq"]) for answer in answers] == [
                ("result", 2 * number + 1),
                ("error", 2 * number + 2),
            ]
            codes = ("not_a_picture", "too_many_pixels", "undecodable_picture", "too_large")
            assert (answers[1]["code"], answers[1]["frame"]) == (codes[number], 100 + number)
            assert answers[1]["recoverable"]
        for text in ("words", '{"type": "session.jump"}', '{"type": "session.configure", "labels": ["joy"]}'):
            socket.send(text)
            error = told(socket)
            assert (error["type"], error["seq"], error["code"]) == ("error", None, "invalid_message")
        say(socket, "session.close")
        messages, code, reason = until_closed(socket)
        assert [message["type"] for message in messages] == ["session.closed"]
        assert (messages[0]["totals"]["errors"], code, reason) == (4, 1000, "done")


def test_a_message_of_17_mib_ends_the_socket_with_1009(served: str) -> None:
    """It is refused before it is whole in memory, and the next session works."""
    with open_socket(served) as socket:
        told(socket)
        with suppress(ConnectionClosed):
            socket.send(bytes(17 * 1024 * 1024))
        # Where the kernel still holds unread bytes, the connection is reset and the code may be lost on its way.
        assert until_closed(socket)[1] in (1009, 1006)
    with open_socket(served) as socket:
        assert told(socket)["type"] == "session.created"


def test_too_many_frames_cost_the_oldest_and_never_an_order(served: str, pictures: list[bytes]) -> None:
    """300 frames at once: each is answered once and in order, the last one with a result, and others are dropped."""
    with open_socket(served) as socket:
        told(socket)
        for number in range(300):
            socket.send(pack(pictures[number % len(pictures)], number, number / 100))
        answers = [told(socket) for _ in range(300)]
    assert [answer["seq"] for answer in answers] == list(range(1, 301))
    assert answers[-1]["type"] == "result"
    dropped = [answer for answer in answers if answer["type"] == "dropped"]
    assert dropped
    assert {answer["reason"] for answer in dropped} == {"newer"}


def test_a_session_does_as_it_is_told(served: str, pictures: list[bytes]) -> None:
    """Fewer labels share all probability among them; faces below the smallest are not told of."""
    with open_socket(served) as socket:
        told(socket)
        say(socket, "session.configure", labels=["anger", "sadness"])
        assert told(socket)["labels"] == ["anger", "sadness"]
        for number in range(12):
            socket.send(pack(pictures[number], number, number / 10))
            answer = told(socket)
        (face,) = answer["faces"]
        assert set(face["probabilities"]) == {"anger", "sadness"}
        assert sum(face["probabilities"].values()) == pytest.approx(1)
        say(socket, "session.configure", smallest_face=0.9)
        told(socket)
        socket.send(pack(pictures[12], 12, 1.2))
        assert told(socket)["faces"] == []


def test_bare_pictures_take_the_time_of_their_arrival(served: str, pictures: list[bytes]) -> None:
    """Without a header there is no frame number, and the capture time is now."""
    with open_socket(served) as socket:
        told(socket)
        socket.send(pictures[0])
        answer = told(socket)
    assert (answer["type"], answer["frame"]) == ("result", None)
    assert answer["captured_at"] == pytest.approx(time.time(), abs=60)


def test_a_killed_worker_costs_one_step_and_another_goes_on(
    address: str, start_live_worker: StartLiveWorker, pictures: list[bytes]
) -> None:
    """After kill -9 in the middle the session is answered by the other worker, with the same face."""
    first = start_live_worker()
    with open_socket(address) as socket:
        told(socket)
        for number in range(12):
            socket.send(pack(pictures[number], number, number / 10))
            before = told(socket)
        first.kill()
        first.wait()
        start_live_worker()
        for number in range(12, 20):
            socket.send(pack(pictures[number], number, number / 10))
            after = told(socket)
    assert [face["face_id"] for face in before["faces"]] == [face["face_id"] for face in after["faces"]] == [1]
    assert after["faces"][0]["start_s"] == before["faces"][0]["start_s"]


def test_a_worker_killed_in_the_middle_of_a_step_loses_no_frame(
    address: str, start_live_worker: StartLiveWorker, pictures: list[bytes], redis: Redis
) -> None:
    """The frame that it had in hand is answered by the next worker, which goes on with the same face."""
    first = start_live_worker()
    with open_socket(address) as socket:
        session = f"duygu:live:session:{told(socket)['session_id']}"
        for number in range(30):
            socket.send(pack(pictures[number], number, number / 10))
            if number >= 12 and caught_in_a_step(first, redis, session):
                break
            told(socket)
        first.kill()
        first.wait()
        start_live_worker()
        answer = told(socket)
    assert (answer["type"], answer["frame"]) == ("result", number)
    assert [(face["face_id"], face["start_s"]) for face in answer["faces"]] == [(1, 0.0)]


def caught_in_a_step(process: Any, redis: Redis, session: str) -> bool:
    """Halt a worker as soon as it has claimed a step; where it was faster, it goes on."""
    deadline = time.monotonic() + 1.0
    while redis.hget(session, "attempts") != b"1" and time.monotonic() < deadline:
        pass
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.05)
    if redis.hget(session, "attempts") == b"1":
        return True
    process.send_signal(signal.SIGCONT)
    return False


def test_two_workers_share_sessions_and_none_takes_a_step_twice(
    address: str, start_live_worker: StartLiveWorker, pictures: list[bytes]
) -> None:
    """Steps that go from worker to worker give the same faces as one worker would."""
    start_live_worker(), start_live_worker()
    with ExitStack() as open_ones:
        sockets = [open_ones.enter_context(open_socket(address)) for _ in range(3)]
        for socket in sockets:
            told(socket)
        for number in range(20):
            for socket in sockets:
                socket.send(pack(pictures[number], number, number / 10))
            answers = [told(socket) for socket in sockets]
    assert [[face["emotion"] for face in answer["faces"]] for answer in answers] == [["happiness"]] * 3


def test_without_a_worker_the_socket_says_so(address: str) -> None:
    """The reason is told and the code invites to try again."""
    with open_socket(address) as socket:
        (error,), code, reason = until_closed(socket)
    assert (error["code"], error["recoverable"], code, reason) == ("no_worker", False, 1013, "no_worker")


def test_only_so_many_sessions_are_open(live_settings: Settings, start_live_worker: StartLiveWorker) -> None:
    """One more is refused with a code of its own; when one has closed, there is room."""
    start_live_worker()
    with serving(live_settings.model_copy(update={"stream_sessions": 1})) as client:
        address = str(client.base_url)
        with open_socket(address) as socket:
            told(socket)
            with open_socket(address) as refused:
                assert until_closed(refused)[1:] == (4429, "too_many_sessions")
        wait_until(lambda: opens(address))


def opens(address: str) -> bool:
    """Whether a session can be had."""
    with open_socket(address) as socket:
        return bool(told(socket)["type"] == "session.created")


def test_an_idle_session_is_closed_and_leaves_nothing(
    live_settings: Settings, start_live_worker: StartLiveWorker, pictures: list[bytes], redis: Redis
) -> None:
    """After the time that the limits tell, with a code; frames, state and session are gone from Redis."""
    start_live_worker()
    with serving(live_settings.model_copy(update={"stream_idle_s": 3})) as client:
        with open_socket(str(client.base_url)) as socket:
            assert told(socket)["limits"]["idle_timeout_s"] == 3
            socket.send(pictures[0])
            assert told(socket)["type"] == "result"
            assert until_closed(socket)[1:] == (4408, "idle")
        wait_until(lambda: not redis.keys("duygu:live:session:*"))
        wait_until(lambda: not redis.zcard(stream_store.OPEN))


def test_everything_that_redis_keeps_expires(served: str, pictures: list[bytes], redis: Redis) -> None:
    """Should the API die, no frame and no state stays."""
    with open_socket(served) as socket:
        told(socket)
        socket.send(pictures[0])
        told(socket)
        lasting = [key for key in redis.keys("duygu:live:session:*") if redis.ttl(key) < 0]
        assert redis.keys("duygu:live:session:*")
        assert lasting == []


def test_a_lost_session_says_so(served: str, pictures: list[bytes], redis: Redis) -> None:
    """When Redis has lost everything, the session ends with a code and a new one can begin."""
    with open_socket(served) as socket:
        told(socket)
        for key in redis.keys("duygu:live:session:*"):
            redis.delete(key)
        socket.send(pictures[0])
        (error,), code, _ = until_closed(socket)
    assert (error["code"], code) == ("session_lost", 1013)
    assert opens(served)


def test_redis_restarting_ends_a_session_and_another_can_begin(
    live_settings: Settings, tmp_path: Path, redis: Redis, pictures: list[bytes]
) -> None:
    """The socket says within seconds that Redis is away; afterwards the same worker answers a new session."""
    with EmbeddedValkey(tmp_path, IN_MEMORY) as valkey, ExitStack() as running:
        url = stream_redis_url(Settings(data_dir=tmp_path))
        settings = live_settings.model_copy(update={"stream_redis_url": url})
        address = str(running.enter_context(serving(settings)).base_url)
        process = running.enter_context(worker(settings, "services.cli", "worker", "streams"))
        wait_until(lambda: redis.zcard("duygu:workers:streams"))
        with open_socket(address) as socket:
            told(socket)
            socket.send(pictures[0])
            assert told(socket)["type"] == "result"
            valkey._process.kill()
            valkey._process.wait()
            (error,), code, reason = until_closed(socket)
        assert (error["code"], error["recoverable"], code, reason) == ("unavailable", False, 1013, "unavailable")
        with open_socket(address) as socket:
            assert until_closed(socket)[1:] == (1013, "unavailable")
        valkey.restart()
        with open_socket(address) as socket:
            assert told(socket)["type"] == "session.created"
            socket.send(pictures[0])
            assert told(socket)["type"] == "result"
        assert process.poll() is None


def test_a_client_that_never_reads_is_let_go(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once what it did not read fills all buffers, its session ends, and soon after so does the connection."""
    monkeypatch.setattr(stream_module, "READS_WITHIN_S", 1.0)
    monkeypatch.setattr(server_module, "GOODBYE_S", 1.0)
    narrow = narrow_connection(served)
    with open_socket(served, sock=narrow, ping_interval=None) as socket, suppress(ConnectionClosed):
        while True:
            socket.send(b"words")
    assert 'duygu_live_ends_total{reason="slow_reader"} 1.0' in httpx.get(f"{served}/metrics").text


def test_what_became_of_frames_is_counted(served: str, pictures: list[bytes]) -> None:
    """For Prometheus: open sessions, results and their time, dropped frames, bad ones, and why sessions ended."""
    with open_socket(served) as socket:
        told(socket)
        say(socket, "session.configure", rate_hz=5)
        told(socket)
        for content, time_s in ((pictures[0], 0.0), (pictures[1], 0.1), (b"words", 0.2)):
            socket.send(pack(content, 0, time_s))
            told(socket)
        open_now = httpx.get(f"{served}/metrics").text
        say(socket, "session.close")
        until_closed(socket)
    assert "duygu_live_sessions 1.0" in open_now
    assert 'duygu_workers{queue="streams"} 1.0' in open_now
    for answer, reason in (("result", ""), ("dropped", "rate"), ("error", "not_a_picture")):
        assert f'duygu_live_frames_total{{answer="{answer}",reason="{reason}"}} 1.0' in open_now
    assert "duygu_live_seconds_count 1.0" in open_now
    wait_until(lambda: 'duygu_live_ends_total{reason="done"} 1.0' in httpx.get(f"{served}/metrics").text)


def test_a_client_that_never_reads_harms_nobody(served: str, pictures: list[bytes]) -> None:
    """While one pours frames in without reading, another is answered, and the first is not read for ever."""
    with open_socket(served, close_timeout=1) as deaf, open_socket(served) as other:
        told(other)
        ends = time.monotonic() + 2.0
        number = 0
        while time.monotonic() < ends:
            deaf.send(pack(pictures[number % 30], number, number / 100))
            number += 1
        other.send(pack(pictures[0], 0, 0.0))
        assert told(other)["type"] == "result"


def test_pages_of_other_sites_are_refused(served: str) -> None:
    """A browser tells where a page is from; the service's own pages are welcome."""
    with open_socket(served, origin="https://example.org") as socket:
        (error,), code, _ = until_closed(socket)
    assert (error["code"], code) == ("forbidden", 4403)
    with open_socket(served, origin=served) as socket:
        assert told(socket)["type"] == "session.created"


def test_a_socket_that_breaks_off_is_forgotten(served: str, pictures: list[bytes], redis: Redis) -> None:
    """In the middle of frames, without a word."""
    with open_socket(served) as socket:
        told(socket)
        socket.send(pack(pictures[0], 0, 0.0))
        socket.socket.close()
    wait_until(lambda: not redis.keys("duygu:live:session:*"))


def test_the_client_takes_pictures_from_anywhere(served: str, pictures: list[bytes]) -> None:
    """An iterable of pictures is a source like a camera or a file."""
    source = (Picture(number / 10, picture) for number, picture in enumerate(pictures[:3]))
    messages = list(stream(source, Service(served)))
    assert [message.type for message in messages] == ["session.created", *["result"] * 3, "session.closed"]


def test_the_example_runs(served: str, video_maker: VideoMaker, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m duygu.client FILE URL` prints the smile."""
    assert example.main(str(video_maker.make(LIVE)), served) == 0
    assert "face 1: happiness" in capsys.readouterr().out


def test_a_file_is_sent_at_its_own_rate(video_maker: VideoMaker) -> None:
    """Pictures come when a player would show them, and fewer where a rate is given."""
    path = video_maker.make(LIVE)
    started = time.monotonic()
    times = [picture.captured_at for picture in video(path, rate_hz=5)]
    assert time.monotonic() - started >= 2.5
    assert times == pytest.approx([number / 5 for number in range(15)], abs=0.02)


def test_the_description_names_every_message(address: str) -> None:
    """`/v1/asyncapi.json` is AsyncAPI 3 and every reference in it leads somewhere."""
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
    """Every `$ref` in a document."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)
