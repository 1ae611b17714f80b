"""From somebody's own recordings to a model that serves, by the commands that the README names."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duygu.shared.config import Settings
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
from duygu.training.evaluate import HONEST, LEAKY, UNTRAINED, evaluate
from duygu.training.export import Release, export
from duygu.training.judge import judge
from duygu.training.network import keras_file as model_file
from duygu.training.network import motion_gate as motion
from duygu.training.prepare import clips_of, make_clips
from duygu.training.settings import load_recipe
from duygu.training.train import MEASURED, REPORT, train
from tests.support.videos import PAN, STILL, Actor, Scene, VideoMaker

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras warns of itself when it writes a file."""

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
def workshop(tmp_path_factory: pytest.TempPathFactory, video_maker: VideoMaker) -> Path:
    """A folder with a manifest of four short recordings, a recipe, and what training makes of them."""
    folder = tmp_path_factory.mktemp("workshop")
    rows = [f"{video_maker.make(scene)},{name},{emotion}" for name, (scene, emotion) in PEOPLE.items()]
    manifest = folder / "mine.csv"
    manifest.write_text("\n".join(["path,subject,emotion", *rows]) + "\n", encoding="utf-8")
    (folder / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    recipe, settings = load_recipe(str(folder / "tiny.toml")), Settings(threads=1)
    clips = make_clips(read_recordings(manifest), load_engine(settings).detector, recipe.clip, settings).clips
    save_clips(clips, recipe.clip, folder / "clips.npz")
    run = folder / "run"
    train(run, recipe, stills=None, clips=folder / "clips.npz", start=None)
    calibrate_on_clips(run, load_clips(folder / "clips.npz", recipe.clip))
    evaluate(run, recipe, stills=None, clips=folder / "clips.npz", with_leaky=True)
    export(run, folder / "model", Release("tiny", "1"))
    return folder


def test_a_trained_folder_serves(workshop: Path, video_maker: VideoMaker) -> None:
    """The folder opens, and the engine that reads it answers about a video."""
    settings = Settings(threads=1, model=workshop / "model")
    result = analyze_video(video_maker.make(STILL), load_engine(settings), settings)
    assert result.model.name == "tiny"
    assert [len(face.probabilities) for face in result.faces] == [7]


def test_a_run_keeps_what_the_original_kept(workshop: Path) -> None:
    """Network, labels, history, accuracies as arrays, and a plot."""
    names = {H5, LABELS, "history.csv", "accuracy.npy", "val_accuracy.npy", "accuracy.png"}
    assert names <= {path.name for path in (workshop / "run").iterdir()}
    assert len(np.load(workshop / "run" / "val_accuracy.npy")) == 2


def test_both_ways_to_split_are_reported(workshop: Path) -> None:
    """Whole people and leaky answers stand side by side in the report; the model claims only the former."""
    report = json.loads((workshop / "run" / MEASURED).read_text(encoding="utf-8"))
    assert set(report) == {f"clips_{HONEST}", f"clips_{LEAKY}"}
    assert report[f"clips_{HONEST}"]["count"] == len(PEOPLE)
    assert report[f"clips_{HONEST}"]["coverage"] == [0.25, 0.5, 0.75, 1.0]
    assert (workshop / "run" / REPORT).read_text(encoding="utf-8").count("<svg") == 2
    folder = open_model_folder(workshop / "model")
    assert set(folder.manifest.measured) == {f"clips_{HONEST}"}
    assert "Art. 5(1)(f)" in (folder.path / CARD).read_text(encoding="utf-8")


def test_a_model_is_judged_as_it_serves(workshop: Path, tmp_path: Path) -> None:
    """Of four recordings two are neutral; nothing is written beside the model."""
    before, recipe = sorted((workshop / "model").iterdir()), load_recipe(str(workshop / "tiny.toml")).clip
    clips = load_clips(workshop / "clips.npz", recipe)
    strangers = replace(clips, subjects=np.char.add("another ", clips.subjects))
    save_clips(strangers, recipe, tmp_path / "clips.npz")
    judge(workshop / "model", tmp_path / "clips.npz", tmp_path / "report")
    report = json.loads((tmp_path / "report" / MEASURED).read_text(encoding="utf-8"))
    assert [(len(values["labels"]), values["count"]) for values in report.values()] == [(7, 4), (6, 2)]
    assert (tmp_path / "report" / REPORT).read_text(encoding="utf-8").count("<svg") == 2
    assert sorted((workshop / "model").iterdir()) == before


class Witness(Classifier):
    """Lets a network answer and remembers the clips that it was shown."""

    def __init__(self, network: Classifier) -> None:
        self.network = network
        self.clips: list[Floats] = []

    @property
    def recipe(self) -> Recipe:
        """The network's own."""
        return self.network.recipe

    def logits(self, clips: Floats) -> Floats:
        """The network's own."""
        self.clips.extend(clips)
        return self.network.logits(clips)


def test_training_sees_what_serving_sees(video_maker: VideoMaker, settings: Settings) -> None:
    """One video through both gives the same clips to the byte."""
    engine = load_engine(settings)
    witness = Witness(engine.classifier)
    path = video_maker.make(PAN)
    analyze_video(path, Engine(engine.detector, witness, engine.model), settings)
    prepared = clips_of(path, engine.detector, engine.recipe, settings)
    seen = normalise(np.stack([images for clips in prepared.values() for images in clips]), engine.recipe)
    assert len(witness.clips) > 1
    assert seen.tobytes() == np.stack(witness.clips).tobytes()


def test_clips_of_another_recipe_are_refused(workshop: Path) -> None:
    """What was cut in another size or rate cannot be trained on."""
    recipe = load_recipe(str(workshop / "tiny.toml")).clip
    with pytest.raises(TrainingDataError, match="a recipe with size 16 instead of 24"):
        load_clips(workshop / "clips.npz", replace(recipe, size=24))


def test_the_network_that_ships_can_go_on(workshop: Path, tmp_path: Path) -> None:
    """Its head learns from new clips; they are judged by what it was before; the card says where it began."""
    recipe = load_recipe("e3d48")
    assert recipe.clips
    quick = replace(recipe, clips=replace(recipe.clips, epochs=1))
    with np.load(workshop / "clips.npz") as arrays:
        subjects, labels, recordings = (arrays[name] for name in ("subjects", "labels", "recordings"))
    images = np.random.default_rng(0).integers(0, 255, (len(labels), *recipe.clip.input_shape[:3]), np.uint8)
    save_clips(ClipSet(images, labels, subjects, recordings), recipe.clip, tmp_path / "mine.npz")
    start = Settings().model
    train(tmp_path / "run", quick, stills=None, clips=tmp_path / "mine.npz", start=start)
    before, after = (model_file.load(folder / H5).model for folder in (start, tmp_path / "run"))
    assert np.array_equal(*(model.get_layer("stem1").get_weights()[0] for model in (before, after)))
    assert np.array_equal(*(model.get_layer(motion.STILL).get_weights()[0] for model in (before, after)))
    assert not np.array_equal(*(model.get_layer(motion.MOVING).get_weights()[0] for model in (before, after)))
    report = evaluate(tmp_path / "run", quick, stills=None, clips=tmp_path / "mine.npz", with_leaky=False)
    assert set(report) == {f"mine_{UNTRAINED}", f"mine_{HONEST}"}
    export(tmp_path / "run", tmp_path / "model", Release("mine", "1"))
    assert "It began as e3d48" in (tmp_path / "model" / CARD).read_text(encoding="utf-8")
    for leak in (
        lambda: evaluate(tmp_path / "model", quick, stills=None, clips=tmp_path / "mine.npz", with_leaky=False),
        lambda: judge(tmp_path / "model", tmp_path / "mine.npz", tmp_path / "report"),
    ):
        with pytest.raises(SubjectLeakError, match="ann, ben, cem, dua"):  # who taught it cannot judge it
            leak()
