"""The state of a live session: one reply per frame, in order."""

import time

import cv2
import numpy as np
import pytest

from duygu.services.api.live.session import MAX_PENDING_FRAMES, Session, State
from duygu.shared.live.header import pack
from duygu.shared.live.messages import (
    FrameDropped,
    FrameError,
    FrameResult,
    SessionClosed,
    SessionLimits,
    SessionOptions,
)
from duygu.shared.live.steps import Reply
from tests.shared.vision.decode.file_kinds import animation

JPEG = bytes(cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1])

LIMITS = SessionLimits(max_frame_bytes=100_000, max_pixels=64 * 48, max_waiting=4, idle_timeout_s=60)


@pytest.fixture
def session() -> Session:
    """A new session."""
    return Session("id", "", LIMITS)


def sent(session: Session) -> list[tuple[str, int | None]]:
    """The messages that are ready, as type and sequence number."""
    kinds = (FrameResult, FrameDropped, FrameError)
    return [(message.type, message.seq) for message in session.outgoing() if isinstance(message, kinds)]


def test_replies_leave_in_the_order_of_the_frames(session: Session) -> None:
    """A reply waits until every earlier frame has one."""
    for number in range(4):
        session.receive(pack(JPEG, number, number / 10))
    session.handle_reply(Reply(seq=3))
    session.drop(2)
    session.handle_reply(Reply(seq=4, code="undecodable_picture"))
    assert sent(session) == []
    session.handle_reply(Reply(seq=1))
    assert sent(session) == [("result", 1), ("dropped", 2), ("result", 3), ("error", 4)]


@pytest.mark.parametrize("container", ["PNG", "WEBP"])
def test_the_result_of_an_animated_picture_has_a_warning(container: str) -> None:
    """Each animated picture gives a warning in its own result; other results have none."""
    session = Session("id", "", LIMITS.model_copy(update={"max_frame_bytes": 10_000_000, "max_pixels": 10_000_000}))
    for number, picture in enumerate((JPEG, animation(container), JPEG)):
        session.receive(pack(picture, number, number / 10))
        session.handle_reply(Reply(seq=number + 1))
    results = [message for message in session.outgoing() if isinstance(message, FrameResult)]
    assert [[warning.code for warning in result.warnings] for result in results] == [[], ["animated_picture"], []]


def test_an_animated_gif_is_no_picture(session: Session) -> None:
    """An animated GIF is rejected like every GIF."""
    session.receive(animation("GIF"))
    (error,) = session.outgoing()
    assert isinstance(error, FrameError)
    assert error.code == "not_a_picture"


def test_frames_without_times_are_accepted_when_the_clock_is_set_back(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of the system clock does not affect the capture times of a session."""
    before = time.time()
    assert session.receive(JPEG)
    monkeypatch.setattr(time, "time", lambda: before - 3600)
    second = session.receive(JPEG)
    assert second
    assert 0 < second.about.time_s < 60
    session.handle_reply(Reply(seq=1))
    (first,) = session.outgoing()
    assert isinstance(first, FrameResult)
    assert before - 1 < first.captured_at < before + 60


def test_a_frame_has_one_reply(session: Session) -> None:
    """A late reply to a frame that was dropped or has a reply is ignored."""
    session.receive(pack(JPEG, 1, 0.0))
    session.drop(1)
    session.handle_reply(Reply(seq=1))
    assert sent(session) == [("dropped", 1)]
    session.handle_reply(Reply(seq=1))
    session.drop(1)
    assert sent(session) == []


def test_a_frame_that_a_worker_skipped_is_dropped(session: Session) -> None:
    """A frame that the worker skipped is reported as dropped with reason `newer`."""
    session.receive(pack(JPEG, 1, 0.0))
    session.receive(pack(JPEG, 2, 0.1))
    session.handle_reply(Reply(seq=1, skipped=True))
    session.handle_reply(Reply(seq=2))
    dropped, _ = session.outgoing()
    assert isinstance(dropped, FrameDropped)
    assert (dropped.seq, dropped.reason) == (1, "newer")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"words", "not_a_picture"),
        (b"", "not_a_picture"),
        (b"DYGU\x01", "not_a_picture"),
        (bytes(200_000), "too_large"),
        (bytes(cv2.imencode(".png", np.zeros((49, 64, 3), np.uint8))[1]), "too_many_pixels"),
    ],
)
def test_a_frame_that_cannot_be_used_gets_an_error_with_its_number(session: Session, message: bytes, code: str) -> None:
    """An invalid frame gets an error, is not sent to the workers, and does not end the session."""
    assert session.receive(message) is None
    (error,) = session.outgoing()
    assert isinstance(error, FrameError)
    assert (error.seq, error.code, error.recoverable) == (1, code, True)
    assert session.receive(pack(JPEG, 2, 1.0)) is not None


def test_time_runs_forward_from_the_first_frame(session: Session) -> None:
    """Times are relative to the first capture, and a frame with a non-increasing capture time is rejected."""
    taken = [session.receive(pack(JPEG, number, 500 + time_s)) for number, time_s in enumerate((0.0, 0.5, 0.5, 0.7))]
    assert [accepted and round(accepted.about.time_s, 6) for accepted in taken] == [0.0, 0.5, None, 0.7]
    session.handle_reply(Reply(seq=1))
    session.handle_reply(Reply(seq=2))
    assert sent(session) == [("result", 1), ("result", 2), ("error", 3)]


def test_a_rate_leaves_frames_out(session: Session) -> None:
    """At 5 results a second of 20 frames a second, every fourth is analysed and the others are dropped."""
    session.options = SessionOptions(rate_hz=5)
    taken = [session.receive(pack(JPEG, number, number / 20)) for number in range(9)]
    assert [accepted.seq for accepted in taken if accepted] == [1, 5, 9]
    for seq in (1, 5):
        session.handle_reply(Reply(seq=seq))
    assert [kind for kind, _ in sent(session)] == ["result", *["dropped"] * 3, "result", *["dropped"] * 3]


def test_the_end_comes_after_the_last_reply(session: Session) -> None:
    """`session.closed` follows the pending replies and counts them."""
    session.receive(pack(JPEG, 1, 3.0))
    session.receive(pack(JPEG, 2, 3.5))
    session.receive(b"words")
    last = session.drain()
    assert (session.state, last.about.last) == (State.DRAINING, True)
    session.handle_reply(Reply(seq=last.seq))
    session.handle_reply(Reply(seq=1))
    session.drop(2)
    closed = session.outgoing()[-1]
    assert isinstance(closed, SessionClosed)
    totals = closed.totals
    assert (totals.frames, totals.answered, totals.dropped, totals.errors, totals.duration_s) == (3, 1, 1, 1, 0.5)
    with pytest.raises(RuntimeError, match="expected a session in state open, not closed"):
        session.drain()


def test_a_client_without_replies_is_not_read_for_ever(session: Session) -> None:
    """The socket is not read while MAX_PENDING_FRAMES frames are pending."""
    for number in range(MAX_PENDING_FRAMES):
        assert session.can_receive.is_set()
        session.receive(pack(JPEG, number, float(number)))
    assert not session.can_receive.is_set()
    session.handle_reply(Reply(seq=1))
    session.outgoing()
    assert session.can_receive.is_set()
