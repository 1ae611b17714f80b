"""Tests of reading published data sets in their own layout."""

import re
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.errors import TrainingDataError
from duygu.training.data.layouts import Recording
from duygu.training.data.recordings import read_recordings
from tests.training.data.test_recordings import touch


def write(path: Path, text: str) -> Path:
    """Write a text file, and its parent folders."""
    touch(path).write_text(text, encoding="ascii")
    return path


def test_javanese(tmp_path: Path) -> None:
    """ACTOR-SENTENCE-EMOTION_TAKE.mp4."""
    path = touch(tmp_path / "03-02-05_01.mp4")
    assert read_recordings(tmp_path) == [Recording(path, "03", "fear")]


def test_ravdess_has_each_performance_twice(tmp_path: Path) -> None:
    """Files with and without sound of a performance give one recording, sound alone none, and calm is neutral."""
    spoken = touch(tmp_path / "Actor_12" / "01-01-07-02-01-01-12.mp4")
    touch(tmp_path / "Actor_12" / "02-01-07-02-01-01-12.mp4")
    touch(tmp_path / "Actor_12" / "03-01-07-02-01-01-12.wav")
    sung = touch(tmp_path / "Song" / "Actor_05" / "02-02-02-01-01-01-05.mp4")
    assert read_recordings(tmp_path) == [Recording(spoken, "12", "disgust"), Recording(sung, "05", "neutral")]


def test_ck_plus_labels_some_of_its_sequences(tmp_path: Path) -> None:
    """Each labelled sequence is one recording; sequences without a label are skipped."""
    for sequence in ("001", "002"):
        touch(tmp_path / "cohn-kanade-images" / "S005" / sequence / f"S005_{sequence}_00000001.png")
    write(tmp_path / "Emotion" / "S005" / "001" / "S005_001_00000011_emotion.txt", "   3.0000000e+00\n")
    found = read_recordings(tmp_path)
    assert found == [Recording(tmp_path / "cohn-kanade-images" / "S005" / "001", "S005", "disgust")]


def test_affectnet_gives_each_picture_its_own_subject(tmp_path: Path) -> None:
    """Labels are read from arrays of numbers or text, and contempt is kept as a label."""
    for part, name, label in (("train_set", "12", np.array("6")), ("val_set", "7", np.array(7))):
        touch(tmp_path / part / "images" / f"{name}.jpg")
        (tmp_path / part / "annotations").mkdir()
        np.save(tmp_path / part / "annotations" / f"{name}_exp.npy", label)
    assert read_recordings(tmp_path) == [
        Recording(tmp_path / "train_set" / "images" / "12.jpg", "12", "anger"),
        Recording(tmp_path / "val_set" / "images" / "7.jpg", "7", "contempt"),
    ]


def test_data_sets_with_other_endings(tmp_path: Path) -> None:
    """Layouts are recognised with any known extension, in lower or upper case."""
    spoken = touch(tmp_path / "ravdess" / "Actor_12" / "01-01-07-02-01-01-12.MKV")
    assert read_recordings(tmp_path / "ravdess") == [Recording(spoken, "12", "disgust")]
    javanese = touch(tmp_path / "javanese" / "03-02-05_01.MP4")
    assert read_recordings(tmp_path / "javanese") == [Recording(javanese, "03", "fear")]
    picture = touch(tmp_path / "affectnet" / "images" / "12.JPEG")
    (tmp_path / "affectnet" / "annotations").mkdir()
    np.save(tmp_path / "affectnet" / "annotations" / "12_exp.npy", np.array("6"))
    assert read_recordings(tmp_path / "affectnet") == [Recording(picture, "12", "anger")]


def test_an_invalid_label_is_named(tmp_path: Path) -> None:
    """A label that is no number, or an unknown number, raises TrainingDataError with the file's name."""
    label = tmp_path / "Emotion" / "S005" / "001" / "S005_001_00000011_emotion.txt"
    with pytest.raises(TrainingDataError, match=r"_emotion\.txt holds no number"):
        read_recordings(write(label, "happy").parents[3])
    with pytest.raises(TrainingDataError, match="names an emotion 9"):
        read_recordings(write(label, "9.0").parents[3])
    exp = tmp_path / "annotations" / "1_exp.npy"
    touch(exp)
    label.unlink()
    with pytest.raises(TrainingDataError, match=r"1_exp\.npy holds no number"):
        read_recordings(tmp_path)
    exp.unlink()
    touch(tmp_path / "01-01-07_01.mp4")
    with pytest.raises(TrainingDataError, match=r"01-01-07_01\.mp4 names an emotion 07"):
        read_recordings(tmp_path)


def lay_out(layout: str, folder: Path) -> None:
    """Write a labelled recording, unlabelled files of the data set, and a hidden file of macOS."""
    if layout == "the Javanese recordings":
        touch(folder / "03-02-05_01.mp4")
    elif layout == "RAVDESS":
        for kind in ("01", "02", "03"):
            touch(folder / "Actor_12" / f"{kind}-01-07-02-01-01-12.mp4")
    elif layout == "CK+":
        for sequence in ("001", "002"):
            touch(folder / "cohn-kanade-images" / "S005" / sequence / f"S005_{sequence}_00000001.png")
        write(folder / "Emotion" / "S005" / "001" / "S005_001_00000011_emotion.txt", "3.0")
    else:
        for name in ("12", "13"):
            touch(folder / "train_set" / "images" / f"{name}.jpg")
        (folder / "train_set" / "annotations").mkdir()
        np.save(folder / "train_set" / "annotations" / "12_exp.npy", np.array("6"))
    touch(folder / "__MACOSX" / "._1.mp4")


@pytest.mark.parametrize("other", ["ann/happy/1.mp4", "ann/happy/2.PNG", "1.mov"])
@pytest.mark.parametrize("layout", ["the Javanese recordings", "RAVDESS", "CK+", "AffectNet"])
def test_other_recordings_beside_a_data_set_are_rejected(layout: str, other: str, tmp_path: Path) -> None:
    """A recording that does not belong to the data set raises TrainingDataError with its path."""
    lay_out(layout, tmp_path)
    assert len(read_recordings(tmp_path)) == 1
    touch(tmp_path / other)
    with pytest.raises(TrainingDataError, match=f"holds {re.escape(layout)} and .*{other} first"):
        read_recordings(tmp_path)
