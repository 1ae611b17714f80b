"""Detection of cuts, and of changes that require a search."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from duygu.shared.vision.track.scene_change import Scene as Watch
from duygu.shared.vision.types import Floats, Frame
from tests.support.frames import frame_at, frames_of
from tests.support.videos import CUT, NOBODY, PAN, STILL, Scene

NOWHERE = np.zeros((0, 4), np.float32)


def cut_times(scene: Scene) -> list[float]:
    """Return the times at which a cut is detected."""
    watch = Watch()
    return [frame.time_s for frame in frames_of(scene) if watch.see(frame)]


def test_a_cut_is_seen_at_its_first_frame() -> None:
    """A cut is detected at its first frame."""
    assert cut_times(CUT) == [1.5]


@pytest.mark.parametrize("scene", [STILL, PAN, NOBODY])
def test_no_cut_within_a_shot(scene: Scene) -> None:
    """A still, a moving or an absent face causes no cut."""
    assert cut_times(scene) == []


def test_darkness_that_falls_is_no_cut() -> None:
    """A picture that darkens causes no cut."""
    watch = Watch()
    scenes = [replace(STILL, brightness=1 - step / 10) for step in range(9)]
    assert not any(watch.see(frame_at(scene, 0.0)) for scene in scenes)


def searched(frame: Frame, faces: Floats = NOWHERE) -> Watch:
    """Return a detector whose last frame was searched and has these faces."""
    watch = Watch()
    watch.see(frame)
    watch.search(faces)
    return watch


def test_what_was_never_searched_is_worth_a_look() -> None:
    """A frame before the first search requires a search."""
    watch = Watch()
    assert not watch.is_stirred(NOWHERE)
    watch.see(frame_at(STILL, 0.0))
    assert watch.is_stirred(NOWHERE)


def test_a_still_picture_is_not() -> None:
    """An unchanged frame requires no search."""
    watch = searched(frame_at(STILL, 0.0))
    watch.see(frame_at(STILL, 1.0))
    assert not watch.is_stirred(NOWHERE)


def test_a_face_that_comes_is() -> None:
    """A new head requires a search."""
    watch = searched(frame_at(NOBODY, 0.0))
    watch.see(frame_at(STILL, 0.0))
    assert watch.is_stirred(NOWHERE)


def test_what_moves_with_a_followed_face_is_not_elsewhere() -> None:
    """The motion of a tracked face requires no search."""
    moments = [frame.time_s for frame in frames_of(PAN)]
    for before, after in pairwise(moments[::4]):
        watch = searched(frame_at(PAN, before), shares(PAN, before))
        watch.see(frame_at(PAN, after))
        assert not watch.is_stirred(shares(PAN, after))


def shares(scene: Scene, time_s: float) -> Floats:
    """Return the scene's faces as shares of the frame."""
    corners = [(left, top, left + width, top + height) for left, top, width, height in scene.boxes(time_s)]
    size = np.array([scene.width, scene.height] * 2, np.float32)
    return np.asarray(np.array(corners, np.float32).reshape(-1, 4) / size, np.float32)
