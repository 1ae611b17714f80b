"""Too many live sessions for a worker: fewer pictures of each, evenly spaced, and less to do for each."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from duygu.services.worker.live.leases import StreamWork
from duygu.services.worker.live.session import SPARING_S, LiveSession
from duygu.shared.config import Settings
from duygu.shared.live.api_store import SessionStore
from duygu.shared.live.steps import REPLIES, About
from duygu.shared.vision.engine import Engine, load_engine
from tests.support.counting_detector import Counted
from tests.support.sockets import jpeg
from tests.support.videos import Actor, Scene

MOVING = Scene(actors=(Actor(start=(0.3, 0.5), end=(0.7, 0.5)),), duration_s=9.0, fps=2.5, width=320, height=240)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The engine that ships."""
    return load_engine(Settings(threads=1))


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """The frames of MOVING as JPEG: every fourth of a camera's ten a second."""
    return [jpeg(MOVING.picture(time_s)) for time_s in MOVING.times()]


def searches(engine: Engine, pictures: list[bytes], *, crowded: bool) -> tuple[int, int]:
    """How often a session's pictures are searched, and how many of them show a face."""
    detector = Counted(engine.detector)
    session = LiveSession(replace(engine, detector=detector), Settings())
    abouts = [About(time_s=time_s, crowded=3 * number * crowded) for number, time_s in enumerate(MOVING.times())]
    replies = [session.take(seq, about, pictures[seq]) for seq, about in enumerate(abouts)]
    return detector.searches, sum(bool(reply.faces) for reply in replies)


def test_searching_is_spared_as_pictures_are(engine: Engine, pictures: list[bytes]) -> None:
    """No search for each second that a few pictures are left of, and the face is followed all the same.

    A camera that sends no more than that by itself is searched as often as ever.
    """
    (usual, seen), (spared, seen_crowded) = (searches(engine, pictures, crowded=crowded) for crowded in (False, True))
    assert spared <= 0.7 * usual
    assert seen_crowded >= seen - 1


def test_sparing_ends(engine: Engine, pictures: list[bytes]) -> None:
    """So long after the last frame that had to go; a worker that takes over goes on with it."""
    session = LiveSession(engine, Settings())

    def spares_after(session: LiveSession, time_s: float, crowded: int) -> bool:
        session.take(round(time_s * 10), About(time_s=time_s, crowded=crowded), pictures[0])
        return session.sparing

    assert not spares_after(session, 1.0, 0)
    assert spares_after(session, 2.0, 1)
    other = LiveSession.restore(engine, Settings(), session.save())
    for each in (session, other):
        assert spares_after(each, 2.0 + SPARING_S - 0.1, 1)
        assert not spares_after(each, 2.0 + SPARING_S, 1)


@pytest.fixture
def work(engine: Engine, redis: Redis) -> Iterator[StreamWork]:
    """A worker's work."""
    with closing(StreamWork(redis, engine, Settings())) as work:
        yield work


def test_the_newest_of_those_that_wait_is_enough(work: StreamWork, pictures: list[bytes], valkey_url: str) -> None:
    """Every frame is answered, none twice; at the end the session still gets its last answer."""

    async def step(store: SessionStore, *abouts: About) -> list[tuple[int, bool]]:
        for about in abouts:
            picture = b"" if about.last else pictures[0]
            await store.offer("one", round(about.time_s * 10), about.model_dump_json(), picture, 9)
        work.step("one")
        *_, answers = await store.replies("0", 100)
        return [(reply.seq, reply.passed_over) for reply in REPLIES.validate_json(answers.replies)]

    async def talk() -> list[list[tuple[int, bool]]]:
        async with AsyncRedis.from_url(valkey_url) as connection:
            store = SessionStore(connection, "api")
            await store.open("one", "", 1, 1)
            return [
                await step(store, About(time_s=0.1), About(time_s=0.2)),
                await step(store, About(time_s=0.4, crowded=1)),
                await step(store, *(About(time_s=time_s, crowded=1) for time_s in (0.5, 0.6, 0.7))),
                await step(
                    store, *(About(time_s=time_s, crowded=1) for time_s in (0.8, 0.9)), About(time_s=1.0, last=True)
                ),
            ]

    assert asyncio.run(talk()) == [
        [(1, False), (2, False)],
        [(4, False)],
        [(5, True), (6, True), (7, False)],
        [(8, True), (9, False), (10, False)],
    ]
