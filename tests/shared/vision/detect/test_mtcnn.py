"""The face detector: the whole cascade, the cascade near known boxes, and O-Net alone."""

from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ModelError
from duygu.shared.vision.detect.boxes import overlaps
from duygu.shared.vision.detect.mtcnn import PATCH, Mtcnn, pyramid
from duygu.shared.vision.types import Floats
from tests.support.media.frames import frame_at
from tests.support.media.videos import CROWD, NOBODY, Scene


@pytest.fixture(scope="module")
def detector() -> Mtcnn:
    """A detector with the shipped networks."""
    settings = Settings()
    return Mtcnn(settings.mtcnn, min_face=settings.min_face)


def truth(scene: Scene) -> Floats:
    """Return the corners of the faces at the start of a scene, (N, 4)."""
    return np.array([(x, y, x + w, y + h) for x, y, w, h in scene.boxes(0.0)], np.float32)


def test_finds_every_face(detector: Mtcnn) -> None:
    """Each of six faces has a box."""
    found = detector.detect(frame_at(CROWD, 0.0))
    assert len(found) == 6
    assert overlaps(truth(CROWD), found.boxes).max(axis=1).min() >= 0.5


def test_finds_a_face_near_where_it_was(detector: Mtcnn) -> None:
    """Near a box shifted by a fifth of its side, the cascade finds the face of the full search."""
    frame = frame_at(CROWD, 0.0)
    everywhere = detector.detect(frame).boxes
    for box in everywhere:
        near = detector.detect_near(frame, (box + np.float32((box[2] - box[0]) / 5))[np.newaxis])
        assert overlaps(box[np.newaxis], near.boxes).max() >= 0.7


def test_finds_each_face_once(detector: Mtcnn) -> None:
    """A box that is given twice finds its face once."""
    frame = frame_at(CROWD, 0.0)
    box = detector.detect(frame).boxes[:1]
    once, twice = (detector.detect_near(frame, np.repeat(box, count, axis=0)) for count in (1, 2))
    assert len(once) == len(twice)


def test_finds_nobody_where_nobody_is(detector: Mtcnn) -> None:
    """No face is found on a wall, in a corner and outside the picture."""
    frame = frame_at(NOBODY, 0.0)
    places = np.array([(50, 50, 120, 140), (-20, -20, 30, 30), (900, 900, 960, 960)], np.float32)
    assert len(detector.detect(frame)) == 0
    assert len(detector.detect_near(frame, places)) == 0
    assert detector.refine(frame, places).scores.tolist() == [0, 0, 0]


def test_the_pyramid_begins_with_the_smallest_face() -> None:
    """The first level of the pyramid scales the smallest face to a patch, and the last level still contains a patch."""
    scales = list(pyramid(360, 640, 0.1))
    assert scales[0] == pytest.approx(PATCH / 36)
    assert 360 * scales[-1] >= PATCH > 360 * scales[-1] * 0.7


def test_damaged_networks_are_refused(broken_folder: Path) -> None:
    """A network file that does not match the manifest raises ModelError."""
    with (broken_folder / "onet.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError):
        Mtcnn(broken_folder, min_face=0.06)
