"""Tests of duygu.shared.vision.reference, and of the fast engine against it."""

from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.schemas.result import Result
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.detect.boxes import overlaps
from duygu.shared.vision.detect.mtcnn import Mtcnn
from duygu.shared.vision.engine import load_engine
from duygu.shared.vision.types import Detections, PictureFrame
from tests.shared.vision.track.test_borders import ENDLESS, ODD_BOXES
from tests.support.media.videos import CROSSING, CROWD, Scene, VideoMaker
from tests.support.tiny_model import write_tiny_model

pytestmark = [
    pytest.mark.reference,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras with numpy 2.4
]


def frame_of(scene: Scene) -> PictureFrame:
    """Return the first picture of a scene."""
    picture = scene.picture(0.0)
    return PictureFrame(0, 0.0, picture, np.ascontiguousarray(picture[..., 1]))


def worst_overlap(found: Detections, expected: Detections) -> float:
    """Return the lowest intersection over union of an expected box with its best match."""
    return float(overlaps(expected.boxes, found.boxes).max(axis=1).min())


@pytest.mark.parametrize("min_face", [0.06, 0.12])
def test_same_faces_as_facenet_pytorch(min_face: float) -> None:
    """Mtcnn and facenet-pytorch find the same six faces (IoU 0.99) with equal scores."""
    from duygu.shared.vision.reference import ReferenceDetector

    settings = Settings(min_face=min_face)
    frame = frame_of(CROWD)
    expected = ReferenceDetector(min_face=settings.min_face).detect(frame)
    found = Mtcnn(settings.mtcnn, min_face=min_face).detect(frame)
    assert len(found) == len(expected) == 6
    assert worst_overlap(found, expected) >= 0.99
    assert np.allclose(np.sort(found.scores), np.sort(expected.scores), atol=1e-4)


def test_same_refinement_as_facenet_pytorch() -> None:
    """O-Net near known boxes gives the boxes and landmarks of facenet-pytorch and rejects the same boxes."""
    from duygu.shared.vision.reference import ReferenceDetector

    settings = Settings()
    frame = frame_of(CROWD)
    around = Mtcnn(settings.mtcnn, min_face=0.06).detect(frame).boxes + np.float32(4)
    around[0] = (0, 0, 30, 30)
    expected = ReferenceDetector(min_face=settings.min_face).refine(frame, around)
    found = Mtcnn(settings.mtcnn, min_face=0.06).refine(frame, around)
    assert found.scores[0] == expected.scores[0] == 0
    assert worst_overlap(found, expected) >= 0.99
    assert np.allclose(found.landmarks, expected.landmarks, atol=0.05)


def test_the_originals_take_any_box_and_any_picture() -> None:
    """The reference accepts any boxes and any picture: all outputs are finite, and non-finite boxes score 0."""
    from duygu.shared.vision.reference import ReferenceDetector

    detector, frame = ReferenceDetector(min_face=Settings().min_face), frame_of(CROWD)
    found = detector.refine(frame, np.concatenate([ODD_BOXES, ENDLESS]))
    assert np.isfinite(found.boxes).all()
    assert found.scores[-len(ENDLESS) :].tolist() == [0] * len(ENDLESS)
    assert len(detector.refine(frame, np.zeros((0, 4), np.float32))) == 0
    for width, height in ((1, 1), (11, 300), (13, 400)):
        picture = np.full((height, width, 3), 90, np.uint8)
        assert len(detector.detect(PictureFrame(0, 0.0, picture, np.ascontiguousarray(picture[..., 1])))) == 0


def test_both_engines_give_the_same_result(video_maker: VideoMaker, tmp_path: Path) -> None:
    """Both engines give the same faces, boxes within 0.2 pixels, and probabilities within 1e-3."""
    model = write_tiny_model(tmp_path / "model", keras=True)
    video = video_maker.make(CROSSING)
    fast, slow = (analyse(video, Settings(model=model, engine=kind, threads=1)) for kind in ("onnx", "reference"))
    assert len(fast.faces) == len(slow.faces) == 2
    for one, other in zip(fast.faces, slow.faces, strict=True):
        boxes = [[position.box for position in face.positions] for face in (one, other)]
        assert np.allclose(boxes[0], boxes[1], atol=0.2)
        for window, twin in zip(one.windows, other.windows, strict=True):
            assert window.probabilities == pytest.approx(twin.probabilities, abs=1e-3)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-3)


def analyse(video: Path, settings: Settings) -> Result:
    """Return the result of one engine."""
    return analyze_video(video, load_engine(engine_options(settings)), decode_limits(settings))
