"""The drain loop: takes steps of live sessions, as long as sessions are ready.

A worker takes several ready sessions at once, processes them one after the other and commits their steps together with
the next taking, in one round trip to Redis.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

from redis import Redis
from rq.timeouts import JobTimeoutException

from duygu.services.worker.live.lease_renewal import LeaseRenewal
from duygu.services.worker.live.session import LiveSession
from duygu.shared.config.settings import MB, Settings
from duygu.shared.errors import CrashedError, DuyguError, StateLostError
from duygu.shared.live.steps import REPLIES, FrameInfo, Reply
from duygu.shared.live.worker_store import Claim, CompletedStep, SessionLeases, WaitingFrame
from duygu.shared.vision.decode.pictures.decoder import ImageDecoder
from duygu.shared.vision.engine import Engine

logger = logging.getLogger(__name__)

LOOP_S = 2.0
"""The loop ends after so long, so that the worker can serve its queue."""

LINGER_S = 0.25
"""The loop ends when no session was ready for so long; longer than the frame interval of a slow camera."""

MOST_CACHED = 64
"""Most sessions that a worker keeps in memory, so that it need not load their state."""

COMMIT_S = 0.03
"""A step that was completed so long ago is committed before the next one of the same taking begins."""

MOST_ATTEMPTS = 3
"""Consecutive claims without a commit after which the reply to the frames is an error."""


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """A step that is not committed yet, and its session."""

    step: CompletedStep
    session: LiveSession
    ended: float  # seconds of the monotonic clock


class DrainLoop:
    """Claims ready sessions and processes their frames; set up once in a worker."""

    def __init__(self, redis: Redis, engine: Engine, settings: Settings) -> None:
        self._leases = SessionLeases(redis)
        self._renewal = LeaseRenewal(self._leases)
        self._engine = engine
        self._decoder = ImageDecoder(
            picture_bytes=int(settings.stream_max_frame_mb * MB),
            max_pixels=settings.stream_max_pixels,
            min_face=engine.min_face,
        )
        self._cached: OrderedDict[str, tuple[int, LiveSession]] = OrderedDict()

    def close(self) -> None:
        """Stop the process that decodes pictures."""
        self._decoder.close()

    def drain(self, should_stop: Callable[[], bool]) -> int:
        """Take steps until no session is ready or LOOP_S has passed; returns their number."""
        self._leases.begin_drain()
        steps, end = 0, time.monotonic() + LOOP_S
        uncommitted: list[Uncommitted] = []
        with self._renewal:
            while time.monotonic() < end and not should_stop():
                claims = self._exchange(uncommitted, take=True) or self._await_claim()
                if claims is None:
                    return steps
                uncommitted = self._take_steps(claims)
                steps += len(claims)
            self._exchange(uncommitted, take=False)
        return steps

    def step(self, session_id: str) -> None:
        """Claim a session, process its waiting frames and commit."""
        if claim := self._leases.claim(session_id, self._known().get(session_id, -1)):
            self._exchange(self._take_steps([claim]), take=False)

    def _await_claim(self) -> list[Claim] | None:
        """Claim the next session that is ready; None when there was none for LINGER_S."""
        session_id = self._leases.next_ready(LINGER_S)
        if session_id is None:
            return None
        claim = self._leases.claim(session_id, self._known().get(session_id, -1))
        return [claim] if claim else []

    def _take_steps(self, claims: list[Claim]) -> list[Uncommitted]:
        """Process the frames of claimed sessions: the steps that are still to be committed."""
        uncommitted: list[Uncommitted] = []
        with self._renewal.holding(claims):
            for claim, following in zip_longest(claims, claims[1:]):
                if uncommitted and time.monotonic() - uncommitted[0].ended > COMMIT_S:
                    self._exchange(uncommitted, take=False)
                    uncommitted = []
                self._renewal.begin_step()
                uncommitted.append(self._take_step(claim, self._first_picture(following)))
        return uncommitted

    def _first_picture(self, claim: Claim | None) -> bytes | None:
        """The picture that a step will analyse first; None where that depends on a state which is not in memory."""
        _, session = self._cached.get(claim.session_id, (-1, None)) if claim else (-1, None)
        if claim is None or session is None or claim.state is not None or claim.attempts > 1:
            return None
        skipped = _skipped(session, claim.frames)
        return next((frame.picture for frame in claim.frames if frame.picture and frame.seq not in skipped), None)

    def _take_step(self, claim: Claim, following: bytes | None) -> Uncommitted:
        _, cached = self._cached.pop(claim.session_id, (-1, None))
        session, lost = self._open(claim, cached)
        replies = self._replies(session, claim, following, lost=lost)
        content = REPLIES.dump_json(replies, exclude_defaults=True).decode()
        step = CompletedStep(claim, session.save(), content, session.last_face_id)
        return Uncommitted(step, session, time.monotonic())

    def _exchange(self, uncommitted: list[Uncommitted], *, take: bool) -> list[Claim]:
        """Commit steps, and take the next sessions."""
        while self._cached and len(self._cached) > MOST_CACHED - len(uncommitted):  # before taking any
            self._cached.popitem(last=False)
        outcome = self._leases.exchange([one.step for one in uncommitted], self._known() if take else None)
        for one, committed in zip(uncommitted, outcome.committed, strict=True):
            if committed:
                self._cached[one.step.claim.session_id] = (one.step.claim.number, one.session)
        return outcome.claims

    def _known(self) -> dict[str, int]:
        """The claim numbers of the sessions in memory."""
        return {session_id: number for session_id, (number, _) in self._cached.items()}

    def _open(self, claim: Claim, cached: LiveSession | None) -> tuple[LiveSession, bool]:
        """The session as of the last commit, and whether its state was lost, so that a new one replaces it."""
        if claim.state is None and cached:
            return cached, False
        if claim.last_face_id is None and not claim.state:
            return self._new_session(), False
        try:
            if claim.attempts > MOST_ATTEMPTS + 1:
                raise ValueError("every step ended its worker, even without frames")
            decode = self._decoder.decode
            return LiveSession.restore(self._engine, claim.state or b"", decode=decode), False
        except ValueError as error:
            logger.warning("live session %s starts without its state: %s", claim.session_id, error)
        return self._new_session(claim.last_face_id or 0), True

    def _new_session(self, last_face_id: int = 0) -> LiveSession:
        return LiveSession(self._engine, decode=self._decoder.decode, last_face_id=last_face_id)

    def _replies(self, session: LiveSession, claim: Claim, following: bytes | None, *, lost: bool) -> list[Reply]:
        """Process the frames of a claim. `following`: the first picture of the next step, decoded meanwhile."""
        if claim.attempts > MOST_ATTEMPTS:
            return [_refusal(frame, CrashedError()) for frame in claim.frames]
        notices = [_refusal(frame, StateLostError()) for frame in claim.frames[:lost]]
        frames = claim.frames[lost:]
        skipped = _skipped(session, frames)
        replies = []
        analysed = [frame for frame in frames if frame.seq not in skipped]
        for frame, after in zip_longest(analysed, analysed[1:]):
            self._decoder.announce((after.picture or following) if after else following)
            replies.append(_attempt(session, frame))
        return notices + sorted([*replies, *(Reply(seq=seq, skipped=True) for seq in skipped)], key=lambda r: r.seq)


def _skipped(session: LiveSession, frames: tuple[WaitingFrame, ...]) -> set[int]:
    """Seqs of the frames that load shedding skips: all pictures but the newest, never the end of the session."""
    pictures = [frame.seq for frame in frames if frame.picture]
    return set(pictures[:-1]) if session.shedding else set()


def _attempt(session: LiveSession, frame: WaitingFrame) -> Reply:
    try:
        info = FrameInfo.read(frame.about)
        if info.last:
            return session.finish(frame.seq, info)
        return session.analyse(frame.seq, info, frame.picture)
    except DuyguError as error:
        return _refusal(frame, error)
    except JobTimeoutException:
        raise
    except Exception:
        logger.exception("internal error while a frame was processed")
        return _refusal(frame, DuyguError())


def _refusal(frame: WaitingFrame, error: DuyguError) -> Reply:
    return Reply(seq=frame.seq, code=error.code, detail=error.detail)
