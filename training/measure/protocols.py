"""Evaluation protocols: labelled stills, zero-shot, leave-one-subject-out, and a subject-leaking split for comparison.

The names of the protocols on clips follow the name of the file of clips, as in javanese_leave_one_actor_out.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from duygu.shared.errors import ConfigurationError
from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import ClipSet
from duygu.training.data.splits import Split, cross_fits, leave_one_out, make_split
from duygu.training.data.stills import TEST, Stills, as_clips
from duygu.training.data.synthetic_motion import moving_clips
from duygu.training.measure.metrics import Predictions, probabilities_of
from duygu.training.measure.temperature import fit_temperature
from duygu.training.network.architectures import copy_weights, head_network
from duygu.training.network.fit import train_flat, train_head
from duygu.training.network.inference import features_of, logits_of
from duygu.training.network.keras_file import Network
from duygu.training.network.sum_of_heads import Windows
from duygu.training.run.folder import RunFolder
from duygu.training.run.settings import TrainingRecipe
from duygu.training.run.types import Integers, Names, Probabilities

STILLS, MOVING_STILLS = "ferplus_strict", "ferplus_strict_moving"
ZERO_SHOT, LEAVE_ONE_OUT, SUBJECT_LEAKING = "zero_shot", "leave_one_actor_out", "subject_leaking"

EARLIER_NAMES = {"untrained": ZERO_SHOT, "leaky": SUBJECT_LEAKING}
"""Ends of names that version 0.1 wrote into measured.json, with the present ones."""

LEAKING_FOLDS = 5
SEED = 1


def rename_earlier_sections(report: Mapping[str, Any]) -> dict[str, Any]:
    """Results by protocol, with present names in place of those that version 0.1 wrote."""
    renamed = {_current_name(key): values for key, values in report.items()}
    if earlier := sorted(set(report) - set(renamed)):
        warnings.warn(
            f"earlier names of protocols in measured.json: {', '.join(earlier)}; evaluate again, the next version will "
            "not recognise them",
            DeprecationWarning,
            stacklevel=2,
        )
    return renamed


def _current_name(key: str) -> str:
    stem, _, end = key.rpartition("_")
    return f"{stem}_{EARLIER_NAMES[end]}" if stem and end in EARLIER_NAMES else key


@dataclass(frozen=True, slots=True)
class RecordingLogits:
    """Logits of whole recordings, before temperature scaling."""

    logits: Floats  # (recordings, labels): means over the windows
    truth: Integers  # (recordings,)
    subjects: Names  # (recordings,)


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What all folds share: the recipe, the clips, and the network that training starts from."""

    recipe: TrainingRecipe
    start: Network | None
    clips: ClipSet
    features: Floats | None
    """(N, frames, 1, 1, features) outputs of the trunk of `start`, if there is one."""

    def predict(self, split: Split, run: RunFolder) -> tuple[RecordingLogits, RecordingLogits]:
        """Train on the training part; the predictions for the validation and the test part."""
        logits = self._logits(split, run)
        validation, test = (
            by_recording(logits[part], self.clips.take(part)) for part in (split.validation, split.test)
        )
        return validation, test

    def without(self, left_out: Integers) -> "CrossValidation":
        """The same without some clips, by their indices."""
        kept = np.delete(np.arange(len(self.clips)), left_out)
        features = None if self.features is None else self.features[kept]
        return replace(self, clips=self.clips.take(kept), features=features)

    def out_of_fold(self, run: RunFolder) -> Floats:
        """(N, labels) logits of all clips, each by a network that was trained without its person."""
        settings = self.recipe.require_clips()
        logits = np.zeros((len(self.clips), len(self.recipe.clip.labels)), np.float32)
        for number, split in enumerate(leave_one_out(self.clips.subjects, 2 if settings.validates else 0)):
            logits[split.test] = self._logits(split, run.fold(f"fold{number}"))[split.test]
        return logits

    def start_logits(self) -> Floats:
        """(N, labels) logits of all clips by the network that training starts from."""
        start, features = self._require_start()
        return np.asarray(_head_of(start)(features, training=False), np.float32)

    def _require_start(self) -> tuple[Network, Floats]:
        if self.start is None or self.features is None:
            raise ConfigurationError("there is no network to start from")
        return self.start, self.features

    def _logits(self, split: Split, run: RunFolder) -> Floats:
        """(N, labels) of all clips."""
        if self.start is None or self.features is None:
            keras.utils.set_random_seed(SEED)
            return logits_of(train_flat(self.clips, split, self.recipe, run), self.clips.images)
        head = self._trained_head(self.start, self.features, split, run)
        return np.asarray(head(self.features, training=False), np.float32)

    def train(self, split: Split, run: RunFolder) -> Network:
        """Train the head of the start network, which changes, on the training part."""
        start, features = self._require_start()
        copy_weights(self._trained_head(start, features, split, run), start.model)
        return start

    def _trained_head(self, start: Network, features: Floats, split: Split, run: RunFolder) -> keras.Model:
        keras.utils.set_random_seed(SEED)
        head = _head_of(start)
        train_head(head, features, self.clips.labels, split, self.recipe.require_clips(), run)
        return head


def _head_of(network: Network) -> keras.Model:
    """The layers of a network after its trunk, with its weights."""
    head = head_network(network.recipe)
    copy_weights(network.model, head)
    return head


def strict_stills(network: Network, stills: Stills) -> Predictions:
    """FER+ PrivateTest, stills for which more than half of all votes name one label, each repeated for one clip."""
    test, recipe = stills.strict(TEST, network.recipe.labels), network.recipe
    logits = logits_of(network, as_clips(test.images, recipe.frames))
    return Predictions(recipe.labels, probabilities_of(logits, recipe.temperature), test.truth, dummy_ids(len(logits)))


def moving_stills(network: Network, stills: Stills) -> Predictions:
    """The same stills with synthetic camera shake, for which the network gives the output for moving faces."""
    test, recipe = stills.strict(TEST, network.recipe.labels), network.recipe
    logits = logits_of(network, moving_clips(test.images, recipe.frames))
    return Predictions(recipe.labels, probabilities_of(logits, recipe.temperature), test.truth, dummy_ids(len(logits)))


def dummy_ids(count: int) -> Names:
    """(count,) ids of people for stills, which are treated as independent samples."""
    return np.arange(count).astype(str)


def by_recording(logits: Floats, clips: ClipSet | Windows) -> RecordingLogits:
    """The mean logits over the windows of each recording, from which serving computes the emotion of a face track."""
    _, first, place = np.unique(clips.recordings, return_index=True, return_inverse=True)
    means = np.stack([logits[place == number].mean(axis=0) for number in range(len(first))])
    return RecordingLogits(means, clips.labels[first], clips.subjects[first])


def zero_shot(network: Network, clips: ClipSet) -> Predictions:
    """Recordings of people unknown to the network; the temperature for each person is fitted on the others."""
    predicted = by_recording(logits_of(network, clips.images), clips)
    return restricted_to_occurring(network.recipe.labels, calibrated_by_others(predicted), predicted)


def calibrated_by_others(predicted: RecordingLogits) -> Probabilities:
    """(recordings, labels) probabilities; the temperature for each person is fitted on the others."""
    probabilities = np.zeros(predicted.logits.shape)
    for person in np.unique(predicted.subjects):
        own = predicted.subjects == person
        temperature = fit_temperature(predicted.logits[~own], predicted.truth[~own])
        probabilities[own] = probabilities_of(predicted.logits[own], temperature)
    return probabilities


def as_served(network: Network, clips: ClipSet) -> Predictions:
    """Recordings as serving classifies a face track: all labels, with the temperature of the model file."""
    predicted = by_recording(logits_of(network, clips.images), clips)
    probabilities = probabilities_of(predicted.logits, network.recipe.track_temperature)
    return Predictions(network.recipe.labels, probabilities, predicted.truth, predicted.subjects)


def without_neutral(predictions: Predictions) -> Predictions:
    """Recordings that are not neutral, over the remaining labels, as with `DUYGU_NEUTRAL=off`."""
    neutral = predictions.labels.index("neutral")
    kept = predictions.truth != neutral
    labels = tuple(label for label in predictions.labels if label != "neutral")
    among = np.delete(predictions.probabilities[kept], neutral, axis=1)
    truth = predictions.truth[kept]
    return Predictions(
        labels, among / among.sum(axis=1, keepdims=True), truth - (truth > neutral), predictions.subjects[kept]
    )


def concatenated(parts: list[RecordingLogits]) -> RecordingLogits:
    """Predictions for different recordings in one."""
    fields = zip(*((part.logits, part.truth, part.subjects) for part in parts), strict=True)
    return RecordingLogits(*(np.concatenate(arrays) for arrays in fields))


def calibrated(labels: tuple[str, ...], folds: list[tuple[RecordingLogits, RecordingLogits]]) -> Predictions:
    """Predictions for the first of each pair, with a temperature that is fitted on the second."""
    probabilities = [
        probabilities_of(test.logits, fit_temperature(others.logits, others.truth)) for test, others in folds
    ]
    return restricted_to_occurring(labels, np.concatenate(probabilities), concatenated([test for test, _ in folds]))


def restricted_to_occurring(
    labels: tuple[str, ...], probabilities: Probabilities, predicted: RecordingLogits
) -> Predictions:
    """Predictions over the labels that occur in the recordings, with renormalised probabilities."""
    kept = np.unique(predicted.truth)
    among = probabilities[:, kept] / probabilities[:, kept].sum(axis=1, keepdims=True)
    truth = np.searchsorted(kept, predicted.truth)
    return Predictions(tuple(labels[label] for label in kept), among, truth, predicted.subjects)


def leave_each_out(recipe: TrainingRecipe, start: Network | None, clips: ClipSet, run: RunFolder) -> Predictions:
    """Leave-one-subject-out: each person is classified by a network trained on the others.

    The temperature of a fold is fitted on out-of-fold predictions for all other people, by networks that were trained
    neither on these nor on the person in the test part.
    """
    whole = CrossValidation(recipe, start, clips, features_of(start, clips.images) if start else None)
    folds = []
    for number, split in enumerate(leave_one_out(clips.subjects)):
        name = f"fold{number}"
        _, test = whole.predict(split, run.fold(name))
        others = whole.without(split.test)
        out_of_fold = [
            others.predict(inner, run.fold(name, f"others{index}"))[1]
            for index, inner in enumerate(cross_fits(others.clips.subjects))
        ]
        folds.append((test, concatenated(out_of_fold)))
    return calibrated(recipe.clip.labels, folds)


def subject_leaking(recipe: TrainingRecipe, start: Network | None, clips: ClipSet, run: RunFolder) -> Predictions:
    """A random split of the clips, which puts overlapping clips of one person on both sides, for comparison only."""
    ids = dummy_ids(len(clips))
    unrelated = replace(clips, subjects=ids, recordings=ids)
    whole = CrossValidation(recipe, start, unrelated, features_of(start, clips.images) if start else None)
    folds = [whole.predict(split, run.fold(f"fold{number}")) for number, split in enumerate(_random_folds(unrelated))]
    return calibrated(recipe.clip.labels, [(test, validation) for validation, test in folds])


def _random_folds(clips: ClipSet) -> Iterator[Split]:
    parts = np.array_split(np.random.default_rng(SEED).permutation(clips.subjects), LEAKING_FOLDS)
    for index, part in enumerate(parts):
        yield make_split(clips.subjects, validation=parts[(index + 1) % LEAKING_FOLDS], test=part)
