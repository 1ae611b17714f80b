"""How a network is tested: on strict stills, on people who speak, by leaving each out in turn, and the wrong way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from shared.vision.types import Floats
from training.calibration import fit_temperature
from training.clipset import ClipSet, Names
from training.inference import features_of, logits_of
from training.metrics import Answers, Integers, probabilities_of
from training.metrics import Floats as Probabilities
from training.model_file import Network
from training.networks import copy_weights, head_network
from training.settings import TrainingRecipe
from training.splits import Split, leave_one_out, make_split
from training.stills import TEST, Stills, as_clips
from training.train import clips_settings, train_flat, train_head

LEAKY_FOLDS = 5
SEED = 1


@dataclass(frozen=True, slots=True)
class Judged:
    """What a network said of whole recordings, before any temperature."""

    logits: Floats  # (recordings, labels): means over the windows
    truth: Integers
    subjects: Names


def strict_stills(network: Network, stills: Stills) -> Answers:
    """FER+ PrivateTest where more than half of the raters agree, each still shown as a clip."""
    test, recipe = stills.strict(TEST), network.recipe
    logits = logits_of(network, as_clips(test.images, recipe.frames))
    nobody = np.arange(len(logits)).astype(str)  # each still is of somebody else
    return Answers(recipe.labels, probabilities_of(logits, recipe.temperature), test.truth, nobody)


def by_recording(logits: Floats, clips: ClipSet) -> Judged:
    """The mean over the windows of each recording, which is what a face is told with."""
    _, first, place = np.unique(clips.recordings, return_index=True, return_inverse=True)
    means = np.stack([logits[place == number].mean(axis=0) for number in range(len(first))])
    return Judged(means, clips.labels[first], clips.subjects[first])


def untrained(network: Network, clips: ClipSet) -> Answers:
    """Recordings of people whom the network never saw; each person's temperature is fitted on the others."""
    judged = by_recording(logits_of(network, clips.images), clips)
    probabilities = np.zeros(judged.logits.shape)
    for person in np.unique(judged.subjects):
        own = judged.subjects == person
        temperature = fit_temperature(judged.logits[~own], judged.truth[~own])
        probabilities[own] = probabilities_of(judged.logits[own], temperature)
    return occurring(network.recipe.labels, probabilities, judged)


def occurring(labels: tuple[str, ...], probabilities: Probabilities, judged: Judged) -> Answers:
    """Answers over the labels that the recordings have."""
    kept = np.unique(judged.truth)
    among = probabilities[:, kept] / probabilities[:, kept].sum(axis=1, keepdims=True)
    return Answers(tuple(labels[label] for label in kept), among, np.searchsorted(kept, judged.truth), judged.subjects)


def leave_each_out(recipe: TrainingRecipe, start: Network | None, clips: ClipSet, run: Path) -> Answers:
    """Each person is judged by a network that was trained on others and calibrated on two others again."""
    return _folds(recipe, start, clips, leave_one_out(clips.subjects), run)


def leaky(recipe: TrainingRecipe, start: Network | None, clips: ClipSet, run: Path) -> Answers:
    """The mistake, for the record: every clip counts as a person of its own, so that overlapping ones are parted."""
    strangers = replace(clips, subjects=np.arange(len(clips)).astype(str), recordings=np.arange(len(clips)).astype(str))
    return _folds(recipe, start, strangers, _random_folds(strangers), run)


def _random_folds(clips: ClipSet) -> Iterator[Split]:
    parts = np.array_split(np.random.default_rng(SEED).permutation(clips.subjects), LEAKY_FOLDS)
    for index, part in enumerate(parts):
        yield make_split(clips.subjects, validation=parts[(index + 1) % LEAKY_FOLDS], test=part)


def _folds(
    recipe: TrainingRecipe, start: Network | None, clips: ClipSet, splits: Iterator[Split], run: Path
) -> Answers:
    """Train and judge once for each split, and put the answers together."""
    features = features_of(start, clips.images) if start else None
    found: list[tuple[Probabilities, Judged]] = []
    for number, split in enumerate(splits):
        keras.utils.set_random_seed(SEED)
        folder = run / f"fold{number}"
        if start is None or features is None:
            logits = logits_of(train_flat(clips, split, recipe, folder), clips.images)
        else:
            logits = _head_logits(recipe, start, features, clips, split, folder)
        found.append(_calibrated(logits, clips, split))
    judged = Judged(
        *(np.concatenate(parts) for parts in zip(*((j.logits, j.truth, j.subjects) for _, j in found), strict=True))
    )
    return occurring(recipe.clip.labels, np.concatenate([probabilities for probabilities, _ in found]), judged)


def _head_logits(
    recipe: TrainingRecipe, start: Network, features: Floats, clips: ClipSet, split: Split, folder: Path
) -> Floats:
    """(N, labels) of a head that was trained on one part of the clips."""
    head = head_network(start.recipe)
    copy_weights(start.model, head)
    train_head(head, features, clips.labels, split, clips_settings(recipe), folder)
    return np.asarray(head(features, training=False), np.float32)


def _calibrated(logits: Floats, clips: ClipSet, split: Split) -> tuple[Probabilities, Judged]:
    chosen, tested = (by_recording(logits[part], clips.take(part)) for part in (split.validation, split.test))
    temperature = fit_temperature(chosen.logits, chosen.truth)
    return probabilities_of(tested.logits, temperature), tested
