"""Tests of cutting clips, and of reporting skipped recordings."""

import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import TrainingDataError
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.engine import load_engine
from duygu.shared.vision.types import Detections, Detector, Floats, Frame
from duygu.shared.workbench.labels.label import Label
from duygu.shared.workbench.labels.manifest import manifest_rows, manifest_text
from duygu.training import prepare
from duygu.training.data.clipset import UNLABELLED, ClipSet, ClipWriter, load_clips, save_clips
from duygu.training.data.layouts import NO_LABEL, Recording, Stretch
from duygu.training.data.recordings import read_recordings, read_unlabelled
from duygu.training.data.stretch_clips import CutClip
from duygu.training.prepare import main, make_clips, write_clips
from duygu.training.run.settings import load_recipe
from tests.support.extra_data import require_extra_data
from tests.support.media.videos import PAIR, PAN, Image, Scene, VideoMaker

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

    def fail_for_ben(path: Path, *arguments: Any) -> dict[int, list[CutClip]]:
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


def test_parts_of_a_video_are_cut_as_in_serving(detector: Detector, video_maker: VideoMaker) -> None:
    """The clips of two parts are those of the whole video whose middles are in them, of the face at the place."""
    path = video_maker.make(replace(PAIR, duration_s=4.0))
    faces = prepare.clips_of(path, detector, RECIPE, Settings())
    left, right = sorted(faces.values(), key=lambda clips: float(np.mean(clips[0].images)))  # two mirrored faces
    recordings = [
        Recording(path, "ann", "fear", Stretch(0.0, 2.0, (0.27, 0.5)), (("rater", "bob"),)),
        Recording(path, "ben", "anger", Stretch(0.0, 2.0, (0.73, 0.5)), (("rater", "bob"), ("site", "Ankara"))),
        Recording(path, "ann", "sadness", Stretch(2.0, 4.0, (0.27, 0.5))),
    ]
    prepared = make_clips(recordings, detector, RECIPE, Settings())
    clips = prepared.clips
    assert prepared.summary.skipped == []
    assert clips.subjects.tolist() == ["ann"] * 4 + ["ben"] * 4 + ["ann"] * 3
    assert clips.columns["rater"].tolist() == ["bob"] * 8 + [""] * 3
    assert clips.columns["site"].tolist() == [""] * 4 + ["Ankara"] * 4 + [""] * 3
    assert clips.take(clips.subjects == "ben").columns["site"].tolist() == ["Ankara"] * 4
    ann = clips.images[clips.subjects == "ann"]
    same = [faces for faces in (left, right) if np.array_equal(ann, np.stack([clip.images for clip in faces]))]
    assert len(same) == 1
    assert len(np.unique(clips.recordings)) == 3


def test_parts_without_clips_have_a_reason(detector: Detector, video_maker: VideoMaker, tmp_path: Path) -> None:
    """A part that is too short, has no face at its place or an unknown label, or is of a picture, is skipped."""
    path, picture = video_maker.make(PAIR), write(tmp_path / "1.png", Scene().picture(0))
    recordings = [
        Recording(path, "ann", "fear", Stretch(0.0, 1.0)),
        Recording(path, "ann", "fear", Stretch(0.0, 0.1)),
        Recording(path, "ann", "fear", Stretch(0.0, 1.0, (0.01, 0.01))),
        Recording(path, "ann", "contempt", Stretch(1.0, 2.0)),
        Recording(picture, "ann", "fear", Stretch(0.0, 1.0)),
    ]
    prepared = make_clips(recordings, detector, RECIPE, Settings())
    assert prepared.summary.recordings == 1
    assert [reason for _, reason in prepared.summary.skipped] == [
        "no clip has its middle in the part of the video",
        "no face is at face_x, face_y in the middle of the part of the video",
        "the recipe has no label contempt",
        "start_s and end_s apply to videos, not to pictures",
    ]


def test_labels_become_clips(detector: Detector, video_maker: VideoMaker) -> None:
    """Labels of made-up raters for a result become a manifest, and the manifest clips of the right face."""
    path = video_maker.make(replace(PAIR, duration_s=4.0))
    engine = load_engine(engine_options(Settings(threads=1)))
    result = analyze_video(path, engine, decode_limits(Settings()), name=path.name)
    labels = {
        "ann": [
            Label(face_id=1, start_s=0, end_s=2, emotion="fear"),
            Label(face_id=2, start_s=2, end_s=4, emotion="anger"),
        ],
        "bob": [Label(face_id=1, start_s=0, end_s=2, emotion="fear")],
    }
    rows = manifest_rows(result, labels, path.name, {"site": "Ankara"}).rows
    manifest = path.with_name("manifest.csv")
    manifest.write_text(manifest_text([], rows))
    prepared = make_clips(read_recordings(manifest), detector, RECIPE, Settings())
    assert prepared.summary.skipped == []
    counts = dict(zip(*np.unique(prepared.clips.subjects, return_counts=True), strict=True))
    windows = [[(one.start_s + one.end_s) / 2 for one in face.windows] for face in result.faces]
    assert counts == {
        f"{path.stem} face 1": sum(middle < 2 for middle in windows[0]),
        f"{path.stem} face 2": sum(middle >= 2 for middle in windows[1]),
    }
    assert set(prepared.clips.columns) == {"rater", "site"}
    assert set(prepared.clips.columns["rater"]) == {"ann+bob", "ann"}


def test_parts_of_recordings_of_actors(detector: Detector, tmp_path: Path) -> None:
    """Two parts of each of six Javanese recordings give the clips of the whole recordings, each once."""
    folder = require_extra_data("javanese")
    videos = sorted(folder.glob("0[12]-01-0[123]_01.mp4"))
    whole = [Recording(path, path.name[:2], "fear") for path in videos]
    halves = [
        Recording(path, path.name[:2], "fear", Stretch(*span), (("half", half),))
        for path in videos
        for half, span in (("first", (0.0, 1.5)), ("second", (1.5, 600.0)))
    ]
    entire, parts = (make_clips(some, detector, RECIPE, Settings()).clips for some in (whole, halves))
    assert len(videos) == 6
    assert np.array_equal(entire.images, parts.images)
    assert entire.subjects.tolist() == parts.subjects.tolist()
    assert set(parts.columns["half"]) == {"first", "second"}


class OneFace:
    """Finds the same face in every picture."""

    found = Detections(
        np.array([[8, 8, 40, 40]], np.float32),
        np.array([0.99], np.float32),
        np.array([[[18, 18], [30, 18], [24, 24], [19, 31], [29, 31]]], np.float32),
    )

    def with_limits(self, *, min_face: float, max_faces: int) -> "OneFace":
        """Return the same detector."""
        return self

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
    columns = {"rater": np.array(["bob", "", "", "ann", "ann"]), "yer/site": np.array(["İzmir"] * 5)}
    again = ClipSet(clips.images, clips.labels, clips.subjects, clips.recordings, columns)
    save_clips(again, RECIPE, tmp_path / "again.npz")
    read = load_clips(tmp_path / "again.npz", RECIPE)
    assert np.array_equal(read.images, images)
    assert {name: values.tolist() for name, values in read.columns.items()} == {
        "rater": ["bob", "", "", "ann", "ann"],
        "yer/site": ["İzmir"] * 5,
    }
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


def test_videos_without_labels_are_prepared_for_talking_alone(detector: Detector, tmp_path: Path) -> None:
    """Clips of unlabelled recordings are refused wherever labels are needed, and each file is another person."""
    for name in ("one", "two"):
        (tmp_path / "talk" / f"{name}.mp4").parent.mkdir(exist_ok=True)
        (tmp_path / "talk" / f"{name}.mp4").touch()
    assert [recording.subject for recording in read_unlabelled(tmp_path / "talk")] == ["one", "two"]
    picture = write(tmp_path / "1.png", Scene().picture(0))
    path = tmp_path / "talking.npz"
    write_clips([Recording(picture, "one", NO_LABEL)], detector, RECIPE, Settings(), path)
    assert load_clips(path, RECIPE, unlabelled=True).labels.tolist() == [UNLABELLED]
    with pytest.raises(TrainingDataError, match="have no labels"):
        load_clips(path, RECIPE)


def test_a_folder_without_videos_holds_nothing_unlabelled(tmp_path: Path) -> None:
    """A folder without videos raises TrainingDataError."""
    with pytest.raises(TrainingDataError, match="holds no videos"):
        read_unlabelled(tmp_path)
