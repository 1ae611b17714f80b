"""Where recordings are found, and what is said when they are not."""

from pathlib import Path

import pytest

from shared.errors import TrainingDataError
from training.layouts import Recording
from training.recordings import read_recordings


def touch(path: Path) -> Path:
    """An empty file, its folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_folders_name_person_and_emotion(tmp_path: Path) -> None:
    """Videos and pictures may lie deeper; what is neither is passed over."""
    path = touch(tmp_path / "ann" / "happy" / "monday" / "1.MP4")
    picture = touch(tmp_path / "ben" / "contempt" / "1.png")
    touch(tmp_path / "ann" / "happy" / "notes.txt")
    assert read_recordings(tmp_path) == [Recording(path, "ann", "happiness"), Recording(picture, "ben", "contempt")]


def test_a_manifest_names_them_line_by_line(tmp_path: Path) -> None:
    """Paths are relative to the manifest."""
    path = touch(tmp_path / "videos" / "1.mp4")
    manifest = tmp_path / "mine.csv"
    manifest.write_text("path,subject,emotion\nvideos/1.mp4,ann,Fear\n", encoding="utf-8")
    assert read_recordings(manifest) == [Recording(path, "ann", "fear")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("path,person\n", "columns path, subject and emotion"),
        ("path,subject,emotion\n", "no recordings"),
        ("path,subject,emotion\n1.mp4,ann,hungry\n", "hungry"),
        ("path,subject,emotion\n1.mp4,ann,fear\n", "not there"),
    ],
)
def test_a_wrong_manifest_is_explained(tmp_path: Path, text: str, complaint: str) -> None:
    """Missing columns, no rows, a label that is none of ours, and a file that is gone."""
    manifest = tmp_path / "mine.csv"
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(TrainingDataError, match=complaint):
        read_recordings(manifest)


def test_nothing_there(tmp_path: Path) -> None:
    """A path that does not exist is told."""
    with pytest.raises(TrainingDataError, match="nothing at"):
        read_recordings(tmp_path / "gone")
