"""Load shedding: with more live sessions than a worker can serve, fewer frames of each are analysed, evenly spaced."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from duygu.services.worker.live.drain_loop import DrainLoop
from duygu.services.worker.live.session import SHEDDING_S, LiveSession
from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.live.api_store import SessionStore
from duygu.shared.live.steps import REPLIES, FrameInfo
from duygu.shared.vision.engine import Engine, load_engine
from tests.support.counting_detector import Counted
from tests.support.media.videos import Actor, Scene
from tests.support.sockets import jpeg

MOVING = Scene(actors=(Actor(start=(0.3, 0.5), end=(0.7, 0.5)),), duration_s=9.0, fps=2.5, width=320, height=240)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The shipped engine."""
    return load_engine(engine_options(Settings(threads=1)))


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """The frames of MOVING as JPEG: every fourth of ten per second."""
    return [jpeg(MOVING.picture(time_s)) for time_s in MOVING.times()]


def searches(engine: Engine, pictures: list[bytes], *, overloaded: bool) -> tuple[int, int]:
    """Return how often a session searches its pictures, and how many of them have a face."""
    detector = Counted(engine.detector)
    session = LiveSession(replace(engine, detector=detector))
    infos = [
        FrameInfo(time_s=time_s, overload_drops=3 * number * overloaded) for number, time_s in enumerate(MOVING.times())
    ]
    replies = [session.analyse(seq, info, pictures[seq]) for seq, info in enumerate(infos)]
    return detector.searches, sum(bool(reply.faces) for reply in replies)


def test_load_shedding_searches_less_often(engine: Engine, pictures: list[bytes]) -> None:
    """Under overload, searches follow the number of frames instead of the time, and the face is still tracked.

    A camera that sends as few frames by itself is searched as often as before.
    """
    (usual, seen), (shed, seen_overloaded) = (
        searches(engine, pictures, overloaded=overloaded) for overloaded in (False, True)
    )
    assert shed <= 0.7 * usual
    assert seen_overloaded >= seen - 1


def test_load_shedding_ends(engine: Engine, pictures: list[bytes]) -> None:
    """Load shedding ends SHEDDING_S after the last dropped frame, also in a session that another worker restored."""
    session = LiveSession(engine)

    def sheds_after(session: LiveSession, time_s: float, drops: int) -> bool:
        session.analyse(round(time_s * 10), FrameInfo(time_s=time_s, overload_drops=drops), pictures[0])
        return session.shedding

    assert not sheds_after(session, 1.0, 0)
    assert sheds_after(session, 2.0, 1)
    other = LiveSession.restore(engine, session.save())
    for each in (session, other):
        assert sheds_after(each, 2.0 + SHEDDING_S - 0.1, 1)
        assert not sheds_after(each, 2.0 + SHEDDING_S, 1)


@pytest.fixture
def loop(engine: Engine, redis: Redis) -> Iterator[DrainLoop]:
    """The drain loop of one worker."""
    with closing(DrainLoop(redis, engine, Settings())) as loop:
        yield loop


def test_load_shedding_analyses_the_newest_frame(loop: DrainLoop, pictures: list[bytes], valkey_url: str) -> None:
    """Of the waiting frames, the newest is analysed and the others are skipped, except for the end of the session."""

    async def step(store: SessionStore, *infos: FrameInfo) -> list[tuple[int, bool]]:
        for info in infos:
            picture = b"" if info.last else pictures[0]
            await store.offer("one", round(info.time_s * 10), info.model_dump_json(), picture, 9)
        loop.step("one")
        *_, batch = await store.replies("0", 100)
        return [(reply.seq, reply.skipped) for reply in REPLIES.validate_json(batch.replies)]

    async def talk() -> list[list[tuple[int, bool]]]:
        async with AsyncRedis.from_url(valkey_url) as connection:
            store = SessionStore(connection, "api")
            await store.open("one", "", 1, 1)
            return [
                await step(store, FrameInfo(time_s=0.1), FrameInfo(time_s=0.2)),
                await step(store, FrameInfo(time_s=0.4, overload_drops=1)),
                await step(store, *(FrameInfo(time_s=time_s, overload_drops=1) for time_s in (0.5, 0.6, 0.7))),
                await step(
                    store,
                    *(FrameInfo(time_s=time_s, overload_drops=1) for time_s in (0.8, 0.9)),
                    FrameInfo(time_s=1.0, last=True),
                ),
            ]

    assert asyncio.run(talk()) == [
        [(1, False), (2, False)],
        [(4, False)],
        [(5, True), (6, True), (7, False)],
        [(8, True), (9, False), (10, False)],
    ]
