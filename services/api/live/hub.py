"""All live sessions of one API process: frames go out to workers, answers come back, lost steps are noticed."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from fastapi.concurrency import run_in_threadpool
from redis.exceptions import RedisError
from rq import Queue

from duygu.services.api.live.session import Accepted, Session
from duygu.shared.api_keys import Caller
from duygu.shared.broker import keys
from duygu.shared.broker.connections import connect_briefly, connect_waiting, redis_url, stream_redis_url
from duygu.shared.config import MB, Settings
from duygu.shared.errors import DuyguError, NoWorkerError, SessionLostError, TooManySessionsError, UnavailableError
from duygu.shared.jobs.heartbeat import heard_since
from duygu.shared.jobs.queues import QueueName, enqueue_shift, open_queue
from duygu.shared.live.api_store import Offer, SessionStore, new_session_id
from duygu.shared.live.messages import CloseCode, Limits
from duygu.shared.live.steps import REPLIES
from duygu.shared.live.worker_store import LEASE_S

logger = logging.getLogger(__name__)

BLOCK_S = 5.0
"""Longest wait for answers in one go."""

LOOK_S = 1.0
"""From one look for lost steps to the next."""

CONFIRM_LOOKS = 10
"""Looks from one sign that sessions are open to the next."""

PATIENCE_S = 15.0
"""A session whose next frame has waited for so long is ended: nobody works."""


class Hub:
    """Runs as long as the application does. Connections are opened when they are needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._redis = connect_waiting(stream_redis_url(settings), BLOCK_S)
        self._main = connect_briefly(redis_url(settings))
        self._queue: Queue = open_queue(self._main, QueueName.STREAMS)
        self._process = secrets.token_hex(8)
        self._store = SessionStore(self._redis, self._process)
        self._sessions: dict[str, Session] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._forever(work)) for work in (self._listen, self._look_after)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            session.fail(CloseCode.GOING_AWAY)
        for task in self._tasks:
            while not task.done():  # a connection that is just being made may swallow a cancellation
                task.cancel()
                await asyncio.wait([task], timeout=LOOK_S)
        await self._redis.aclose()
        self._main.close()

    @property
    def limits(self) -> Limits:
        """What every session may do."""
        settings = self.settings
        return Limits(
            max_frame_bytes=int(settings.stream_max_frame_mb * MB),
            max_pixels=settings.stream_max_pixels,
            max_waiting=settings.stream_max_waiting,
            idle_timeout_s=settings.stream_idle_s,
        )

    async def begin(self, caller: Caller) -> Session:
        """Open a session. Raises NoWorkerError, TooManySessionsError or UnavailableError."""
        session = Session(new_session_id(), caller.name, self.limits)
        most = self.settings.stream_sessions
        of_owner = most if caller.limits.sessions is None else caller.limits.sessions
        try:
            if not await run_in_threadpool(self._somebody_works):
                raise NoWorkerError
            opened = await self._store.open(session.session_id, caller.name, most, of_owner)
        except RedisError as error:
            raise UnavailableError from error
        if not opened:
            raise TooManySessionsError
        self._sessions[session.session_id] = session
        return session

    async def end(self, session: Session) -> None:
        """Forget a session and everything that Redis keeps of it."""
        self._sessions.pop(session.session_id, None)
        with suppress(RedisError):  # what is there expires
            await self._store.close(session.session_id, session.owner)

    async def offer(self, session: Session, accepted: Accepted) -> None:
        """Give a frame to the workers; frames that have to go for it are dropped."""
        about = accepted.about.model_dump_json(exclude_defaults=True)
        room = session.limits.max_waiting + accepted.about.last  # the end makes no frame go
        try:
            told = await self._store.offer(session.session_id, accepted.seq, about, accepted.picture, room)
            await self._follow(session, told)
        except RedisError as error:
            _lose(session, error)

    async def _follow(self, session: Session, told: Offer | None) -> None:
        if told is None:
            session.fail(CloseCode.TRY_AGAIN, SessionLostError())
            return
        session.crowded += len(told.dropped)
        for seq in told.dropped:
            session.drop(seq)
        if told.needs_shift:
            await run_in_threadpool(enqueue_shift, self._queue)

    async def _listen(self) -> None:
        after = "0"
        while True:
            answers = await self._store.replies(after, int(BLOCK_S * 1000))
            after = answers[-1].place if answers else after
            for answer in answers:
                if session := self._sessions.get(answer.session_id):
                    _take(session, answer.replies)

    async def _look_after(self) -> None:
        for look in range(CONFIRM_LOOKS):
            await asyncio.sleep(LOOK_S)
            for session in list(self._sessions.values()):
                await self._look_at(session)
            if look == 0 and self._sessions:
                await self._store.confirm({key: session.owner for key, session in self._sessions.items()})

    async def _look_at(self, session: Session) -> None:
        if session.oldest_wait_s > PATIENCE_S:
            session.fail(CloseCode.TRY_AGAIN, NoWorkerError())
        elif session.oldest_wait_s > LEASE_S:
            await self._follow(session, await self._store.nudge(session.session_id, session.limits.max_waiting + 1))

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do this again and again, whatever happens; where Redis goes away, all sessions end and may begin again."""
        while True:
            try:
                await work()
            except RedisError as error:
                for session in self._sessions.values():
                    _lose(session, error)
                await asyncio.sleep(LOOK_S)
            except Exception:
                logger.exception("the work on live sessions goes on after a fault that lies with us")
                await asyncio.sleep(LOOK_S)

    def _somebody_works(self) -> bool:
        workers = keys.workers(QueueName.STREAMS)
        return bool(self._main.zcount(workers, heard_since(), "+inf"))


def _take(session: Session, replies: bytes) -> None:
    """Hand over what a worker answered; a session whose answers cannot be read, as those of a newer worker, ends."""
    try:
        for reply in REPLIES.validate_json(replies):
            session.answer(reply)
    except ValueError:
        logger.exception("a live session ends because a worker's answers to it cannot be read")
        session.fail(CloseCode.INTERNAL, DuyguError())


def _lose(session: Session, error: RedisError) -> None:
    logger.warning("a live session ends because Redis cannot be used: %s", error)
    session.fail(CloseCode.TRY_AGAIN, UnavailableError())
