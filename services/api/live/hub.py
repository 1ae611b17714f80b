"""The live sessions of one API process: sends frames to the workers, receives replies, detects lost steps."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from fastapi.concurrency import run_in_threadpool
from redis.exceptions import RedisError
from rq import Queue

from duygu.services.api.live.overload import OverloadControl
from duygu.services.api.live.session import AcceptedFrame, Session
from duygu.shared.broker import keys
from duygu.shared.broker.connections import connect_briefly, connect_waiting, live_redis_url, redis_url
from duygu.shared.config.api_keys import Caller
from duygu.shared.config.settings import MB, Settings
from duygu.shared.errors import DuyguError, NoWorkerError, SessionLostError, TooManySessionsError, UnavailableError
from duygu.shared.jobs.heartbeat import alive_since
from duygu.shared.jobs.queues import QueueName, enqueue_drain, open_queue
from duygu.shared.live.api_store import Offer, SessionStore, new_session_id
from duygu.shared.live.messages import CloseCode, SessionLimits
from duygu.shared.live.steps import read_replies
from duygu.shared.live.worker_store import LEASE_S

logger = logging.getLogger(__name__)

BLOCK_S = 5.0
"""Timeout of one blocking read of replies."""

CHECK_INTERVAL_S = 1.0
"""Interval between checks for lost steps."""

CHECKS_PER_CONFIRMATION = 10
"""Number of checks between two confirmations in Redis that the sessions are open."""

NO_WORKER_TIMEOUT_S = 15.0
"""A session whose oldest frame has waited this long ends with `no_worker`, if no session has got a reply meanwhile."""

LONGEST_WAIT_S = 60.0
"""A session whose oldest frame has waited this long ends in any case."""


class Hub:
    """The registry of live sessions. It runs in the lifespan of the application and connects on first use."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._live_redis = connect_waiting(live_redis_url(settings), BLOCK_S)
        self._jobs_redis = connect_briefly(redis_url(settings))
        self._queue: Queue = open_queue(self._jobs_redis, QueueName.LIVE)
        self._process = secrets.token_hex(8)
        self._store = SessionStore(self._live_redis, self._process)
        self._sessions: dict[str, Session] = {}
        self._overload = OverloadControl()
        self.overload_rate_hz: float | None = None  # of the sessions of all API processes; None without overload
        self._replied_s = 0.0  # of the newest reply of a worker, seconds of the monotonic clock
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._repeat(work)) for work in (self._listen, self._monitor)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            session.fail(CloseCode.GOING_AWAY)
        for task in self._tasks:
            while not task.done():  # connecting to Redis may swallow a cancellation
                task.cancel()
                await asyncio.wait([task], timeout=CHECK_INTERVAL_S)
        await self._live_redis.aclose()
        self._jobs_redis.close()

    @property
    def limits(self) -> SessionLimits:
        """The limits of every session."""
        settings = self.settings
        return SessionLimits(
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
            if not await run_in_threadpool(self._has_workers):
                raise NoWorkerError
            opened = await self._store.open(session.session_id, caller.name, most, of_owner)
        except RedisError as error:
            raise UnavailableError from error
        if not opened:
            raise TooManySessionsError
        session.overload_rate_hz = self.overload_rate_hz
        self._sessions[session.session_id] = session
        return session

    async def end(self, session: Session) -> None:
        """Remove a session and its data in Redis."""
        self._sessions.pop(session.session_id, None)
        with suppress(RedisError):  # its keys expire
            await self._store.close(session.session_id, session.owner)

    async def offer(self, session: Session, accepted: AcceptedFrame) -> None:
        """Send a frame to the workers. If too many are waiting, the oldest ones are dropped."""
        about = accepted.about.model_dump_json(exclude_defaults=True)
        room = session.limits.max_waiting + accepted.about.last  # the end of the session displaces no frame
        try:
            outcome = await self._store.offer(session.session_id, accepted.seq, about, accepted.picture, room)
            await self._apply_offer(session, outcome)
        except RedisError as error:
            _fail(session, error)

    async def _apply_offer(self, session: Session, outcome: Offer | None) -> None:
        if outcome is None:
            session.fail(CloseCode.TRY_AGAIN, SessionLostError())
            return
        session.overload_drops += len(outcome.dropped)
        for seq in outcome.dropped:
            session.drop(seq)
        if outcome.needs_drain:
            await run_in_threadpool(enqueue_drain, self._queue)

    async def _listen(self) -> None:
        after = "0"
        while True:
            batches = await self._store.replies(after, int(BLOCK_S * 1000))
            if batches:
                after, self._replied_s = batches[-1].place, time.monotonic()
            for batch in batches:
                if session := self._sessions.get(batch.session_id):
                    _deliver(session, batch.replies)

    async def _monitor(self) -> None:
        for check in range(CHECKS_PER_CONFIRMATION):
            began = time.monotonic()
            await asyncio.sleep(CHECK_INTERVAL_S)
            await self._control_load(time.monotonic() - began)
            for session in list(self._sessions.values()):
                await self._check_session(session)
            if check == 0 and self._sessions:
                await self._store.confirm({key: session.owner for key, session in self._sessions.items()})

    async def _control_load(self, elapsed_s: float) -> None:
        """Adapt the rate of all sessions to what the workers achieved."""
        sessions = list(self._sessions.values())
        if not sessions and self.overload_rate_hz is None:
            return
        self._overload.update([session.take_load() for session in sessions], elapsed_s)
        self.overload_rate_hz = await self._store.share_rate(self._overload.rate_hz)
        for session in sessions:
            session.overload_rate_hz = self.overload_rate_hz

    async def _check_session(self, session: Session) -> None:
        if is_abandoned(session.oldest_wait_s, time.monotonic() - self._replied_s):
            session.fail(CloseCode.TRY_AGAIN, NoWorkerError())
        elif session.oldest_wait_s > LEASE_S:
            await self._apply_offer(
                session, await self._store.nudge(session.session_id, session.limits.max_waiting + 1)
            )

    async def _repeat(self, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat a task after every error. A Redis error ends all sessions, so that clients can reconnect."""
        while True:
            try:
                await work()
            except RedisError as error:
                for session in self._sessions.values():
                    _fail(session, error)
                await asyncio.sleep(CHECK_INTERVAL_S)
            except Exception:
                logger.exception("unexpected error in a task of the live sessions; the task is restarted")
                await asyncio.sleep(CHECK_INTERVAL_S)

    def _has_workers(self) -> bool:
        workers = keys.workers(QueueName.LIVE)
        return bool(self._jobs_redis.zcount(workers, alive_since(), "+inf"))


def is_abandoned(waited_s: float, silent_s: float) -> bool:
    """Whether no worker will reply to a session.

    waited_s  seconds for which its oldest frame has waited
    silent_s  seconds since a worker replied to any session
    """
    return min(waited_s, silent_s) > NO_WORKER_TIMEOUT_S or waited_s > LONGEST_WAIT_S


def _deliver(session: Session, replies: bytes) -> None:
    """Deliver the replies of a worker. Unreadable ones end the session."""
    try:
        for reply in read_replies(replies):
            session.handle_reply(reply)
    except ValueError:
        logger.exception("a live session ends because the replies of its worker cannot be parsed")
        session.fail(CloseCode.INTERNAL, DuyguError())


def _fail(session: Session, error: RedisError) -> None:
    logger.warning("a live session ends because Redis is unavailable: %s", error)
    session.fail(CloseCode.TRY_AGAIN, UnavailableError())
