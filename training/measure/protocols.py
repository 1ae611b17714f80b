"""How a network is tested: on strict stills, on people who speak, by leaving each out in turn, and the wrong way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import ClipSet, Names
from duygu.training.data.splits import Split, cross_fits, leave_one_out, make_split
from duygu.training.data.stills import TEST, Stills, as_clips
from duygu.training.data.synthetic_motion import moving_clips
from duygu.training.measure.metrics import Answers, Integers, probabilities_of
from duygu.training.measure.metrics import Floats as Probabilities
from duygu.training.measure.temperature import fit_temperature
from duygu.training.network.architectures import copy_weights, head_network
from duygu.training.network.inference import features_of, logits_of
from duygu.training.network.keras_file import Network
from duygu.training.settings import TrainingRecipe
from duygu.training.train import clips_settings, train_flat, train_head

LEAKY_FOLDS = 5
SEED = 1


@dataclass(frozen=True, slots=True)
class Judged:
    """What a network said of whole recordings, before any temperature."""

    logits: Floats  # (recordings, labels): means over the windows
    truth: Integers
    subjects: Names


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the networks of all folds begin with."""

    recipe: TrainingRecipe
    start: Network | None
    clips: ClipSet
    features: Floats | None
    """What the trunk of `start` says of all clips, if there is one."""

    def judge(self, split: Split, folder: Path) -> tuple[Judged, Judged]:
        """Train on one part of the clips: what the network says of those who chose it, and of those who test."""
        logits = self._logits(split, folder)
        chosen, tested = (by_recording(logits[part], self.clips.take(part)) for part in (split.validation, split.test))
        return chosen, tested

    def without(self, left_out: Integers) -> "Lessons":
        """The same, but for some clips."""
        kept = np.delete(np.arange(len(self.clips)), left_out)
        features = None if self.features is None else self.features[kept]
        return replace(self, clips=self.clips.take(kept), features=features)

    def _logits(self, split: Split, folder: Path) -> Floats:
        """(N, labels) of all clips."""
        keras.utils.set_random_seed(SEED)
        if self.start is None or self.features is None:
            return logits_of(train_flat(self.clips, split, self.recipe, folder), self.clips.images)
        head = head_network(self.start.recipe)
        copy_weights(self.start.model, head)
        train_head(head, self.features, self.clips.labels, split, clips_settings(self.recipe), folder)
        return np.asarray(head(self.features, training=False), np.float32)


def strict_stills(network: Network, stills: Stills) -> Answers:
    """FER+ PrivateTest where more than half of the raters agree, each still shown as a clip."""
    test, recipe = stills.strict(TEST, network.recipe.labels), network.recipe
    logits = logits_of(network, as_clips(test.images, recipe.frames))
    nobody = np.arange(len(logits)).astype(str)  # each still is of somebody else
    return Answers(recipe.labels, probabilities_of(logits, recipe.temperature), test.truth, nobody)


def moving_stills(network: Network, stills: Stills) -> Answers:
    """The same stills as if filmed by an unsteady hand, which gets the answer that faces in videos get."""
    test, recipe = stills.strict(TEST, network.recipe.labels), network.recipe
    logits = logits_of(network, moving_clips(test.images, recipe.frames))
    nobody = np.arange(len(logits)).astype(str)
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


def as_served(network: Network, clips: ClipSet) -> Answers:
    """Recordings by what serving says of a whole face: over all labels, with the temperature in the model file."""
    judged = by_recording(logits_of(network, clips.images), clips)
    probabilities = probabilities_of(judged.logits, network.recipe.track_temperature)
    return Answers(network.recipe.labels, probabilities, judged.truth, judged.subjects)


def without_neutral(answers: Answers) -> Answers:
    """The same over the other labels, of recordings that show one of these, as `DUYGU_NEUTRAL=off` tells it."""
    neutral = answers.labels.index("neutral")
    shown = answers.truth != neutral
    labels = tuple(label for label in answers.labels if label != "neutral")
    among = np.delete(answers.probabilities[shown], neutral, axis=1)
    truth = answers.truth[shown]
    return Answers(labels, among / among.sum(axis=1, keepdims=True), truth - (truth > neutral), answers.subjects[shown])


def together(parts: list[Judged]) -> Judged:
    """What several networks said of different recordings."""
    fields = zip(*((part.logits, part.truth, part.subjects) for part in parts), strict=True)
    return Judged(*(np.concatenate(arrays) for arrays in fields))


def calibrated(labels: tuple[str, ...], found: list[tuple[Judged, Judged]]) -> Answers:
    """Answers about the first of each pair, with a temperature that is fitted on the second."""
    probabilities = [
        probabilities_of(tested.logits, fit_temperature(chosen.logits, chosen.truth)) for tested, chosen in found
    ]
    return occurring(labels, np.concatenate(probabilities), together([tested for tested, _ in found]))


def occurring(labels: tuple[str, ...], probabilities: Probabilities, judged: Judged) -> Answers:
    """Answers over the labels that the recordings have."""
    kept = np.unique(judged.truth)
    among = probabilities[:, kept] / probabilities[:, kept].sum(axis=1, keepdims=True)
    return Answers(tuple(labels[label] for label in kept), among, np.searchsorted(kept, judged.truth), judged.subjects)


def leave_each_out(recipe: TrainingRecipe, start: Network | None, clips: ClipSet, run: Path) -> Answers:
    """Each person is judged by a network that was trained on others, with a temperature that was fitted on all others.

    Each of these is told by a network that knew neither them nor the person who tests, so that no figure about a person
    comes from anything that saw them.
    """
    everybody = Lessons(recipe, start, clips, features_of(start, clips.images) if start else None)
    found = []
    for number, split in enumerate(leave_one_out(clips.subjects)):
        folder = run / f"fold{number}"
        _, tested = everybody.judge(split, folder)
        others = everybody.without(split.test)
        strangers = [
            others.judge(inner, folder / f"others{index}")[1]
            for index, inner in enumerate(cross_fits(others.clips.subjects))
        ]
        found.append((tested, together(strangers)))
    return calibrated(recipe.clip.labels, found)


def leaky(recipe: TrainingRecipe, start: Network | None, clips: ClipSet, run: Path) -> Answers:
    """The mistake, for the record: every clip counts as a person of its own, so that overlapping ones are parted."""
    strangers = replace(clips, subjects=np.arange(len(clips)).astype(str), recordings=np.arange(len(clips)).astype(str))
    everything = Lessons(recipe, start, strangers, features_of(start, clips.images) if start else None)
    judged = [everything.judge(split, run / f"fold{number}") for number, split in enumerate(_random_folds(strangers))]
    return calibrated(recipe.clip.labels, [(tested, chosen) for chosen, tested in judged])


def _random_folds(clips: ClipSet) -> Iterator[Split]:
    parts = np.array_split(np.random.default_rng(SEED).permutation(clips.subjects), LEAKY_FOLDS)
    for index, part in enumerate(parts):
        yield make_split(clips.subjects, validation=parts[(index + 1) % LEAKY_FOLDS], test=part)
