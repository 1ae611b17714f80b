"""Tests of the whole path from recordings to a served model, by the functions behind the documented commands."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import SubjectLeakError, TrainingDataError
from duygu.shared.model.folder import CARD, H5, LABELS, open_model_folder
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.engine import Engine, load_engine
from duygu.shared.vision.types import Classifier, Floats
from duygu.training.calibrate import calibrate_on_clips
from duygu.training.data.clipset import ClipSet, load_clips, save_clips
from duygu.training.data.recordings import read_recordings
from duygu.training.evaluate import evaluate
from duygu.training.export import Release, export
from duygu.training.judge import judge
from duygu.training.measure.protocols import LEAVE_ONE_OUT, SUBJECT_LEAKING, ZERO_SHOT
from duygu.training.network import keras_file
from duygu.training.network import motion_gate as motion
from duygu.training.prepare import clips_of, make_clips
from duygu.training.run.folder import RunFolder
from duygu.training.run.settings import load_recipe
from duygu.training.train import train
from tests.support.media.videos import PAN, STILL, Actor, Scene, VideoMaker

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1200),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
"""Keras triggers this warning when it writes a file."""

RECIPE = """
network = "flat"
[clip]
name = "tiny"
size = 16
frames = 10
normalisation = "dataset"
[clips]
epochs = 2
batch = 4
learning_rate = 1e-3
patience = 2
"""

PEOPLE = {
    "ann": (STILL, "happy"),
    "ben": (PAN, "neutral"),
    "cem": (Scene(actors=(Actor(size=0.6),), duration_s=2.4), "happy"),
    "dua": (Scene(actors=(Actor(start=(0.4, 0.5), mirrored=True),), brightness=0.8), "neutral"),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, video_maker: VideoMaker) -> Path:
    """A folder with a CSV of four short recordings, a recipe, clips, a run folder and a model folder."""
    folder = tmp_path_factory.mktemp("trained")
    rows = [f"{video_maker.make(scene)},{name},{emotion}" for name, (scene, emotion) in PEOPLE.items()]
    manifest = folder / "mine.csv"
    manifest.write_text("\n".join(["path,subject,emotion", *rows]) + "\n", encoding="utf-8")
    (folder / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    recipe, settings = load_recipe(str(folder / "tiny.toml")), Settings(threads=1)
    clips = make_clips(
        read_recordings(manifest), load_engine(engine_options(settings)).detector, recipe.clip, settings
    ).clips
    save_clips(clips, recipe.clip, folder / "clips.npz")
    run = folder / "run"
    train(run, recipe, stills=None, clips=folder / "clips.npz", start=None)
    calibrate_on_clips(RunFolder(run), load_clips(folder / "clips.npz", recipe.clip))
    evaluate(run, recipe, stills=None, clips=folder / "clips.npz", with_leaking=True)
    export(run, folder / "model", Release("tiny", "1"))
    return folder


def test_a_trained_folder_serves(trained: Path, video_maker: VideoMaker) -> None:
    """The engine loads the exported folder and analyses a video with it."""
    settings = Settings(threads=1, model=trained / "model")
    result = analyze_video(video_maker.make(STILL), load_engine(engine_options(settings)), decode_limits(settings))
    assert result.model.name == "tiny"
    assert [len(face.probabilities) for face in result.faces] == [7]


def test_a_run_keeps_what_the_original_kept(trained: Path) -> None:
    """The run folder contains network, labels, history, accuracies as arrays, and a plot."""
    names = {H5, LABELS, "history.csv", "accuracy.npy", "val_accuracy.npy", "accuracy.png"}
    assert names <= {path.name for path in (trained / "run").iterdir()}
    assert len(np.load(trained / "run" / "val_accuracy.npy")) == 2


def test_both_splits_are_reported(trained: Path) -> None:
    """The report has the subject-independent and the subject-leaking split; the manifest only the former."""
    report = json.loads(RunFolder(trained / "run").measured.read_text(encoding="utf-8"))
    assert set(report) == {f"clips_{LEAVE_ONE_OUT}", f"clips_{SUBJECT_LEAKING}"}
    assert report[f"clips_{LEAVE_ONE_OUT}"]["count"] == len(PEOPLE)
    assert report[f"clips_{LEAVE_ONE_OUT}"]["coverage"] == [0.25, 0.5, 0.75, 1.0]
    assert RunFolder(trained / "run").report.read_text(encoding="utf-8").count("<svg") == 2
    folder = open_model_folder(trained / "model")
    assert set(folder.manifest.measured) == {f"clips_{LEAVE_ONE_OUT}"}
    assert "Art. 5(1)(f)" in (folder.path / CARD).read_text(encoding="utf-8")


def test_judge_classifies_as_serving_does(trained: Path, tmp_path: Path) -> None:
    """Two of four recordings are not neutral and count for both protocols; the model folder is not changed."""
    before, recipe = sorted((trained / "model").iterdir()), load_recipe(str(trained / "tiny.toml")).clip
    clips = load_clips(trained / "clips.npz", recipe)
    unseen = replace(clips, subjects=np.char.add("another ", clips.subjects))
    save_clips(unseen, recipe, tmp_path / "clips.npz")
    judge(trained / "model", tmp_path / "clips.npz", tmp_path / "report")
    report = json.loads(RunFolder(tmp_path / "report").measured.read_text(encoding="utf-8"))
    assert [(len(values["labels"]), values["count"]) for values in report.values()] == [(7, 4), (6, 2)]
    assert RunFolder(tmp_path / "report").report.read_text(encoding="utf-8").count("<svg") == 2
    assert sorted((trained / "model").iterdir()) == before


class RecordingClassifier(Classifier):
    """Records the clips that a classifier receives."""

    def __init__(self, network: Classifier) -> None:
        self.network = network
        self.clips: list[Floats] = []

    @property
    def recipe(self) -> Recipe:
        """As the wrapped classifier."""
        return self.network.recipe

    def logits(self, clips: Floats) -> Floats:
        """As the wrapped classifier."""
        self.clips.extend(clips)
        return self.network.logits(clips)


def test_training_sees_what_serving_sees(video_maker: VideoMaker, settings: Settings) -> None:
    """`prepare` and serving cut byte-identical clips from the same video."""
    engine = load_engine(engine_options(settings))
    recording = RecordingClassifier(engine.classifier)
    path = video_maker.make(PAN)
    analyze_video(path, Engine(engine.detector, recording, engine.model), decode_limits(settings))
    prepared = clips_of(path, engine.detector, engine.recipe, settings)
    seen = normalise(np.stack([clip.images for clips in prepared.values() for clip in clips]), engine.recipe)
    assert len(recording.clips) > 1
    assert seen.tobytes() == np.stack(recording.clips).tobytes()


def test_clips_of_another_recipe_are_refused(trained: Path) -> None:
    """Loading clips that were cut with another size raises TrainingDataError."""
    recipe = load_recipe(str(trained / "tiny.toml")).clip
    with pytest.raises(TrainingDataError, match="a recipe with size 16 instead of 24"):
        load_clips(trained / "clips.npz", replace(recipe, size=24))


def test_training_can_start_from_the_network_that_ships(trained: Path, tmp_path: Path) -> None:
    """Its head is trained on new clips, zero-shot uses the initial network, and the card names it."""
    recipe = load_recipe("e3d48")
    assert recipe.clips
    quick = replace(recipe, clips=replace(recipe.clips, epochs=1))
    with np.load(trained / "clips.npz") as arrays:
        subjects, labels, recordings = (arrays[name] for name in ("subjects", "labels", "recordings"))
    images = np.random.default_rng(0).integers(0, 255, (len(labels), *recipe.clip.input_shape[:3]), np.uint8)
    save_clips(ClipSet(images, labels, subjects, recordings), recipe.clip, tmp_path / "mine.npz")
    start = Settings().model
    train(tmp_path / "run", quick, stills=None, clips=tmp_path / "mine.npz", start=start)
    before, after = (keras_file.load(folder / H5).model for folder in (start, tmp_path / "run"))
    assert np.array_equal(*(model.get_layer("stem1").get_weights()[0] for model in (before, after)))
    assert np.array_equal(*(model.get_layer(motion.STILL).get_weights()[0] for model in (before, after)))
    assert not np.array_equal(*(model.get_layer(motion.MOVING).get_weights()[0] for model in (before, after)))
    report = evaluate(tmp_path / "run", quick, stills=None, clips=tmp_path / "mine.npz")
    assert set(report) == {f"mine_{ZERO_SHOT}", f"mine_{LEAVE_ONE_OUT}"}
    export(tmp_path / "run", tmp_path / "model", Release("mine", "1"))
    assert "Training started from talk48" in (tmp_path / "model" / CARD).read_text(encoding="utf-8")
    for leak in (
        lambda: evaluate(tmp_path / "model", quick, stills=None, clips=tmp_path / "mine.npz"),
        lambda: judge(tmp_path / "model", tmp_path / "mine.npz", tmp_path / "report"),
    ):
        with pytest.raises(SubjectLeakError, match="ann, ben, cem, dua"):  # people who trained it cannot test it
            leak()
