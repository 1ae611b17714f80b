"""The drain loop: sessions taken together get the replies that each gets alone, and skipped frames cost nothing."""

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from duygu.services.worker.live import drain_loop, lease_renewal
from duygu.services.worker.live.drain_loop import DrainLoop
from duygu.services.worker.live.session import LiveSession
from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.live.api_store import SessionStore
from duygu.shared.live.steps import FrameInfo, Reply, read_replies
from duygu.shared.live.worker_store import MOST_TAKEN
from duygu.shared.vision.decode.pictures.decoder import Ahead
from duygu.shared.vision.engine import Engine, load_engine
from tests.support.counting_redis import CountingRedis
from tests.support.media.videos import Actor, Scene
from tests.support.sockets import jpeg

MOVING = Scene(actors=(Actor(start=(0.3, 0.5), end=(0.7, 0.5)),), duration_s=1.5, fps=10, width=320, height=240)

SESSIONS = tuple(f"s{number}" for number in range(MOST_TAKEN + 2))


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The shipped engine."""
    return load_engine(engine_options(Settings(threads=1)))


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """The frames of MOVING as JPEG."""
    return [jpeg(MOVING.picture(time_s)) for time_s in MOVING.times()]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drain loop ends as soon as no session is ready, however slow the machine is."""
    monkeypatch.setattr(drain_loop, "LINGER_S", 0.01)
    monkeypatch.setattr(drain_loop, "LOOP_S", 60.0)
    monkeypatch.setattr(drain_loop, "COMMIT_S", 60.0)
    monkeypatch.setattr(lease_renewal, "RENEW_S", 60.0)


@pytest.fixture
def counting(valkey_url: str, redis: Redis) -> Iterator[CountingRedis]:
    """A connection that counts its round trips."""
    with closing(CountingRedis.connected(valkey_url)) as connection:
        yield connection


@pytest.fixture
def loop(engine: Engine, counting: CountingRedis) -> Iterator[DrainLoop]:
    """The drain loop of one worker."""
    with closing(DrainLoop(counting, engine, Settings())) as loop:
        yield loop


class Sessions:
    """The API's side of SESSIONS: offers frames and collects the replies."""

    def __init__(self, url: str) -> None:
        self._url, self._after = url, "0"
        self.replies: dict[str, list[Reply]] = {name: [] for name in SESSIONS}

    def open(self) -> None:
        """Open all sessions."""

        async def run() -> None:
            async with AsyncRedis.from_url(self._url) as connection:
                for name in SESSIONS:
                    await SessionStore(connection, "api").open(name, "", 100, 100)

        asyncio.run(run())

    def offer(self, seq: int, info: FrameInfo, picture: bytes) -> None:
        """Offer a frame of each session."""

        async def run() -> None:
            async with AsyncRedis.from_url(self._url) as connection:
                for name in SESSIONS:
                    await SessionStore(connection, "api").offer(name, seq, info.model_dump_json(), picture, 9)

        asyncio.run(run())

    def collect(self) -> None:
        """Read the replies."""

        async def run() -> None:
            async with AsyncRedis.from_url(self._url) as connection:
                for batch in await SessionStore(connection, "api").replies(self._after, 1000):
                    self._after = batch.place
                    self.replies[batch.session_id] += read_replies(batch.replies)

        asyncio.run(run())


@pytest.fixture
def sessions(valkey_url: str, redis: Redis) -> Sessions:
    """Open sessions."""
    opened = Sessions(valkey_url)
    opened.open()
    return opened


def test_sessions_taken_together_get_the_replies_of_each_alone(
    loop: DrainLoop, sessions: Sessions, engine: Engine, pictures: list[bytes], counting: CountingRedis
) -> None:
    """Every session gets the replies, in order, that it gets from a session by itself, in few round trips to Redis."""
    alone, expected = LiveSession(engine), []
    for seq, picture in enumerate(pictures, start=1):
        info = FrameInfo(time_s=seq / 10)
        expected.append(alone.analyse(seq, info, picture))
        sessions.offer(seq, info, picture)
        before = len(counting.calls)
        assert loop.drain(lambda: False) == len(SESSIONS)
        if seq > 1:  # the worker has the states: it begins, takes twice, commits and takes nothing, and waits
            assert counting.calls[before:] == ["DEL", "pipeline", "pipeline", "pipeline", "BLPOP"]
        sessions.collect()
    assert any(face.emotion for reply in expected for face in reply.faces)
    for replies in sessions.replies.values():
        assert replies == expected


def test_a_frame_that_is_skipped_is_never_decoded(
    loop: DrainLoop, sessions: Sessions, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load shedding, of the waiting frames of every session only the newest reaches the decoder."""
    decoded: list[int] = []
    send = loop._decoder._send

    def counted(picture: bytes, side: int) -> Ahead:
        decoded.append(pictures.index(picture))
        return send(picture, side)

    monkeypatch.setattr(loop._decoder, "_send", counted)
    sessions.offer(1, FrameInfo(time_s=0.1, overload_drops=1), pictures[0])
    loop.drain(lambda: False)
    for seq in (2, 3, 4):
        sessions.offer(seq, FrameInfo(time_s=seq / 10, overload_drops=1), pictures[seq])
    loop.drain(lambda: False)
    sessions.collect()
    assert sorted(decoded) == [0] * len(SESSIONS) + [4] * len(SESSIONS)
    for replies in sessions.replies.values():
        assert [(reply.seq, reply.skipped) for reply in replies] == [(1, False), (2, True), (3, True), (4, False)]


def test_more_sessions_than_a_worker_keeps_get_replies(
    loop: DrainLoop, sessions: Sessions, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose memory holds fewer sessions than it serves loses no state."""
    monkeypatch.setattr(drain_loop, "MOST_CACHED", 3)
    for seq in range(1, 5):
        sessions.offer(seq, FrameInfo(time_s=seq / 10), pictures[seq])
        loop.drain(lambda: False)
    sessions.collect()
    for replies in sessions.replies.values():
        assert [(reply.seq, reply.code) for reply in replies] == [(seq, None) for seq in range(1, 5)]


def test_a_worker_that_stops_commits_completed_steps(
    loop: DrainLoop, sessions: Sessions, pictures: list[bytes], redis: Redis
) -> None:
    """A worker that is stopped after a taking leaves no session with a lease and no frame without a reply."""
    sessions.offer(1, FrameInfo(time_s=0.1), pictures[0])
    loop.drain(lambda: False)
    sessions.offer(2, FrameInfo(time_s=0.2), pictures[1])
    stops = iter([False, True])
    assert loop.drain(lambda: next(stops)) == MOST_TAKEN
    sessions.collect()
    replied = [name for name, replies in sessions.replies.items() if [reply.seq for reply in replies] == [1, 2]]
    assert replied == list(SESSIONS[:MOST_TAKEN])
    assert {redis.hget(f"duygu:live:session:{name}", "lease") for name in SESSIONS} == {b"0"}
