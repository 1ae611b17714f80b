"""Clips of pictures, and what is said of recordings that give none."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.config import Settings
from shared.errors import TrainingDataError
from shared.vision.engine import load_engine
from shared.vision.types import Detector
from tests.videos import PAN, Image, Scene
from training.layouts import Recording
from training.prepare import make_clips, summary
from training.settings import load_recipe

RECIPE = load_recipe("e3d48").clip


@pytest.fixture(scope="module")
def detector() -> Detector:
    """The one that serves."""
    return load_engine(Settings(threads=1)).detector


def write(path: Path, rgb: Image) -> Path:
    """A picture file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rgb[..., ::-1])
    return path


def test_a_picture_stands_still_for_one_clip(detector: Detector, tmp_path: Path) -> None:
    """All frames of its clip show the same, to the byte; so do those of a folder that holds one picture."""
    path = write(tmp_path / "a" / "1.png", Scene().picture(0))
    recordings = [Recording(path, "ann", "happiness"), Recording(path.parent, "ben", "happiness")]
    clips = make_clips(recordings, detector, RECIPE, Settings()).clips
    assert clips.images.shape == (2, *RECIPE.input_shape[:3])
    assert clips.images.std() > 0
    assert np.array_equal(clips.images, np.repeat(clips.images[:, :1], RECIPE.frames, axis=1))


def test_a_folder_of_pictures_ends_with_the_expression(detector: Detector, tmp_path: Path) -> None:
    """Its last pictures make one clip, each a tenth of a second later; the first ones are left out."""
    for number in range(14):
        write(tmp_path / "sequence" / f"{number:02}.png", PAN.picture(number / 15))
    recording = Recording(tmp_path / "sequence", "ann", "fear")
    clips = make_clips([recording], detector, RECIPE, Settings()).clips
    assert clips.images.shape == (1, *RECIPE.input_shape[:3])
    steps = np.abs(np.diff(clips.images[0].astype(int), axis=0)).mean(axis=(1, 2))
    assert steps.min() > 0  # none is shown twice


def test_what_gives_no_clip_is_told_with_the_reason(detector: Detector, tmp_path: Path) -> None:
    """A broken file, an empty folder and a label that nobody has are not told as pictures without a face."""
    good = write(tmp_path / "good.png", Scene().picture(0))
    nobody = write(tmp_path / "nobody.png", Scene(actors=()).picture(0))
    (broken := tmp_path / "broken.png").write_bytes(b"no picture")
    (film := tmp_path / "film.mp4").write_bytes(b"no film")
    (empty := tmp_path / "empty").mkdir()
    recordings = [Recording(path, "ann", "anger") for path in (good, nobody, broken, film, empty)]
    prepared = make_clips([*recordings, Recording(good, "ben", "contempt")], detector, RECIPE, Settings())
    told = summary(prepared, RECIPE).splitlines()
    assert told[0] == "1 clips of 1 people in 1 recordings: 1 anger"
    assert sorted(told[1:]) == [
        f"1 left out (The file is not a video): {film}",
        f"1 left out (no face was found): {nobody}",
        f"1 left out (the recipe has no label for contempt): {good}",
        f"2 left out (No picture of the video could be decoded): {broken}, {empty}",
    ]


def test_nothing_at_all_is_an_error(detector: Detector, tmp_path: Path) -> None:
    """With the reasons."""
    nobody = write(tmp_path / "nobody.png", Scene(actors=()).picture(0))
    with pytest.raises(TrainingDataError, match=r"no recording gives a clip; 1 left out \(no face was found\)"):
        make_clips([Recording(nobody, "ann", "anger")], detector, RECIPE, Settings())
