"""Detection of cuts, and of changes that require a search."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from duygu.shared.vision.track.scene_change import SceneChangeDetector
from duygu.shared.vision.types import Floats, Frame
from tests.support.media.frames import frame_at, frames_of
from tests.support.media.videos import CUT, NOBODY, PAN, STILL, Scene

NOWHERE = np.zeros((0, 4), np.float32)


def cut_times(scene: Scene) -> list[float]:
    """Return the times at which a cut is detected."""
    detector = SceneChangeDetector()
    return [frame.time_s for frame in frames_of(scene) if detector.update(frame)]


def test_a_cut_is_seen_at_its_first_frame() -> None:
    """A cut is detected at its first frame."""
    assert cut_times(CUT) == [1.5]


@pytest.mark.parametrize("scene", [STILL, PAN, NOBODY])
def test_no_cut_within_a_shot(scene: Scene) -> None:
    """A still, a moving or an absent face causes no cut."""
    assert cut_times(scene) == []


def test_darkness_that_falls_is_no_cut() -> None:
    """A picture that darkens causes no cut."""
    detector = SceneChangeDetector()
    scenes = [replace(STILL, brightness=1 - step / 10) for step in range(9)]
    assert not any(detector.update(frame_at(scene, 0.0)) for scene in scenes)


def searched(frame: Frame, faces: Floats = NOWHERE) -> SceneChangeDetector:
    """Return a detector whose last frame was searched and has these faces."""
    detector = SceneChangeDetector()
    detector.update(frame)
    detector.record_detection(faces)
    return detector


def test_a_frame_before_the_first_detection_requires_one() -> None:
    """A frame before the first search requires a search."""
    detector = SceneChangeDetector()
    assert not detector.motion_outside_tracks(NOWHERE)
    detector.update(frame_at(STILL, 0.0))
    assert detector.motion_outside_tracks(NOWHERE)


def test_an_unchanged_frame_requires_no_detection() -> None:
    """An unchanged frame requires no search."""
    detector = searched(frame_at(STILL, 0.0))
    detector.update(frame_at(STILL, 1.0))
    assert not detector.motion_outside_tracks(NOWHERE)


def test_a_new_head_requires_a_detection() -> None:
    """A new head requires a search."""
    detector = searched(frame_at(NOBODY, 0.0))
    detector.update(frame_at(STILL, 0.0))
    assert detector.motion_outside_tracks(NOWHERE)


def test_the_motion_of_a_tracked_face_requires_no_detection() -> None:
    """The motion of a tracked face requires no search."""
    moments = [frame.time_s for frame in frames_of(PAN)]
    for before, after in pairwise(moments[::4]):
        detector = searched(frame_at(PAN, before), shares(PAN, before))
        detector.update(frame_at(PAN, after))
        assert not detector.motion_outside_tracks(shares(PAN, after))


def shares(scene: Scene, time_s: float) -> Floats:
    """Return the scene's faces as shares of the frame."""
    corners = [(left, top, left + width, top + height) for left, top, width, height in scene.boxes(time_s)]
    size = np.array([scene.width, scene.height] * 2, np.float32)
    return np.asarray(np.array(corners, np.float32).reshape(-1, 4) / size, np.float32)
