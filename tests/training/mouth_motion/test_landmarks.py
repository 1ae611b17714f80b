"""The landmarks of stills and recordings, and the file that keeps them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duygu.shared.errors import TrainingDataError
from duygu.training.data.stills import TrainingStills
from duygu.training.mouth_motion.face_mesh import LANDMARKS
from duygu.training.mouth_motion.landmarks import MouthMotion, find_mouth_motion
from tests.support.media.videos import STILL, VideoMaker
from tests.training.mouth_motion.faces import Talker


def stills(count: int = 3) -> TrainingStills:
    """Grey pictures, the first of them black."""
    images = np.stack([np.full((48, 48), 40 * number, np.uint8) for number in range(count)])
    return TrainingStills(images, np.full((count, 5, 7), 1 / 7, np.float32), np.full(count, 1 / count))


@pytest.fixture
def videos(video_maker: VideoMaker, tmp_path: Path) -> Path:
    """A folder with a video of one face, and another file."""
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "talk.mp4").write_bytes(video_maker.make(STILL).read_bytes())
    (folder / "cut.mp4").write_bytes(b"none")
    (folder / "notes.txt").write_text("none", encoding="utf-8")
    return folder


def found(videos: Path, amplitude: float = 0.2) -> MouthMotion:
    """What is found in the stills and videos by a landmarker that sees a talking mouth."""
    landmarker: Any = Talker(amplitude)
    return find_mouth_motion(stills(), videos, landmarker)


def test_stills_without_a_face_are_left_out(videos: Path) -> None:
    """Landmarks are those of the others, in pixels of the still; unreadable videos are skipped."""
    motion = found(videos)
    assert motion.stills.tolist() == [1, 2]
    assert motion.points.shape == (2, len(LANDMARKS), 3)
    assert motion.points[..., :2].mean(axis=(0, 1)) == pytest.approx([24, 24], abs=8)
    assert set(motion.motions.recordings.tolist()) == {0}


def test_the_file_keeps_everything(videos: Path, tmp_path: Path) -> None:
    """It is read again with the same stills only."""
    motion, path = found(videos), tmp_path / "motion.npz"
    motion.save(path)
    read = MouthMotion.load(path, stills())
    assert read.points == pytest.approx(motion.points, abs=0.02)
    assert read.motions.offsets == pytest.approx(motion.motions.offsets, abs=1e-3)
    assert read.stills.tolist() == motion.stills.tolist()
    with pytest.raises(TrainingDataError, match="other stills"):
        MouthMotion.load(path, stills(4))
    path.write_bytes(b"none")
    with pytest.raises(TrainingDataError, match="is not a file of training"):
        MouthMotion.load(path, stills())


def test_videos_without_speech_or_face_are_errors(videos: Path, tmp_path: Path) -> None:
    """Each error says what is missing."""
    with pytest.raises(TrainingDataError, match="nobody talks"):
        found(videos, amplitude=0.0)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TrainingDataError, match="no video with a face"):
        found(empty)
