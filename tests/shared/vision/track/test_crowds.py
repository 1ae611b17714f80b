"""Pictures with many faces: the cost of a frame is bounded."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from duygu.shared.vision import snapshots
from duygu.shared.vision.analyzer import Analyzer
from duygu.shared.vision.detect import mtcnn
from duygu.shared.vision.detect.boxes import suppress
from duygu.shared.vision.detect.mtcnn import CANDIDATES, PATCHES, PROPOSALS
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.options import MAX_FACES
from duygu.shared.vision.track.tracker import CROWD_FACES, CROWD_NEAR, CROWD_UNCHECKED, CROWD_WAIT_S, Tracker
from duygu.shared.vision.types import Floats, Image, PictureFrame
from tests.support.counting_detector import Counted
from tests.support.media.frames import frame_at, frame_of
from tests.support.media.videos import CROWD, FACE, head

SIDE = 30
"""Width of each face of a wall in pixels; the minimum is 21, 6 % of the shorter side."""


def wall(jitter: int = 0, seed: int = 0) -> Image:
    """Return (360, 640, 3): about 150 faces side by side, each shifted by up to `jitter` pixels."""
    left, top, right, bottom = map(int, FACE)
    face = np.asarray(cv2.resize(head()[top:bottom, left:right], (SIDE, 38), interpolation=cv2.INTER_AREA), np.uint8)
    moves = np.random.default_rng(seed)
    picture = np.full((360, 640, 3), 110, np.uint8)
    for y in range(2, 360 - 40, 42):
        for x in range(2, 640 - SIDE - 2, SIDE + 6):
            down, right_ = moves.integers(-jitter, jitter + 1, 2) if jitter else (0, 0)
            row, column = np.clip((y + down, x + right_), 0, (360 - 38, 640 - SIDE)).tolist()
            picture[row : row + 38, column : column + SIDE] = face
    return picture


def frames(count: int, jitter: int = 0) -> Iterator[PictureFrame]:
    """Yield frames of a wall, ten per second."""
    for index in range(count):
        yield frame_of(wall(jitter, index), index / 10)


@pytest.fixture
def counted(engine: Engine) -> Counted:
    """The real detector with counters."""
    return Counted(engine.detector)


def test_a_wall_of_faces_has_no_more_tracks_than_the_limit(engine: Engine) -> None:
    """The number of tracks is limited, a warning reports the excess, and the snapshot has a bounded size."""
    analyzer = Analyzer(replace(engine, max_faces=5))
    steps = [analyzer.push(frame) for frame in frames(12)]
    assert {seen.face_id for step in steps for seen in step.positions} == {1, 2, 3, 4, 5}
    assert [code for code, _ in analyzer.warnings()] == ["too_many_faces"]
    saved = snapshots.save(analyzer)
    assert len(saved) < 5 * 45_000
    assert snapshots.restore(analyzer.engine, saved).warnings() == analyzer.warnings()


def test_the_best_faces_are_followed(engine: Engine) -> None:
    """The faces with the highest scores are tracked."""
    frame = frame_at(CROWD, 0.0)
    tracker = Tracker(engine.detector, max_faces=3)
    tracker.update(frame)
    best = engine.detector.detect(frame).scores[:3]
    assert sorted(track.score for track in tracker.visible()) == sorted(best.tolist())
    assert tracker.overflowed


def test_as_many_faces_as_the_limit_are_no_reason_for_a_warning(engine: Engine) -> None:
    """As many faces as the limit raise no warning."""
    tracker = Tracker(engine.detector, max_faces=6)
    tracker.update(frame_at(CROWD, 0.0))
    assert len(tracker.visible()) == 6
    assert not tracker.overflowed


@pytest.mark.parametrize("jitter", [0, 12])
def test_a_wall_of_faces_is_searched_seldom(jitter: int, counted: Counted) -> None:
    """With a wall of faces, still or jumping, each frame checks a bounded number of boxes, and searches are rare."""
    tracker = Tracker(counted)
    count = 20
    for frame in frames(count, jitter):
        refined, sought = counted.refined, counted.sought
        tracker.update(frame)
        assert counted.refined - refined <= 2 * MAX_FACES
        assert counted.sought - sought <= CROWD_NEAR
        assert len(tracker.visible()) <= MAX_FACES
        assert len(tracker.tracks) <= 2 * MAX_FACES
    assert counted.searches <= 1 + count / 10 / CROWD_WAIT_S


def test_candidates_are_bounded_before_they_are_compared(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of boxes that reach suppression, which compares all pairs, is bounded."""
    sizes: list[int] = []

    def measured(boxes: Floats, scores: Floats, threshold: float, *, by_smaller: bool = False) -> Floats:
        sizes.append(len(boxes))
        return suppress(boxes, scores, threshold, by_smaller=by_smaller)  # type: ignore[return-value]

    monkeypatch.setattr(mtcnn, "suppress", measured)
    found = engine.detector.detect(frame_of(wall()))
    assert len(found) > MAX_FACES
    *levels, refined, judged = sizes
    assert max(levels) == PATCHES * MAX_FACES
    assert refined <= PROPOSALS * MAX_FACES
    assert judged <= CANDIDATES * MAX_FACES


def test_a_standing_crowd_is_checked_by_the_networks_in_turns(counted: Counted) -> None:
    """In a still crowd of 32 faces, about eight per frame are checked by the networks, and each keeps its track."""
    tracker = Tracker(counted)
    picture, keys, refined = wall(), set(), 0
    for index in range(30):
        before = counted.refined, counted.searches
        tracker.update(frame_of(picture, index / 10))
        keys |= {track.key for track in tracker.visible()}
        refined += counted.refined - before[0] if counted.searches == before[1] else 0
        assert all(track.unchecked <= CROWD_UNCHECKED for track in tracker.tracks)
    assert len(keys) == MAX_FACES
    assert refined <= 30 * 1.5 * MAX_FACES / (CROWD_UNCHECKED + 1)


def test_the_windows_of_a_crowd_do_not_overlap(engine: Engine) -> None:
    """With more than eight faces, each has half as many windows, and the result has the warning `crowded`."""
    starts = {}
    for most in (CROWD_FACES, CROWD_FACES + 1):
        analyzer = Analyzer(replace(engine, max_faces=most))
        steps = [*(analyzer.push(frame_of(wall(), index / 10)) for index in range(40)), analyzer.finish()]
        starts[most] = {window.start_s for step in steps for window in step.windows if window.face_id == 1}
        assert ("crowded" in [code for code, _ in analyzer.warnings()]) == (most > CROWD_FACES)
    assert starts[CROWD_FACES] == {index / 2 for index in range(7)}
    assert starts[CROWD_FACES + 1] == {0.0, 1.0, 2.0, 3.0}
