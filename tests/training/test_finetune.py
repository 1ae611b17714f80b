"""Tests of fine-tuning a model on labelled stretches."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from duygu.services.cli import main as duygu
from duygu.shared.config.settings import Settings
from duygu.shared.errors import SubjectLeakError, TrainingDataError
from duygu.shared.model.folder import H5, open_model_folder
from duygu.training.data.clipset import ClipSet, save_clips
from duygu.training.data.layouts import JAVANESE_EMOTIONS
from duygu.training.data.people import person_digest
from duygu.training.data.stills import as_clips
from duygu.training.export import Release
from duygu.training.finetune import finetune
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


def write_clips(path: Path, people: int, each: int = 6) -> Path:
    """Write clips of noise, whose brightness tells their label, of people with `each` recordings."""
    recipe, random = shipped().recipe, np.random.default_rng(0)
    labels = np.tile(np.arange(each) % 3, people)
    noise = random.integers(0, 120, (len(labels), *recipe.input_shape[:3]))
    noise[:, :, :24] += 60 * labels[:, np.newaxis, np.newaxis, np.newaxis]
    subjects = np.repeat([f"person {number}" for number in range(people)], each)
    recordings = np.array([f"{number}.mp4" for number in range(len(labels))])
    save_clips(ClipSet(noise.astype(np.uint8), labels, subjects, recordings), recipe, path)
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


def test_no_person_is_answered_by_a_network_that_learned_from_her(tmp_path: Path) -> None:
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
