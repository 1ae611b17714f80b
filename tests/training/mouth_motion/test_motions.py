"""Motion of the lower face in recordings."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from duygu.shared.vision.classify.movements import Doubles
from duygu.training.mouth_motion.face_mesh import LANDMARKS, LOWER_LIP, RIGID, aligning, places
from duygu.training.mouth_motion.motions import FRAMES, RecordedFace, motions_of
from tests.training.mouth_motion.faces import face, kept

TIMES = np.arange(40) / 10


def recording(openings: list[float], times: Doubles = TIMES) -> RecordedFace:
    """A head that moves in front of the camera, with a mouth that opens by given amounts."""
    turns = [Rotation.from_euler("y", angle, degrees=True) for angle in np.linspace(-20, 20, len(openings))]
    faces = [
        80 * turn.apply(kept(face(opening))) + [200, 100, 0] for turn, opening in zip(turns, openings, strict=True)
    ]
    return RecordedFace(times, np.stack(faces))


def test_alignment_undoes_scale_rotation_and_shift() -> None:
    """A face that was moved comes back, by landmarks that speech does not move."""
    known, turn = kept(face()), Rotation.from_euler("zyx", [30, 20, 10], degrees=True)
    moved = 7 * turn.apply(known) + [3, 4, 5]
    talking = 7 * turn.apply(kept(face(0.3))) + [3, 4, 5]
    assert aligning(moved, known)(moved) == pytest.approx(known)
    assert aligning(talking, known)(moved) == pytest.approx(known)
    assert set(RIGID) < set(LANDMARKS)


def test_offsets_are_those_of_the_mouth_alone() -> None:
    """The motion of the head is removed; what is above the mouth does not move; the mouth opens as it did."""
    openings = [0.15 * (1 + np.sin(number)) for number in range(len(TIMES))]
    motions = motions_of([recording(openings)])
    assert motions.offsets.shape[1:] == (FRAMES, len(LANDMARKS), 3)
    assert np.abs(motions.offsets[:, :, motions.shape[:, 1] < 0.1]).max() == 0
    lower = motions.offsets[:, :, places((LOWER_LIP,))[0], 1]
    expected = np.array(openings[:FRAMES])
    assert np.corrcoef(lower[0], expected)[0, 1] == pytest.approx(1, abs=1e-3)
    assert np.ptp(lower[0]) == pytest.approx(np.ptp(expected) / 2, rel=0.05)


@pytest.mark.parametrize(
    ("openings", "times"),
    [([0.1] * 40, TIMES), ([3.0 * (number % 2) for number in range(40)], TIMES), ([0.1, 0.3] * 20, 3 * TIMES)],
    ids=["silent", "torn", "with gaps"],
)
def test_other_windows_are_left_out(openings: list[float], times: Doubles) -> None:
    """Nobody talks in them, the mouth is open beyond what a photograph bears, or samples are missing."""
    assert len(motions_of([recording(openings, times)]).offsets) == 0


def test_each_window_has_its_recording() -> None:
    """Windows are those of the recordings in which there is speech."""
    talk = [0.15 * (1 + np.sin(number)) for number in range(len(TIMES))]
    motions = motions_of([recording([0.1] * 40), recording(talk), recording(talk)])
    assert set(motions.recordings.tolist()) == {1, 2}
