"""Tests of duygu.services.worker.live.session: pictures of changing size, and invalid snapshots."""

import json
import random
from contextlib import closing, suppress
from dataclasses import replace

import numpy as np
import pytest

from duygu.services.worker.live.session import LENGTH, LiveSession
from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.live.messages import LiveFace, SessionOptions
from duygu.shared.live.steps import FrameInfo, Reply
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.classify.movements import MovementNetwork
from duygu.shared.vision.decode.pictures.decoder import ImageDecoder
from duygu.shared.vision.decode.pictures.decoding import decode
from duygu.shared.vision.engine import Engine, load_engine
from duygu.shared.vision.types import Floats
from tests.shared.vision.decode.file_kinds import animation
from tests.support.media.videos import PAIR, STILL, Actor, Scene, VideoMaker
from tests.support.sockets import jpeg

WIDE = jpeg(STILL.picture(0.0))
MOVING = Scene(actors=(Actor(start=(0.35, 0.5), end=(0.65, 0.5)),), duration_s=2.0, fps=10)
OTHER = jpeg(np.full((480, 640, 3), 200, np.uint8))
TALL = jpeg(replace(STILL, width=240, height=320).picture(0.0))


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The shipped engine."""
    return load_engine(engine_options(Settings(threads=1)))


def take(session: LiveSession, number: int, picture: bytes, *, fps: float) -> tuple[LiveFace, ...]:
    """Return the faces of a session's reply to one picture."""
    return session.analyse(number, FrameInfo(time_s=number / fps), picture).faces


def test_a_face_that_the_change_ends_is_reported_a_last_time(engine: Engine) -> None:
    """A face that ends with a change of size is reported a last time, also when the picture is not analysed."""
    session = LiveSession(engine)
    replies = [take(session, number, WIDE if number < 19 else TALL, fps=30) for number in range(36)]
    assert [face.face_id for face in replies[18]] == [1]
    (last,) = replies[19]
    assert (last.face_id, len(last.windows), last.positions) == (1, 1, [])
    assert replies[20] == ()
    assert [face.face_id for face in replies[35]] == [2]


def test_movements_are_measured_from_the_frame_that_asks_for_them(engine: Engine) -> None:
    """A session measures movements while its options have the measure, also after it was saved and restored."""
    session = LiveSession(engine)
    replies = []
    for number in range(30):
        options = SessionOptions(measures=["movements"] if number < 20 else None)
        replies.append(session.analyse(number, FrameInfo(time_s=number / 10, options=options), WIDE).faces)
        session = LiveSession.restore(engine, session.save())
    faces = [face for reply in replies for face in reply]
    windows = [window for face in faces for window in face.windows]
    positions = {position.time_s: position.pose for face in faces for position in face.positions}
    assert windows[0].movements is not None
    assert list(windows[0].movements) == list(engine.movement_names)
    assert windows[-1].start_s >= 2
    assert windows[-1].movements is None
    assert all((pose is not None) == (time_s < 2) for time_s, pose in positions.items())


@pytest.mark.parametrize(
    ("options", "faces"),
    [
        (SessionOptions(), 2),
        (SessionOptions(max_faces=1), 1),
        (SessionOptions(min_face=0.9), 0),
        (SessionOptions(min_face=0.01), 2),
    ],
)
def test_the_options_limit_the_faces(engine: Engine, options: SessionOptions, faces: int) -> None:
    """`max_faces` and `min_face` limit detection and tracking, also after the state was restored."""
    picture, session = jpeg(PAIR.picture(0.0)), LiveSession(engine)
    for number in range(8):
        reply = session.analyse(number, FrameInfo(time_s=number / 10, options=options), picture)
        session = LiveSession.restore(engine, session.save())
    assert len(reply.faces) == faces


def test_a_face_that_is_new_keeps_its_window(engine: Engine) -> None:
    """A face that does not count yet at a change of size has its window, without positions of the other size."""
    session = LiveSession(engine)
    assert take(session, 0, WIDE, fps=10) == ()
    (ended,) = take(session, 1, TALL, fps=10)
    assert (ended.face_id, ended.start_s, len(ended.windows), ended.positions) == (1, 0.0, 1, [])
    assert take(session, 2, TALL, fps=10) == ()


def test_a_state_of_another_version_is_refused_as_such(engine: Engine) -> None:
    """A snapshot of another version or without a version raises ValueError."""
    session = LiveSession(engine)
    take(session, 0, WIDE, fps=10)
    saved = session.save()
    (length,) = LENGTH.unpack_from(saved)
    story = json.loads(saved[LENGTH.size : LENGTH.size + length])
    for version in (None, 0, story["version"] + 1, "next"):
        head = json.dumps({**story, "version": version}).encode()
        with pytest.raises(ValueError, match="the state is of version"):
            LiveSession.restore(engine, LENGTH.pack(len(head)) + head + saved[LENGTH.size + length :])
    LiveSession.restore(engine, saved)


def test_a_damaged_state_raises_what_is_promised(engine: Engine) -> None:
    """A damaged snapshot raises ValueError or restores a session."""
    session = LiveSession(engine)
    for number in range(12):
        take(session, number, WIDE, fps=10)
    saved = session.save()
    chance = random.Random(7)  # noqa: S311 - the same damage each time
    for _ in range(300):
        damaged = bytearray(saved[: chance.randrange(len(saved))] if chance.random() < 0.3 else saved)
        for _ in range(chance.randrange(1, 6)):
            if damaged:
                damaged[chance.randrange(min(len(damaged), chance.choice([8, 300, len(damaged)])))] ^= (
                    1 << chance.randrange(8)
                )
        with suppress(ValueError):
            LiveSession.restore(engine, bytes(damaged))


def test_confined_decoding_gives_the_same_replies(engine: Engine) -> None:
    """The confined decoder gives the same replies, also when pictures of other sessions use its shared memory."""
    settings = Settings(threads=1)
    confined_decoder = ImageDecoder(picture_bytes=1_000_000, max_pixels=640 * 480, min_face=settings.min_face)
    with closing(confined_decoder):
        own, confined = LiveSession(engine), LiveSession(engine, decode=confined_decoder.decode)
        for number, time_s in enumerate(MOVING.times()):
            about, picture = FrameInfo(time_s=time_s), jpeg(MOVING.picture(time_s))
            reply = confined.analyse(number, about, picture)
            confined_decoder.decode(OTHER)
            assert reply == own.analyse(number, about, picture)
            assert confined.save() == own.save()
    assert [face.emotion for face in reply.faces] == ["happiness"]


@pytest.mark.parametrize("container", ["PNG", "WEBP"])
def test_of_an_animated_picture_the_first_is_the_frame(container: str) -> None:
    """The first picture of an animation is the frame."""
    first = decode(animation(container))
    assert np.abs(first[..., ::-1].astype(int) - STILL.picture(0.0)).mean() < 3


class Talking(MovementNetwork):
    """The movement network of an engine, for which every clip shows a person who speaks."""

    def __init__(self, network: MovementNetwork) -> None:
        vars(self).update(vars(network))

    def speaking(self, movements: Floats) -> float | None:
        """Return a high probability."""
        return 0.9


def rested(
    engine: Engine, pictures: list[bytes], options: SessionOptions, *, again: bool = True
) -> list[tuple[Reply, float]]:
    """Return the replies to pictures of ten per second, with their times; `again` restores the state at each one."""
    session, replies = LiveSession(engine), []
    for number, picture in enumerate(pictures):
        replies.append((session.analyse(number, FrameInfo(time_s=number / 10, options=options), picture), number / 10))
        if again:
            session = LiveSession.restore(engine, session.save())
    return replies


def test_a_resting_face_gives_relative_predictions_from_its_end_on(engine: Engine) -> None:
    """Windows have relative predictions once the span has passed, also in a restored state; the others stay."""
    options = SessionOptions(baseline="0-2")
    replies, plain = (rested(engine, [WIDE] * 34, one) for one in (options, SessionOptions()))
    ends = [time_s for reply, time_s in replies if reply.faces and reply.faces[0].baseline]
    assert ends[0] == 2.1
    assert [code for reply, _ in replies for code in [one.code for one in reply.warnings]] == ["baseline_expressive"]
    assert {reply.refused for reply, _ in replies} == {None}
    last = replies[-1][0].faces[0]
    assert last.baseline is not None
    assert (last.baseline.source, last.baseline.windows) == ("span", 3)
    assert last.relative is not None
    assert (last.emotion, last.relative.emotion) == ("happiness", "neutral")
    for (reply, time_s), (other, _) in zip(replies, plain, strict=True):
        for face, twin in zip(reply.faces, other.faces, strict=True):
            stripped = [window.model_copy(update={"relative": None}) for window in face.windows]
            assert face.model_copy(update={"relative": None, "baseline": None, "windows": stripped}) == twin
            assert {window.relative is not None for window in face.windows} <= {time_s > 2.05}


def test_a_live_resting_face_equals_that_of_a_file(engine: Engine, video_maker: VideoMaker) -> None:
    """The windows after the span have the predictions that an analysis of the same frames has with the same option."""
    replies = rested(engine, [WIDE] * 34, SessionOptions(baseline="0-2"), again=False)
    live = [window for reply, _ in replies for face in reply.faces for window in face.windows if window.relative]
    path = video_maker.make(replace(STILL, duration_s=3.4, fps=10.0))
    options = AnalysisOptions(baseline="0-2")
    (face,) = analyze_video(path, engine, decode_limits(Settings()), options).faces
    same = {window.start_s: window.relative for window in face.windows}
    for window in live:
        expected = same[window.start_s]
        assert window.relative is not None
        assert expected is not None
        assert window.relative.confidence == pytest.approx(expected.confidence, abs=0.1)
    assert len(live) >= 2


@pytest.mark.parametrize(
    ("pictures", "code"),
    [
        ([OTHER] * 25, "baseline_no_face"),
        ([OTHER] * 14 + [WIDE] * 11, "baseline_too_short"),
        ([jpeg(PAIR.picture(0.0))] * 25, "baseline_several_faces"),
    ],
)
def test_what_cannot_be_a_resting_face_is_refused(engine: Engine, pictures: list[bytes], code: str) -> None:
    """A span without a face, with too little of one, or with two is refused once, and nothing is relative."""
    replies = [reply for reply, _ in rested(engine, pictures, SessionOptions(baseline="0-2"))]
    assert [reply.refused.code for reply in replies if reply.refused] == [code]
    assert {face.relative for reply in replies for face in reply.faces} <= {None}
    assert {face.baseline for reply in replies for face in reply.faces} <= {None}


def test_a_talkative_resting_face_is_refused(engine: Engine) -> None:
    """Speaking is measured while a resting face is taken, is not reported, and refuses it if it prevails."""
    assert engine.movements is not None
    talking = replace(engine, movements=Talking(engine.movements))
    replies = [reply for reply, _ in rested(talking, [WIDE] * 25, SessionOptions(baseline="0-2"))]
    assert [reply.refused.code for reply in replies if reply.refused] == ["baseline_speaking"]
    windows = [window for reply in replies for face in reply.faces for window in face.windows]
    assert {(window.speaking, window.movements, window.valence) for window in windows} == {(None, None, None)}
    assert {position.pose for reply in replies for face in reply.faces for position in face.positions} == {None}


def test_another_resting_face_replaces_the_first(engine: Engine) -> None:
    """Another span takes the place of an accepted one at once, and none removes it."""
    session = LiveSession(engine)
    chosen = [*["0-2"] * 25, *["2.5-4"] * 25, *[None] * 3]
    seen = []
    for number, baseline in enumerate(chosen):
        info = FrameInfo(time_s=number / 10, options=SessionOptions(baseline=baseline))
        reply = session.analyse(number, info, WIDE)
        seen.append(reply.faces[0].baseline.spans[0][0] if reply.faces and reply.faces[0].baseline else None)
    assert seen[24] == 0.0
    assert seen[25] is None
    assert seen[49] == pytest.approx(2.5, abs=0.5)
    assert seen[-1] is None


def test_a_span_that_has_passed_is_refused(engine: Engine) -> None:
    """Seconds before the message cannot be taken: they are refused at once, and not silently empty."""
    session = LiveSession(engine)
    take(session, 30, WIDE, fps=10)
    reply = session.analyse(31, FrameInfo(time_s=3.1, options=SessionOptions(baseline="0-2")), WIDE)
    assert reply.refused is not None
    assert reply.refused.code == "baseline_no_face"
