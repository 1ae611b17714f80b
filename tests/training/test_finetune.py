"""Tests of fine-tuning a model on labelled stretches."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duygu.services.cli import main as duygu
from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import SubjectLeakError, TrainingDataError
from duygu.shared.model.folder import CARD, H5, RELATIVE, open_model_folder
from duygu.shared.vision.classify.second_trunk import SecondTrunk
from duygu.shared.vision.engine import load_engine
from duygu.training.data.clipset import ClipSet, SecondCrops, load_clips, save_clips
from duygu.training.data.layouts import JAVANESE_EMOTIONS
from duygu.training.data.people import person_digest
from duygu.training.data.stills import as_clips
from duygu.training.export import Release
from duygu.training.finetune import FineTuning, finetune
from duygu.training.measure.card import INT8_HEADING, RELATIVE_HEADING, SECOND_TRUNK_HEADING
from duygu.training.measure.folder_predictions import folder_predictions
from duygu.training.network import keras_file
from duygu.training.network.inference import logits_of
from duygu.training.network.keras_file import Network
from tests.support.extra_data import require_extra_data

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
"""Keras triggers this warning when it writes a file."""

SHIPPED = Settings().model

RELEASE = Release("mine", "1")


def shipped() -> Network:
    """Return the network that ships."""
    return keras_file.load(SHIPPED / H5)


def write_clips(path: Path, people: int, each: int = 6, *, second: bool = False) -> Path:
    """Write clips of noise, whose brightness tells their label, of people with `each` recordings.

    second  also write the crops for a second trunk, whose contrast tells the label; every seventh clip has none
    """
    recipe, random = shipped().recipe, np.random.default_rng(0)
    labels = np.tile(np.arange(each) % 3, people)
    noise = random.integers(0, 120, (len(labels), *recipe.input_shape[:3]))
    noise[:, :, :24] += 60 * labels[:, np.newaxis, np.newaxis, np.newaxis]
    subjects = np.repeat([f"person {number}" for number in range(people)], each)
    recordings = np.array([f"{number}.mp4" for number in range(len(labels))])
    counts = np.where(np.arange(len(labels)) % 7 == 6, 0, 2)
    of_second = random.integers(0, 100, (int(counts.sum()), 112, 112)) * (1 + np.repeat(labels, counts)[:, None, None])
    crops = SecondCrops(of_second.clip(0, 255).astype(np.uint8), counts) if second else None
    save_clips(ClipSet(noise.astype(np.uint8), labels, subjects, recordings, second=crops), recipe, path)
    return path


def test_a_fine_tuned_model_serves_and_is_compared(tmp_path: Path) -> None:
    """The model folder opens and knows its people; the comparison is in words; still faces keep their logits."""
    source = write_clips(tmp_path / "clips.npz", 6)
    found = finetune(source, tmp_path / "out", SHIPPED, None, RELEASE)
    folder = open_model_folder(tmp_path / "out" / "model")
    assert folder.manifest.name == "mine"
    assert (tmp_path / "out" / "run" / "report.html").exists()
    network = keras_file.load(tmp_path / "out" / "model" / H5)
    assert {person_digest(f"person {number}") for number in range(6)} <= network.people
    text = "\n".join(found.lines())
    assert "On 36 recordings of 6 people" in text
    assert "The new network has the higher accuracy." in text
    assert "No recording is labelled happiness, sadness, surprise, neutral" in text
    stills = as_clips(np.random.default_rng(1).integers(0, 255, (3, 48, 48), np.uint8), network.recipe.frames)
    assert logits_of(network, stills) == pytest.approx(logits_of(shipped(), stills), abs=1e-4)
    assert network.recipe.temperature == shipped().recipe.temperature


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FineTuning]:
    """The folder and the outcome of fine-tuning with the crops of the second trunk; `clips.npz` lies beside `out`."""
    folder = tmp_path_factory.mktemp("joint")
    source = write_clips(folder / "clips.npz", 6, second=True)
    return folder, finetune(source, folder / "out", SHIPPED, None, Release("mine", "2"))


def test_the_second_trunk_is_kept_and_its_layer_adapted(joint: tuple[Path, FineTuning]) -> None:
    """Trunks, relative layer and output for still faces stay; the layer for moving faces changes."""
    folder, old = open_model_folder(joint[0] / "out" / "model"), open_model_folder(SHIPPED)
    engine = load_engine(engine_options(Settings(model=folder.path)))
    assert isinstance(engine.second_trunk, SecondTrunk)
    assert engine.recipe == folder.recipe == keras_file.load(folder.path / H5).recipe
    assert (folder.manifest.name, folder.manifest.version) == ("mine", "2")
    assert set(folder.manifest.measured) == {"clips_leave_one_actor_out"}
    assert folder.manifest.licence == old.manifest.licence
    assert folder.manifest.relative == old.manifest.relative
    assert folder.manifest.files[RELATIVE] == old.manifest.files[RELATIVE]
    assert folder.int8 is not None
    assert not np.allclose(np.load(folder.second_head), np.load(old.second_head), atol=0.01)
    assert folder.recipe.temperature == old.recipe.temperature
    assert folder.recipe.track_temperature != old.recipe.track_temperature
    images = np.random.default_rng(1).integers(0, 255, (3, *shipped().recipe.input_shape[:3]), np.uint8)
    network = keras_file.load(folder.path / H5)
    assert logits_of(network, images).tolist() == logits_of(shipped(), images).tolist()
    assert {person_digest(f"person {number}") for number in range(6)} <= network.people


def test_the_card_says_what_was_adapted(joint: tuple[Path, FineTuning]) -> None:
    """It names the start and what changed, has its sections once and in order, and keeps no figure of the start."""
    card = (joint[0] / "out" / "model" / CARD).read_text(encoding="utf-8")
    headings = [SECOND_TRUNK_HEADING, RELATIVE_HEADING, INT8_HEADING]
    assert [card.count(heading) for heading in headings] == [1, 1, 1]
    assert sorted(headings, key=card.index) == headings
    manifest = open_model_folder(SHIPPED).manifest
    assert f"Training started from {manifest.name}, version {manifest.version}" in card
    assert "These clips adapted the linear layer for moving faces, on the features of both trunks." in card
    assert "clips_leave_one_actor_out" in card
    assert "javanese_zero_shot" not in card
    assert "only part" not in card


def test_the_served_predictions_are_those_that_were_learned(joint: tuple[Path, FineTuning]) -> None:
    """The folder as it is served has learned the clips, and the comparison is of people outside each fold."""
    folder, found = joint
    network, clips = keras_file.load(folder / "out" / "model" / H5), load_clips(folder / "clips.npz", shipped().recipe)
    served = folder_predictions(folder / "out" / "model", network, clips)
    assert served.correct.mean() > 0.8
    assert "The new network has the higher accuracy." in "\n".join(found.lines())
    before = folder_predictions(SHIPPED, shipped(), clips)
    assert found.old.probabilities == pytest.approx(before.probabilities, abs=1e-4)


def test_a_fine_tuned_model_with_a_second_trunk_can_be_fine_tuned_again(
    joint: tuple[Path, FineTuning], tmp_path: Path
) -> None:
    """Its people are refused; other people start from its layer, also when the result replaces the folder."""
    model = joint[0] / "out" / "model"
    with pytest.raises(SubjectLeakError):
        finetune(joint[0] / "clips.npz", tmp_path / "second", model, None, RELEASE)
    shutil.copytree(joint[0] / "out", tmp_path / "out")
    clips = load_clips(write_clips(tmp_path / "clips.npz", 2, second=True), shipped().recipe)
    others = replace(clips, subjects=np.char.add("other ", clips.subjects))
    save_clips(others, shipped().recipe, tmp_path / "others.npz")
    found = finetune(tmp_path / "others.npz", tmp_path / "out", tmp_path / "out" / "model", None, RELEASE)
    assert {person_digest("person 0"), person_digest("other person 0")} <= found.network.people
    assert "that of mine 2" in (tmp_path / "out" / "model" / CARD).read_text(encoding="utf-8").replace("\n", " ")
    assert open_model_folder(tmp_path / "out" / "model").manifest.second_trunk is not None


def test_clips_that_cannot_adapt_both_trunks_leave_the_second_one_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Clips without crops give a folder without second trunk, and a note; people without any crop raise an error."""
    finetune(write_clips(tmp_path / "old.npz", 2), tmp_path / "old", SHIPPED, None, RELEASE)
    assert open_model_folder(tmp_path / "old" / "model").manifest.second_trunk is None
    assert "the new folder has none: the clips lack the crops for it" in capsys.readouterr().err
    clips = load_clips(write_clips(tmp_path / "clips.npz", 2, second=True), shipped().recipe)
    assert clips.second is not None
    counts = np.where(clips.subjects == "person 0", clips.second.counts, 0)
    some = replace(clips, second=SecondCrops(clips.second.crops[: counts.sum()], counts))
    save_clips(some, shipped().recipe, tmp_path / "few.npz")
    with pytest.raises(TrainingDataError, match="no clip has a crop for the second trunk, of the people person 1"):
        finetune(tmp_path / "few.npz", tmp_path / "few", SHIPPED, None, RELEASE)


def test_no_person_is_classified_by_a_network_that_learned_from_her(tmp_path: Path) -> None:
    """Labels that say only who a person is are of no use for other people: out of fold, they are not learned."""
    recipe, people = shipped().recipe, 6
    random = np.random.default_rng(3)
    faces = random.integers(0, 255, (people, *recipe.input_shape[:3]))
    images = (np.repeat(faces, 6, axis=0) + random.integers(0, 20, (36, *recipe.input_shape[:3]))).clip(0, 255)
    labels, subjects = np.repeat(np.arange(people), 6), np.repeat([f"person {one}" for one in range(people)], 6)
    path = tmp_path / "clips.npz"
    recordings = np.arange(36).astype(str)
    save_clips(ClipSet(images.astype(np.uint8), labels, subjects, recordings), recipe, path)
    found = finetune(path, tmp_path / "out", SHIPPED, None, RELEASE)
    assert logits_of(found.network, images.astype(np.uint8)).argmax(axis=1).tolist() == labels.tolist()
    assert found.new.correct.mean() < 0.5


@pytest.mark.parametrize("people", [2, 4])
def test_few_people_are_trained_on_and_not_reported(tmp_path: Path, people: int) -> None:
    """Fewer than five people give a model, and the reason why there is no comparison in place of figures."""
    found = finetune(write_clips(tmp_path / "clips.npz", people), tmp_path / "out", SHIPPED, None, RELEASE)
    assert (tmp_path / "out" / "model" / H5).exists()
    (line,) = found.lines()
    assert line.startswith(f"No comparison is reported: the recordings are of {people} people; at least 5")


def test_one_person_is_refused(tmp_path: Path) -> None:
    """Recordings of one person raise TrainingDataError, and no model is written."""
    with pytest.raises(TrainingDataError, match="one person, person 0"):
        finetune(write_clips(tmp_path / "clips.npz", 1), tmp_path / "out", SHIPPED, None, RELEASE)
    assert not (tmp_path / "out" / "model").exists()


def test_people_who_trained_the_network_are_refused(tmp_path: Path) -> None:
    """A comparison on people who trained the old network would flatter it, so that they raise SubjectLeakError."""
    source = write_clips(tmp_path / "clips.npz", 2)
    finetune(source, tmp_path / "first", SHIPPED, None, RELEASE)
    with pytest.raises(SubjectLeakError, match="person 0, person 1"):
        finetune(source, tmp_path / "second", tmp_path / "first" / "model", None, RELEASE)


def write_labels(path: Path, rater: str, emotion: str, end_s: float) -> Path:
    """Write the label of one rater for the first face."""
    path.write_text(f"face_id,start_s,end_s,emotion,rater\n1,0,{end_s},{emotion},{rater}\n", encoding="utf-8")
    return path


def made_up_labels(folder: Path, emotion: str, end_s: float, random: np.random.Generator) -> list[str]:
    """Write the labels of three raters, each of whom errs in a fifth of all cases; returns the paths."""
    others = sorted(set(JAVANESE_EMOTIONS.values()) - {emotion})
    errs = random.random(3) < 0.2
    seen = [str(random.choice(others)) if wrong else emotion for wrong in errs]
    return [
        str(write_labels(folder / f"{rater}.csv", rater, one, end_s))
        for rater, one in zip(("ann", "bob", "cem"), seen, strict=True)
    ]


def test_labels_of_people_become_a_model(tmp_path: Path) -> None:
    """Videos of six Javanese actors, labels of made-up raters and the commands give a model and a comparison."""
    random, manifest = np.random.default_rng(5), tmp_path / "mine.csv"
    videos = sorted(require_extra_data("javanese").glob("0[1-6]-01-*_01.mp4"))
    assert len(videos) == 36
    results = tmp_path / "results"
    assert duygu(["analyze", *map(str, videos), "--json", f"{results}/", "--quiet"]) == 0
    for video in videos:
        result = results / f"{video.stem}.json"
        end_s = json.loads(result.read_text())["video"]["duration_s"]
        assert duygu(["edit", str(result), "--rename", f"1=actor {video.stem[:2]}", "--quiet"]) == 0
        labels = made_up_labels(tmp_path, JAVANESE_EMOTIONS[video.stem[6:8]], end_s, random)
        assert duygu(["agree", str(result), *labels, "--manifest", str(manifest), "--video", str(video)]) == 0
    with manifest.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert 30 <= len(rows) <= 36  # without those on which no two raters agree
    found = finetune(manifest, tmp_path / "out", SHIPPED, None, RELEASE)
    assert f"On {len(rows)} recordings of 6 people" in "\n".join(found.lines())
    assert set(found.new.subjects) == {f"actor 0{number}" for number in range(1, 7)}
    assert open_model_folder(tmp_path / "out" / "model").manifest.name == "mine"
