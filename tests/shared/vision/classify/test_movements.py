"""The movement network of the shipped folder, its crops, and speaking."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.model.movement_folder import LIPS, MovementFolder, SpeakingModel, open_movement_folder
from duygu.shared.vision.classify.movements import (
    MIN_CROPS,
    MovementNetwork,
    aligned_crop,
    geometry,
    lip_statistics,
    mouth_statistics,
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
    means = network.mean(values[np.newaxis])
    assert means is not None
    names = [folder.manifest.movements[int(index)].name for index in means]
    assert tuple(names) == network.names


def test_values_are_within_their_range(network: MovementNetwork) -> None:
    """Movements are from 0 to 1 for a face and for noise."""
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    for frame in (frame_of(head()), frame_of(noise)):
        measured = network.measure(frame, BOX, FACE)
        movements = measured[:52]
        assert 0 <= movements.min() <= movements.max() <= 1


def clip(folder: MovementFolder, levels: Floats) -> Floats:
    """Return measured values of a clip with these grey levels (n, values) of the mouth."""
    values = np.zeros((len(levels), 52 + LIPS + levels.shape[1] + 3), np.float32)
    values[:, 52 + LIPS : -3] = levels
    return values


def mouth_levels(folder: MovementFolder, opening: Floats) -> Floats:
    """Return the grey levels (n, values) of a mouth whose dark inner part is open by so much."""
    assert folder.manifest.speaking is not None
    area = folder.manifest.speaking.mouth
    assert area is not None
    height, width = area.height // area.step, area.width // area.step
    rows = np.abs(np.arange(height) - height / 2)[:, np.newaxis]
    pictures = [np.where(rows < 4 * one, 40.0, 150.0) + 3 * np.arange(width) for one in opening]
    return np.stack(pictures).reshape(len(opening), -1).astype(np.float32)


TALKING = np.array([0, 0.6, 0.2, 0.8, 0.3, 0, 0.7, 0.3, 0.8, 0], np.float32)
REST = np.zeros(10, np.float32)


def test_a_moving_mouth_speaks_more_than_a_resting_one(network: MovementNetwork, folder: MovementFolder) -> None:
    """A mouth that opens and closes several times a second has a higher probability than one at rest."""
    spoken, silent = (network.speaking(clip(folder, mouth_levels(folder, opening))) for opening in (TALKING, REST))
    assert spoken is not None
    assert silent is not None
    assert spoken > 0.5 > silent


def test_brightness_and_contrast_are_no_motion(network: MovementNetwork, folder: MovementFolder) -> None:
    """A mouth at rest that becomes brighter, or has less contrast, moves as little as before; noise is no speech."""
    levels = mouth_levels(folder, REST)
    rest = network.speaking(clip(folder, levels))
    assert network.speaking(clip(folder, levels + np.linspace(0, 60, 10, dtype=np.float32)[:, None])) == rest
    moving = (
        mouth_levels(folder, TALKING).astype(np.float64) * 3
    )  # its contrast is above the lower bound also when it is halved
    assert mouth_statistics(moving / 2, 0.05) == pytest.approx(mouth_statistics(moving, 0.05), abs=1e-5)
    noise = np.random.default_rng(0).normal(100, 0.3, levels.shape).astype(np.float32)
    faint = network.speaking(clip(folder, noise))
    assert faint is not None
    assert faint < 0.5


def lips(opening: Floats) -> Floats:
    """Return measured values of a clip whose inner lips are open by so much."""
    values = np.zeros((len(opening), 60), np.float32)
    values[:, -8:-3] = np.array([0.05, 0.5, 0.3, 0.55, 1.2]) + opening[:, np.newaxis] * [1, -0.3, 0.8, -0.2, 0.8]
    return values


def of_version_1_1(folder: MovementFolder) -> MovementNetwork:
    """Return the network of a folder that processes all crops and predicts speaking from the lips."""
    speaking = SpeakingModel(
        floor=0.005, mean=[-3.0] * 25, deviation=[1.0] * 25, weights=[1.0] * 15 + [0.0] * 10, bias=0, auc=0.8
    )
    update = {"crops": None, "speaking": speaking, "version": "1.1"}
    return MovementNetwork(replace(folder, manifest=folder.manifest.model_copy(update=update)))


def test_a_folder_of_version_1_1_is_served(folder: MovementFolder) -> None:
    """Its network processes all crops, and speaking follows from the distances of the lips."""
    earlier = of_version_1_1(folder)
    assert all(earlier.includes(tick) for tick in range(10))
    assert earlier.measure(frame_of(head()), BOX, FACE).shape == (60,)
    spoken, silent = (earlier.speaking(lips(opening * np.float32(0.25))) for opening in (TALKING, REST))
    assert spoken is not None
    assert silent is not None
    assert spoken > 0.5 > silent


def test_a_crop_that_is_not_processed_has_pose_and_mouth(network: MovementNetwork) -> None:
    """They are those of a processed crop, up to rounding; its movements are unknown, and no mean counts it."""
    frame = frame_of(head())
    whole, part = (network.measure(frame, BOX, FACE, processed=processed) for processed in (True, False))
    assert np.isnan(part[: 52 + LIPS]).all()
    assert part[52 + LIPS :] == pytest.approx(whole[52 + LIPS :], abs=1)
    assert pose_of(part) == pose_of(whole)
    both = network.mean(np.stack([part, whole, part]))
    assert both is not None
    assert both.tolist() == whole[[folder_index(network, name) for name in network.names]].tolist()
    assert network.mean(np.stack([part, part])) is None


def folder_index(network: MovementNetwork, name: str) -> int:
    """Return the place of a movement among the values of a crop."""
    names = [movement.name for movement in open_movement_folder(Settings().movements).manifest.movements]
    return names.index(name)


def test_few_crops_say_nothing_about_speaking(network: MovementNetwork, folder: MovementFolder) -> None:
    """Speaking is unknown for fewer than MIN_CROPS crops, for values of another version, and without its model."""
    levels = mouth_levels(folder, REST)
    assert network.speaking(clip(folder, levels)[: MIN_CROPS - 1]) is None
    assert network.speaking(clip(folder, levels)[:MIN_CROPS]) is not None
    assert network.speaking(lips(REST)) is None
    assert of_version_1_1(folder).speaking(lips(REST)[: MIN_CROPS - 1]) is None
    without = MovementNetwork(replace(folder, manifest=folder.manifest.model_copy(update={"speaking": None})))
    assert without.speaking(lips(REST)) is None


def test_statistics_of_lips_are_finite_at_rest() -> None:
    """Lips and mouths that do not move have finite statistics."""
    assert np.isfinite(mouth_statistics(np.zeros((3, 10, 140)), 0.05)).all()
    assert np.isfinite(lip_statistics(np.zeros((3, 10, LIPS)), 0.005)).all()
