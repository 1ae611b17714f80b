"""Working on live sessions: a shift takes one step after the other, of whichever sessions are ready."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from redis import Redis
from rq.timeouts import JobTimeoutException

from duygu.services.worker.live.lease_renewal import LeaseRenewal
from duygu.services.worker.live.session import LiveSession
from duygu.shared.config import MB, Settings
from duygu.shared.errors import CrashedError, DuyguError, StateLostError
from duygu.shared.live.steps import REPLIES, About, Reply
from duygu.shared.live.worker_store import Claim, SessionDesk, Waiting
from duygu.shared.vision.decode.image_decoder import ImageDecoder
from duygu.shared.vision.engine import Engine

logger = logging.getLogger(__name__)

SHIFT_S = 2.0
"""A shift ends after so long, so that the worker can look after its queue."""

LINGER_S = 0.25
"""A shift ends when no session was ready for so long. Longer than the time from frame to frame of a slow camera."""

MOST_AT_HAND = 64
"""Sessions whose state a worker keeps, so that it need not be read again."""

MOST_ATTEMPTS = 3
"""Steps that did not come to their end, one after the other, until their frames are given up."""


class StreamWork:
    """What a worker for live sessions has, set up once."""

    def __init__(self, redis: Redis, engine: Engine, settings: Settings) -> None:
        self._desk = SessionDesk(redis)
        self._renewal = LeaseRenewal(self._desk)
        self._engine = engine
        self._settings = settings
        self._decoder = ImageDecoder(
            picture_bytes=int(settings.stream_max_frame_mb * MB),
            max_pixels=settings.stream_max_pixels,
            min_face=settings.min_face,
        )
        self._at_hand: OrderedDict[str, tuple[int, LiveSession]] = OrderedDict()

    def close(self) -> None:
        """End what decodes pictures."""
        self._decoder.close()

    def shift(self, should_stop: Callable[[], bool]) -> int:
        """Take steps until nothing is ready or the time is over; returns how many there were."""
        self._desk.begin_shift()
        steps, end = 0, time.monotonic() + SHIFT_S
        with self._renewal:
            while time.monotonic() < end and not should_stop():
                session_id = self._desk.next_ready(LINGER_S)
                if session_id is None:
                    break
                self.step(session_id)
                steps += 1
        return steps

    def step(self, session_id: str) -> None:
        """Answer all frames of a session that wait."""
        known, session = self._at_hand.pop(session_id, (-1, None))
        claim = self._desk.claim(session_id, known)
        if claim is None:
            return
        with self._renewal.holding(claim):
            session, lost = self._open(claim, session)
            replies = self._answer(session, claim, lost=lost)
            content = REPLIES.dump_json(replies, exclude_defaults=True).decode()
            if self._desk.commit(claim, session.save(), content, session.last_face_id):
                self._at_hand[session_id] = (claim.number, session)
        while len(self._at_hand) > MOST_AT_HAND:
            self._at_hand.popitem(last=False)

    def _open(self, claim: Claim, at_hand: LiveSession | None) -> tuple[LiveSession, bool]:
        """The session as it was committed last, and whether it could not be had and begins afresh."""
        if claim.state is None and at_hand:
            return at_hand, False
        if claim.last_face_id is None and not claim.state:
            return self._new_session(), False
        try:
            if claim.attempts > MOST_ATTEMPTS + 1:
                raise ValueError("its worker ended, also without its frames")
            decode = self._decoder.decode
            return LiveSession.restore(self._engine, self._settings, claim.state or b"", decode=decode), False
        except ValueError as error:
            logger.warning("live session %s begins afresh: %s", claim.session_id, error)
        return self._new_session(claim.last_face_id or 0), True

    def _new_session(self, last_face_id: int = 0) -> LiveSession:
        return LiveSession(self._engine, self._settings, decode=self._decoder.decode, last_face_id=last_face_id)

    def _answer(self, session: LiveSession, claim: Claim, *, lost: bool) -> list[Reply]:
        if claim.attempts > MOST_ATTEMPTS:
            return [_refusal(frame, CrashedError()) for frame in claim.frames]
        notices = [_refusal(frame, StateLostError()) for frame in claim.frames[:lost]]
        frames = claim.frames[lost:]
        passed_over = _passed_over(session, frames)
        return notices + [
            Reply(seq=frame.seq, passed_over=True) if frame.seq in passed_over else _attempt(session, frame)
            for frame in frames
        ]


def _passed_over(session: LiveSession, frames: tuple[Waiting, ...]) -> set[int]:
    """Seqs of the frames that nobody looks at while work is spared: all but the newest picture and the end."""
    pictures = [frame.seq for frame in frames if frame.picture]
    return set(pictures[:-1]) if session.sparing else set()


def _attempt(session: LiveSession, frame: Waiting) -> Reply:
    try:
        about = About.model_validate_json(frame.about)
        if about.last:
            return session.finish(frame.seq, about)
        return session.take(frame.seq, about, frame.picture)
    except DuyguError as error:
        return _refusal(frame, error)
    except JobTimeoutException:
        raise
    except Exception:
        logger.exception("a frame could not be answered for a reason that lies with us")
        return _refusal(frame, DuyguError())


def _refusal(frame: Waiting, error: DuyguError) -> Reply:
    return Reply(seq=frame.seq, code=error.code, detail=error.detail)
