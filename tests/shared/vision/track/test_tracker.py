"""Identities of faces in tracking, on real pictures of moving faces."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from duygu.shared.vision.detect.boxes import overlaps
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.track.track import Track
from duygu.shared.vision.track.tracker import EVERY_FRAME, Tracker
from duygu.shared.vision.types import Detections, Floats, Frame, PictureFrame
from tests.support.counting_detector import Counted
from tests.support.media.frames import frame_at, frame_of, frames_of
from tests.support.media.videos import CROSSING, CROWD, CUT, HIDING, LEAVING, NOBODY, PAN, STILL, Actor, Scene

MEETING = Scene(
    actors=(Actor(start=(0.15, 0.5), end=(0.85, 0.52), size=0.5), Actor(start=(0.85, 0.5), end=(0.15, 0.48), size=0.5)),
    duration_s=3.0,
    width=480,
)
"""Two faces that pass through one place, one in front of the other."""

SUDDEN = replace(LEAVING, actors=(Actor(start=(0.3, 0.5)), Actor(start=(0.75, 0.5), seen=((2.0, math.inf),))))
"""A second face that appears while the first is tracked."""


@pytest.fixture
def counted(engine: Engine) -> Counted:
    """The real detector with counters."""
    return Counted(engine.detector)


def follow(scene: Scene, tracker: Tracker) -> Iterator[tuple[float, list[Track]]]:
    """Yield each time of a scene with copies of the visible tracks."""
    for frame in frames_of(scene):
        tracker.update(frame)
        yield frame.time_s, [replace(track) for track in tracker.visible()]


def keys(scene: Scene, tracker: Tracker) -> list[set[int]]:
    """Return the keys of the visible tracks in each frame."""
    return [{track.key for track in seen} for _, seen in follow(scene, tracker)]


@pytest.mark.parametrize("scene", [STILL, PAN, CROSSING, CROWD])
def test_every_face_is_followed_where_it_is(scene: Scene, counted: Counted) -> None:
    """Each actor has one track in each frame, which overlaps the face, and there are no other tracks."""
    for time_s, seen in follow(scene, Tracker(counted)):
        truth = np.array([(x, y, x + w, y + h) for x, y, w, h in scene.boxes(time_s)], np.float32)
        assert len(seen) == len(truth)
        assert overlaps(truth, np.stack([track.box for track in seen])).max(axis=1).min() >= 0.5


def test_the_networks_check_all_faces_in_the_same_frames(counted: Counted) -> None:
    """A face whose optical flow failed is checked once more with the others, so that all alternate again."""
    tracker = Tracker(counted)
    first, *others = frames_of(CROWD)
    tracker.update(first)
    tracker.wait_s = math.inf  # no further full-frame detection
    tracker.tracks[0].patch = None  # no optical flow
    checked = []
    for frame in others[:9]:
        before = counted.refined
        tracker.update(frame)
        checked.append(counted.refined - before)
    assert checked == [1, 6, 0, 6, 0, 6, 0, 6, 0]


@pytest.mark.parametrize("scene", [CROSSING, MEETING])
def test_faces_that_cross_keep_their_ids(scene: Scene, counted: Counted) -> None:
    """Faces that cross keep their ids, also when one hides the other."""
    moments = list(follow(scene, Tracker(counted)))
    order = [[track.key for track in sorted(seen, key=lambda track: float(track.box[0]))] for _, seen in moments]
    assert order[0] == order[-1][::-1]
    assert len(order[0]) == 2


@pytest.mark.parametrize("scene", [CROSSING, MEETING, CROWD])
def test_no_two_tracks_on_one_face(scene: Scene, counted: Counted) -> None:
    """Two visible tracks never overlap by half or more."""
    for _, seen in follow(scene, Tracker(counted)):
        for one, other in combinations(seen, 2):
            assert overlaps(one.box[np.newaxis], other.box[np.newaxis]).item() < 0.5


def test_a_face_that_comes_back_within_a_second_keeps_its_id(counted: Counted) -> None:
    """A face that is hidden for 0.3 s keeps its id."""
    seen = keys(HIDING, Tracker(counted))
    assert set() in seen
    assert seen[0] == seen[-1] == {1}


def test_a_face_that_comes_back_later_is_another(counted: Counted) -> None:
    """A face that returns after more than a second has another id."""
    absent = replace(HIDING, actors=(Actor(seen=((0.0, 0.8), (2.2, math.inf))),))
    assert keys(absent, Tracker(counted))[-1] == {2}


def test_a_cut_ends_all_tracks(counted: Counted) -> None:
    """A cut ends all tracks, and the next frame has new ones."""
    tracker = Tracker(counted)
    over = {frame.time_s: [track.key for track in tracker.update(frame)] for frame in frames_of(CUT)}
    assert over[1.5] == [1]
    assert {track.key for track in tracker.visible()} == {2}


def test_a_face_that_leaves_is_let_go(counted: Counted) -> None:
    """A face that leaves is not visible from the next frame on, and its track ends after a second."""
    tracker = Tracker(counted)
    moments = dict(follow(LEAVING, tracker))
    assert len(moments[1.4]) == 1
    assert not any(moments[index / 10] for index in range(16, 30))
    assert tracker.tracks == []


@pytest.mark.parametrize(("gap_s", "key"), [(2.0, 1), (5.0, 1), (29.0, 1), (31.0, 2)])
def test_who_looks_the_same_at_the_same_place_after_a_freeze_is_the_same(
    gap_s: float, key: int, engine: Engine
) -> None:
    """A face with the same appearance and place keeps its id across a freeze of up to half a minute."""
    assert [track.key for track in over_a_gap(gap_s, STILL, STILL, Tracker(engine.detector))] == [key]


def test_who_sits_down_at_the_same_place_during_a_gap_is_somebody_new(engine: Engine) -> None:
    """After a gap, another face or appearance at the same place has another id."""
    other_face = replace(STILL, actors=(Actor(mirrored=True, size=0.72),))
    shadowed = shaded(frame_at(other_face, 0.0))
    for after in (shadowed, shaded(frame_at(STILL, 0.0))):
        tracker = Tracker(engine.detector)
        for index in range(5):
            tracker.update(frame_at(STILL, index / 10))
        tracker.update(replace(after, time_s=5.4))
        assert [track.key for track in tracker.visible()] == [2]


def shaded(frame: PictureFrame) -> PictureFrame:
    """Return the frame with the left half of the face in shadow, which changes its appearance."""
    picture = frame.rgb.astype(np.float32)
    picture[60:180, 110:160] *= 0.35
    return frame_of(picture.astype(np.uint8), frame.time_s)


def test_who_is_elsewhere_after_a_gap_is_somebody_new(counted: Counted) -> None:
    """After a gap, a face at a distant place has another id."""
    left, right = (replace(STILL, actors=(Actor(start=(x, 0.5)),)) for x in (0.25, 0.75))
    assert [track.key for track in over_a_gap(2.6, left, right, Tracker(counted))] == [2]


def over_a_gap(gap_s: float, before: Scene, after: Scene, tracker: Tracker) -> list[Track]:
    """Return the visible tracks of a scene that follows another one after a gap."""
    for index in range(5):
        tracker.update(frame_at(before, index / 10))
    tracker.update(replace(frame_at(after, 0.0), time_s=0.4 + gap_s))
    return tracker.visible()


def test_a_face_that_is_suddenly_there_is_found_at_once(counted: Counted) -> None:
    """A new face is found at once, because its change triggers a search."""
    moments = dict(follow(SUDDEN, Tracker(counted)))
    assert len(moments[1.9]) == 1
    assert len(moments[2.4]) == 2


def test_it_searches_seldom_while_all_is_followed(counted: Counted) -> None:
    """A large moving face that is tracked causes no additional searches."""
    list(follow(replace(PAN, duration_s=6.0), Tracker(counted)))
    assert counted.searches <= 12


def test_an_empty_room_is_searched_seldom(counted: Counted) -> None:
    """Sixty frames of an empty room need nine searches at most."""
    list(follow(replace(NOBODY, duration_s=6.0), Tracker(counted)))
    assert counted.searches <= 9


def test_detection_on_every_frame_can_be_requested(counted: Counted) -> None:
    """With EVERY_FRAME, each frame is searched."""
    list(follow(PAN, Tracker(counted, EVERY_FRAME)))
    assert counted.searches == 20


def test_a_box_that_grows_is_not_followed_far(counted: Counted) -> None:
    """A refined box that is a fifth larger than the cascade's is not used, and the face is searched for."""

    class Growing(Counted):
        def refine(self, frame: Frame, boxes: Floats) -> Detections:
            found = super().refine(frame, boxes)
            return Detections(found.boxes + np.array([-8, -8, 8, 8], np.float32), found.scores, found.landmarks)

    growing = Growing(counted.detector)
    truth = np.array([(x, y, x + w, y + h) for x, y, w, h in STILL.boxes(0.0)], np.float32)
    for _, seen in follow(STILL, Tracker(growing)):
        assert overlaps(truth, seen[0].box[np.newaxis]).item() >= 0.6


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("interval_s", [4.0, 5.0, 10.0, 120.0])
def test_a_slow_source_is_followed(interval_s: float, known: bool, counted: Counted) -> None:
    """In a slow source, a face keeps its id, since its gaps are the usual ones.

    A face that is missed in one picture keeps its id in the next.
    """
    tracker = Tracker(counted, interval_s=interval_s if known else None)
    seen = []
    for index in range(8):
        frame = frame_at(NOBODY if index == 4 else STILL, 0.0)
        tracker.update(replace(frame, time_s=index * interval_s))
        seen.append([track.key for track in tracker.visible()])
    assert seen == [[1]] * 4 + [[]] + [[1]] * 3


def test_a_slow_source_forgets_too(counted: Counted) -> None:
    """After three usual intervals without a picture, a face with another appearance has another id."""
    tracker = Tracker(counted)
    for time_s in (0.0, 5.0, 10.0):
        tracker.update(replace(frame_at(STILL, 0.0), time_s=time_s))
    tracker.update(replace(shaded(frame_at(STILL, 0.0)), time_s=25.0))
    assert [track.key for track in tracker.visible()] == [2]
