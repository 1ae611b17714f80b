"""The movement network of the shipped folder, its crops, and speaking."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.model.movement_folder import LIPS, MovementFolder, open_movement_folder
from duygu.shared.vision.classify.movements import (
    MIN_CROPS,
    MovementNetwork,
    aligned_crop,
    geometry,
    lip_statistics,
    pose_of,
    similarity,
)
from duygu.shared.vision.detect.mtcnn import Mtcnn
from duygu.shared.vision.types import Floats, PictureFrame
from tests.support.media.frames import frame_of
from tests.support.media.videos import head

BOX = np.array([100, 80, 200, 210], np.float32)
FACE = np.array([[125, 120], [175, 120], [150, 150], [130, 180], [170, 180]], np.float32)
TARGET = np.array([[37, 44], [78, 43], [57, 68], [41, 89], [75, 88]], np.float64)


@pytest.fixture(scope="module")
def folder() -> MovementFolder:
    """The folder that ships."""
    return open_movement_folder(Settings().movements)


@pytest.fixture(scope="module")
def network(folder: MovementFolder) -> MovementNetwork:
    """The network that ships."""
    return MovementNetwork(folder, threads=1)


def turned(points: Floats, degrees: float, scale: float = 1.0) -> Floats:
    """Return points rotated clockwise in the picture and scaled about the origin."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    return np.asarray(points @ turn.T, np.float32)


@pytest.mark.parametrize("degrees", [-120, -20, 0, 35, 180])
@pytest.mark.parametrize("scale", [0.2, 1.0, 6.0])
def test_a_similarity_is_found_exactly(degrees: float, scale: float) -> None:
    """The transform of points that are similar to the target maps them onto it."""
    source = turned(TARGET.astype(np.float32), degrees, scale).astype(np.float64) + np.array([30, -7])
    matrix = similarity(source, TARGET)
    assert source @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(TARGET, abs=1e-3)


@pytest.mark.parametrize("degrees", [0, 30, -75])
@pytest.mark.parametrize("scale", [0.5, 1, 3])
def test_landmarks_lie_at_their_place_in_the_crop(degrees: float, scale: float) -> None:
    """A mark at each landmark of a turned and scaled face is near its target in the crop."""
    landmarks = turned(TARGET.astype(np.float32) - 60, degrees, scale) + np.array([330, 300], np.float32)
    for index, point in enumerate(landmarks):
        grey = np.zeros((600, 640), np.uint8)
        cv2.circle(grey, (round(float(point[0])), round(float(point[1]))), max(round(2 * scale), 1), 255, -1)
        crop = aligned_crop(frame_of(np.repeat(grey[..., None], 3, 2)), landmarks, TARGET, 112).astype(np.float64)
        centre = [(crop.sum(axis) @ np.arange(112)) / crop.sum() for axis in (0, 1)]
        assert centre == pytest.approx(TARGET[index], abs=1.5)


@pytest.mark.parametrize("place", [(-500.0, -500.0), (5000.0, 10.0), (0.0, 0.0)])
def test_a_face_outside_the_picture_has_a_crop(place: tuple[float, float]) -> None:
    """A crop outside the picture, or of coinciding landmarks, repeats its border."""
    frame = frame_of(np.full((90, 120, 3), 77, np.uint8))
    for landmarks in (FACE + np.array(place, np.float32), np.full((5, 2), place, np.float32)):
        assert (aligned_crop(frame, landmarks, TARGET, 112) == 77).all()


def test_the_geometry_does_not_depend_on_place_and_scale() -> None:
    """A moved and enlarged face has the same geometry; only the angle changes when it turns."""
    plain = geometry(BOX, FACE)
    assert geometry(BOX * 3 + 40, FACE * 3 + 40) == pytest.approx(plain, abs=1e-5)
    rotated = geometry(BOX, turned(FACE, 20))
    assert rotated[6] == pytest.approx(np.radians(20), abs=1e-5)
    assert np.delete(rotated, 6) == pytest.approx(np.delete(plain, 6), abs=1e-5)


def found(picture_frame: PictureFrame) -> tuple[Floats, Floats]:
    """Return box and landmarks of the face in a picture."""
    faces = Mtcnn(Settings().mtcnn, min_face=0.06).detect(picture_frame)
    return faces.boxes[0], faces.landmarks[0]


def test_a_mirrored_face_turns_and_leans_the_other_way(network: MovementNetwork) -> None:
    """The angles of a face and of its mirror image are about opposite in yaw and roll."""
    picture = cv2.copyMakeBorder(head(), 60, 60, 60, 60, cv2.BORDER_REPLICATE)
    turn = cv2.getRotationMatrix2D((picture.shape[1] / 2, picture.shape[0] / 2), -15, 1)
    leaning = np.asarray(cv2.warpAffine(picture, turn, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)
    angles = []
    for image in (leaning, np.ascontiguousarray(leaning[:, ::-1])):
        frame = frame_of(image)
        angles.append(pose_of(network.measure(frame, *found(frame))))
    (yaw, _, roll), (other_yaw, _, other_roll) = angles
    assert roll > 8 > -8 > other_roll
    assert abs(yaw + other_yaw) < 12


def test_only_movements_that_agree_with_the_reference_are_offered(
    network: MovementNetwork, folder: MovementFolder
) -> None:
    """The names are those with a correlation of at least 0.5 that the reference shows; means have their order."""
    agreed = {m.name for m in folder.manifest.movements if m.r >= 0.5 and m.deviation >= 0.01}
    assert set(network.names) == agreed
    assert {"jawOpen", "browInnerUp", "mouthSmileLeft"} <= agreed
    values = np.arange(len(folder.manifest.movements) + LIPS + 3, dtype=np.float32)
    names = [folder.manifest.movements[int(index)].name for index in network.mean(values[np.newaxis])]
    assert tuple(names) == network.names


def test_values_are_within_their_range(network: MovementNetwork) -> None:
    """Movements are from 0 to 1 for a face and for noise."""
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    for frame in (frame_of(head()), frame_of(noise)):
        measured = network.measure(frame, BOX, FACE)
        movements = measured[: -LIPS - 3]
        assert len(movements) == 52
        assert 0 <= movements.min() <= movements.max() <= 1


def lips(opening: Floats) -> Floats:
    """Return measured values of a clip whose inner lips are open by so much."""
    values = np.zeros((len(opening), 60), np.float32)
    values[:, -8:-3] = np.array([0.05, 0.5, 0.3, 0.55, 1.2]) + opening[:, np.newaxis] * [1, -0.3, 0.8, -0.2, 0.8]
    return values


def test_a_moving_mouth_speaks_more_than_a_resting_one(network: MovementNetwork) -> None:
    """Lips that open and close several times a second have a higher probability than lips at rest."""
    talking = np.array([0, 0.2, 0.05, 0.25, 0.1, 0, 0.2, 0.1, 0.25, 0], np.float32)
    spoken, silent = (network.speaking(lips(opening)) for opening in (talking, np.zeros(10, np.float32)))
    assert spoken is not None
    assert silent is not None
    assert spoken > 0.5 > silent


def test_few_crops_say_nothing_about_speaking(network: MovementNetwork, folder: MovementFolder) -> None:
    """Speaking is unknown for fewer than MIN_CROPS crops, and for a folder without its model."""
    assert network.speaking(lips(np.zeros(MIN_CROPS - 1, np.float32))) is None
    without = MovementNetwork(replace(folder, manifest=folder.manifest.model_copy(update={"speaking": None})))
    assert without.speaking(lips(np.zeros(10, np.float32))) is None


def test_statistics_of_lips_are_finite_at_rest() -> None:
    """Lips that do not move have finite statistics."""
    assert np.isfinite(lip_statistics(np.zeros((3, 10, LIPS)), 0.005)).all()
