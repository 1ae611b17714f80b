"""Tests of cutting clips, and of reporting skipped recordings."""

import sys
import tracemalloc
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from duygu.shared.config import Settings
from duygu.shared.engine_settings import engine_options
from duygu.shared.errors import TrainingDataError
from duygu.shared.vision.engine import load_engine
from duygu.shared.vision.types import Detections, Detector, Floats, Frame
from duygu.training import prepare
from duygu.training.data.clipset import ClipSet, ClipWriter, load_clips, save_clips
from duygu.training.data.layouts import Recording
from duygu.training.prepare import main, make_clips, write_clips
from duygu.training.settings import load_recipe
from tests.support.videos import PAN, Image, Scene

RECIPE = load_recipe("e3d48").clip


@pytest.fixture(scope="module")
def detector() -> Detector:
    """The one that serves."""
    return load_engine(engine_options(Settings(threads=1))).detector


def write(path: Path, rgb: Image) -> Path:
    """A picture file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rgb[..., ::-1])
    return path


def test_a_picture_stands_still_for_one_clip(detector: Detector, tmp_path: Path) -> None:
    """The frames of the clip of a picture, or of a folder with one picture, are identical."""
    path = write(tmp_path / "a" / "1.png", Scene().picture(0))
    recordings = [Recording(path, "ann", "happiness"), Recording(path.parent, "ben", "happiness")]
    clips = make_clips(recordings, detector, RECIPE, Settings()).clips
    assert clips.images.shape == (2, *RECIPE.input_shape[:3])
    assert clips.images.std() > 0
    assert np.array_equal(clips.images, np.repeat(clips.images[:, :1], RECIPE.frames, axis=1))


def test_a_folder_of_pictures_ends_with_the_expression(detector: Detector, tmp_path: Path) -> None:
    """The last pictures of a folder form one clip; the earlier ones are not used."""
    for number in range(14):
        write(tmp_path / "sequence" / f"{number:02}.png", PAN.picture(number / 15))
    recording = Recording(tmp_path / "sequence", "ann", "fear")
    clips = make_clips([recording], detector, RECIPE, Settings()).clips
    assert clips.images.shape == (1, *RECIPE.input_shape[:3])
    steps = np.abs(np.diff(clips.images[0].astype(int), axis=0)).mean(axis=(1, 2))
    assert steps.min() > 0  # none is shown twice


def test_what_gives_no_clip_is_output_with_the_reason(detector: Detector, tmp_path: Path) -> None:
    """A broken file, an empty folder, an unknown label and a picture without a face each have their own reason."""
    good = write(tmp_path / "good.png", Scene().picture(0))
    no_face = write(tmp_path / "no_face.png", Scene(actors=()).picture(0))
    (broken := tmp_path / "broken.png").write_bytes(b"no picture")
    (film := tmp_path / "film.mp4").write_bytes(b"no film")
    (empty := tmp_path / "empty").mkdir()
    recordings = [Recording(path, "ann", "anger") for path in (good, no_face, broken, film, empty)]
    prepared = make_clips([*recordings, Recording(good, "ben", "contempt")], detector, RECIPE, Settings())
    output = list(prepared.summary.lines())
    assert output[0] == "1 clips of 1 people in 1 recordings: 1 anger"
    assert sorted(output[1:]) == [
        f"1 skipped (The file is not a video): {film}",
        f"1 skipped (no face was found): {no_face}",
        f"1 skipped (the recipe has no label contempt): {good}",
        f"2 skipped (No frame of the video could be decoded): {broken}, {empty}",
    ]


def test_nothing_at_all_is_an_error(detector: Detector, tmp_path: Path) -> None:
    """A source without any clip raises TrainingDataError with the reasons."""
    no_face = write(tmp_path / "no_face.png", Scene(actors=()).picture(0))
    with pytest.raises(TrainingDataError, match=r"no clips in any recording; 1 skipped \(no face was found\)"):
        make_clips([Recording(no_face, "ann", "anger")], detector, RECIPE, Settings())


def test_an_unexpected_error_costs_one_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The clips of the others are written, the line says which recording failed why, and the command fails."""
    for person in ("ann", "ben", "cem"):
        write(tmp_path / "source" / person / "happy" / "1.png", Scene().picture(0))
    (tmp_path / "source" / "ann" / "happy" / "2.xyz").touch()

    def fail_for_ben(path: Path, *arguments: Any) -> dict[int, list[Image]]:
        if "ben" in path.parts:
            raise IndexError("index 3 is out of bounds")
        return clips_of(path, *arguments)

    clips_of = prepare.clips_of
    monkeypatch.setattr(prepare, "clips_of", fail_for_ben)
    monkeypatch.setattr(sys, "argv", ["prepare", str(tmp_path / "source"), str(tmp_path / "clips")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    output = capsys.readouterr()
    reason = "unexpected error: IndexError: index 3 is out of bounds"
    assert f"1 skipped ({reason}): {tmp_path}/source/ben/happy/1.png" in output.out
    assert "1 files skipped (unknown extension)" in output.err
    clips = load_clips(tmp_path / "clips.npz", RECIPE)
    assert clips.subjects.tolist() == ["ann", "cem"]


class OneFace:
    """Finds the same face in every picture."""

    found = Detections(
        np.array([[8, 8, 40, 40]], np.float32),
        np.array([0.99], np.float32),
        np.array([[[18, 18], [30, 18], [24, 24], [19, 31], [29, 31]]], np.float32),
    )

    def detect(self, frame: Frame) -> Detections:
        """That face."""
        return self.found

    def detect_near(self, frame: Frame, boxes: Floats) -> Detections:
        """That face."""
        return self.found

    def refine(self, frame: Frame, boxes: Floats) -> Detections:
        """That face."""
        return self.found


def test_memory_does_not_grow_with_the_clips(tmp_path: Path) -> None:
    """Ten times as many pictures, 6 MB of clips more, and the same peak of memory."""
    path = write(tmp_path / "1.png", np.random.default_rng(0).integers(0, 255, (48, 48, 3), np.uint8))
    peaks = []
    for count in (30, 30, 300):
        recordings = (Recording(path, f"person {number}", "fear") for number in range(count))
        tracemalloc.start()
        write_clips(recordings, OneFace(), RECIPE, Settings(), tmp_path / "clips.npz")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    clips = load_clips(tmp_path / "clips.npz", RECIPE)
    assert len(clips) == 300
    assert clips.images.nbytes > 6_000_000
    assert peaks[2] < peaks[1] + 1_000_000


def test_what_is_written_is_what_numpy_reads(tmp_path: Path) -> None:
    """Several clips a recording, subjects of several lengths, an ending that is added; nothing else stays there."""
    images = np.random.default_rng(0).integers(0, 255, (5, *RECIPE.input_shape[:-1]), np.uint8)
    with ClipWriter(tmp_path / "clips", RECIPE) as writer:
        writer.add(list(images[:3]), 2, "ann", "a.mp4")
        writer.add(list(images[3:]), 6, "Jörg von und zu", "folder/b.mp4")
    clips = load_clips(tmp_path / "clips.npz", RECIPE)
    assert np.array_equal(clips.images, images)
    assert clips.labels.tolist() == [2, 2, 2, 6, 6]
    assert clips.labels.dtype == np.int64
    assert clips.subjects.tolist() == ["ann"] * 3 + ["Jörg von und zu"] * 2
    assert clips.recordings.tolist() == ["a.mp4"] * 3 + ["folder/b.mp4"] * 2
    save_clips(ClipSet(clips.images, clips.labels, clips.subjects, clips.recordings), RECIPE, tmp_path / "again.npz")
    assert np.array_equal(load_clips(tmp_path / "again.npz", RECIPE).images, images)
    assert {path.name for path in tmp_path.iterdir()} == {"clips.npz", "again.npz"}


def test_a_failure_leaves_the_earlier_file(tmp_path: Path, detector: Detector) -> None:
    """A failed run leaves an existing file of clips unchanged."""
    (tmp_path / "clips.npz").write_bytes(b"earlier")
    no_face = write(tmp_path / "no_face.png", Scene(actors=()).picture(0))
    with pytest.raises(TrainingDataError):
        write_clips([Recording(no_face, "ann", "anger")], detector, RECIPE, Settings(), tmp_path / "clips.npz")
    assert (tmp_path / "clips.npz").read_bytes() == b"earlier"
    assert {path.name for path in tmp_path.iterdir()} == {"clips.npz", "no_face.png"}


@pytest.mark.parametrize("cut", [10, 100, 200, -30])
def test_a_damaged_file_of_clips_is_refused(tmp_path: Path, cut: int) -> None:
    """A file of clips that is truncated or has additional bytes raises TrainingDataError."""
    path = tmp_path / "clips.npz"
    with ClipWriter(path, RECIPE) as writer:
        writer.add(list(np.zeros((3, *RECIPE.input_shape[:-1]), np.uint8)), 0, "ann", "1.mp4")
    content = path.read_bytes()
    for damaged in (content[:cut], content[:cut] + b"\xff\xfe" + content[cut:]):
        path.write_bytes(damaged)
        with pytest.raises(TrainingDataError, match="holds no clips"):
            load_clips(path, RECIPE)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"labels": np.array([0, 1])}, "not equally long"),
        ({"labels": np.array([7])}, "labels beyond the 7"),
        ({"images": np.zeros((1, 48, 48), np.uint8)}, "shapes of clips"),
    ],
)
def test_arrays_that_do_not_belong_together(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    """Arrays with inconsistent shapes, lengths or labels raise TrainingDataError."""
    arrays = {
        "recipe": np.array(RECIPE.to_json()),
        "images": np.zeros((1, *RECIPE.input_shape[:-1]), np.uint8),
        "labels": np.array([0]),
        "subjects": np.array(["ann"]),
        "recordings": np.array(["1.mp4"]),
    }
    np.savez(tmp_path / "clips.npz", **(arrays | changes))
    with pytest.raises(TrainingDataError, match=complaint):
        load_clips(tmp_path / "clips.npz", RECIPE)
