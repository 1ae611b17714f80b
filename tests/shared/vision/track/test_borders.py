"""Faces at the border of the picture: leaving, entering, cut off, or larger than the picture."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from duygu.shared.vision.analyzer import Analyzer
from duygu.shared.vision.classify.crops import crop_of
from duygu.shared.vision.classify.quality import detail
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.track.optical_flow import Patch
from duygu.shared.vision.track.track import appearance_template
from duygu.shared.vision.track.tracker import Tracker
from duygu.shared.vision.types import Floats, Image, PictureFrame
from tests.support.media.frames import RECIPE, frame_at, frame_of, frames_of
from tests.support.media.videos import STILL, Actor, Scene

SIDES = {"left": (1, 0), "right": (-1, 0), "top": (0, 1), "bottom": (0, -1)}
"""Directions in which the picture moves, so that the head leaves by each side."""

SIZES = (0.35, 0.5, 0.7, 0.9, 1.2)
"""Heights of the head as shares of the picture's height."""

SPEEDS = (0.07, 0.15)
"""Shares of the picture's side per tenth of a second."""

PICTURES = ((200, 150), (320, 180))


def walks(side: str, pictures: tuple[tuple[int, int], ...] = PICTURES) -> Iterator[list[PictureFrame]]:
    """Yield walks of a head out of the picture by a side, for each picture size, head size and speed."""
    for (width, height), size, speed in product(pictures, SIZES, SPEEDS):
        wide = room(width, height, size)
        far = np.array([width, height]) * (0.5 + size)
        x, y = SIDES[side]
        steps = np.arange(0, 1 + 0.5 + size, speed)
        offsets = [np.rint(far + np.array([x * width, y * height]) * min(step, 0.5 + size)) for step in steps]
        yield [
            frame_of(np.ascontiguousarray(wide[top : top + height, left : left + width]), index / 10)
            for index, (left, top) in enumerate(np.array(offsets, int).tolist())
        ]


@cache
def room(width: int, height: int, size: float) -> Image:
    """Return a head before a wall that is large enough for the head to leave the picture."""
    factor = 2 + 2 * size
    return Scene((Actor(size=size / factor),), width=round(width * factor), height=round(height * factor)).picture(0.0)


@pytest.mark.parametrize("side", SIDES)
def test_a_face_that_leaves_through_a_border_is_followed_out_and_lost(side: str, engine: Engine) -> None:
    """A face that leaves through any side is tracked in the first frame and lost in the last."""
    for frames in walks(side):
        assert seen_at_both_ends(frames, engine) == (1, 0)


@pytest.mark.parametrize("side", SIDES)
def test_a_face_that_enters_through_a_border_is_found(side: str, engine: Engine) -> None:
    """A face that enters through any side is tracked in the last frame."""
    for frames in walks(side, PICTURES[:1]):
        backwards = [replace(frame, time_s=index / 10) for index, frame in enumerate(frames[::-1])]
        assert seen_at_both_ends(backwards, engine) == (0, 1)


def seen_at_both_ends(frames: list[PictureFrame], engine: Engine) -> tuple[int, int]:
    """Return the number of faces in the first and in the last frame."""
    tracker = Tracker(engine.detector)
    seen = [(tracker.update(frame), len(tracker.visible()))[1] for frame in frames]
    return seen[0], seen[-1]


@pytest.mark.parametrize("size", [2.2, 3.0, 6.0, 20.0])
def test_a_face_larger_than_the_picture_raises_nothing(size: float, engine: Engine) -> None:
    """A face whose edges are outside the picture raises no error."""
    for actor in (Actor(size=size), Actor(start=(0.5, 0.5), end=(2.0, 1.5), size=size)):
        analyzer = Analyzer(engine)
        for frame in frames_of(Scene((actor,))):
            analyzer.push(frame)
        analyzer.finish()


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2), (11, 11), (12, 12), (13, 400)])
def test_a_tiny_or_narrow_picture_has_no_face(size: tuple[int, int], engine: Engine) -> None:
    """Pictures smaller than or close to one patch of P-Net are analysed without an error."""
    width, height = size
    frame = frame_of(np.full((height, width, 3), 90, np.uint8))
    analyzer = Analyzer(engine)
    steps = [analyzer.push(replace(frame, time_s=index / 10)) for index in range(5)]
    assert not any(step.positions for step in [*steps, analyzer.finish()])


ODD_BOXES: Floats = np.array(
    [
        (-40, 60, 30, 130),  # partly outside, to the left
        (290, 200, 380, 290),  # partly outside, at a corner
        (-300, -300, -200, -200),  # wholly outside
        (319.5, 100, 380, 160),  # half a pixel inside
        (-500, -500, 900, 900),  # around the picture
        (100, 100, 100, 100),  # without a side
        (150, 150, 100, 100),  # inverted
        (1e12, 1e12, 2e12, 2e12),  # beyond any integer that counts pixels
    ],
    np.float32,
)
ENDLESS: Floats = np.array([(np.nan, 10, 40, 40), (-np.inf, 10, np.inf, 40)], np.float32)
LANDMARKS: Floats = np.array([(80, 105), (120, 105), (100, 125), (85, 150), (115, 150)], np.float32)


def test_the_detector_takes_any_box(engine: Engine) -> None:
    """The detector returns finite faces or none for boxes outside the picture, empty boxes and infinite boxes."""
    frame, boxes = frame_at(STILL, 0.0), np.concatenate([ODD_BOXES, ENDLESS])
    for find in (engine.detector.detect_near, engine.detector.refine):
        together, alone = find(frame, boxes), [find(frame, box[np.newaxis]) for box in boxes]
        for found in [together, *alone]:
            assert np.isfinite(found.boxes).all()
            assert np.isfinite(found.landmarks).all()
    assert engine.detector.refine(frame, ENDLESS).scores.tolist() == [0, 0]


@pytest.mark.parametrize("box", ODD_BOXES, ids=str)
def test_a_box_beyond_the_picture_is_no_error(box: Floats, engine: Engine) -> None:
    """For a box outside the picture, the appearance, the optical flow and the crop are finite."""
    frame = frame_at(STILL, 0.0)
    assert np.isfinite(appearance_template(frame, box)).all()
    crop = crop_of(frame, box, LANDMARKS, RECIPE)
    assert crop.shape == (48, 48)
    assert detail(crop) >= 0
    patch = Patch.of(frame, box)
    motion = patch.motion(frame, box) if patch else None
    assert motion is None or np.isfinite(motion.matrix).all()
