"""The linear layer for predictions relative to a person's baseline, learned on pairs of a window and a baseline.

Two kinds of baseline are learned together: the mean over all recordings of a person, and one neutral recording.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Floats
from duygu.training.network.talking_head import fit_linear
from duygu.training.run.types import Integers, Names, Probabilities

PENALTY = 5.0
"""Weight of half the squared norm of the change from the prior. Smaller ones gain on recordings like those in training
and lose on others (docs/adr/0027)."""

PRIOR_SHARE = 0.2
"""The kernel before the training, as a share of that of the calibrated output for moving faces. Labels that no
recording has keep it."""

MEAN, NEUTRAL = "mean", "neutral"
"""Kinds of baseline: all recordings of a person, and one neutral recording, which is not classified itself."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Features of N windows with their labels, people and recordings."""

    features: Floats  # (N, 2 F)
    labels: Integers  # (N,)
    people: Names  # (N,)
    recordings: Names  # (N,)

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Windows":
        """The windows that a mask selects."""
        return Windows(self.features[chosen], self.labels[chosen], self.people[chosen], self.recordings[chosen])


@dataclass(frozen=True, slots=True)
class Pairs:
    """Windows less a baseline of the same person."""

    differences: Floats  # (P, 2 F)
    labels: Integers  # (P,)
    people: Names  # (P,)
    tracks: Names  # (P,) recording and baseline
    kinds: Names  # (P,) MEAN or NEUTRAL

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Pairs":
        """The pairs that a mask selects."""
        differences, labels, people = self.differences[chosen], self.labels[chosen], self.people[chosen]
        return Pairs(differences, labels, people, self.tracks[chosen], self.kinds[chosen])

    @property
    def weights(self) -> Probabilities:
        """(P,) weights that sum to 1: of both kinds the same, and within a kind of every recording the same."""
        recordings = np.char.add(np.char.partition(self.tracks, "\n")[:, 0], self.kinds)
        _, place, counts = np.unique(recordings, return_inverse=True, return_counts=True)
        return np.asarray(1 / counts[place] / len(counts), np.float64)


def pairs_of(windows: Windows, neutral: int) -> Pairs:
    """All windows of each person less each of the person's baselines.

    neutral  index of the label of neutral recordings
    """
    parts = [part for person in np.unique(windows.people) for part in _of_person(windows, str(person), neutral)]
    fields = zip(*((p.differences, p.labels, p.people, p.tracks, p.kinds) for p in parts), strict=True)
    return Pairs(*(np.concatenate(arrays) for arrays in fields))


def _of_person(windows: Windows, person: str, neutral: int) -> Iterator[Pairs]:
    own = windows.take(windows.people == person)
    names, place = np.unique(own.recordings, return_inverse=True)
    means = np.stack([own.features[place == number].mean(axis=0) for number in range(len(names))])
    yield _less(own, means.mean(axis=0), MEAN, MEAN)
    for number, name in enumerate(names):
        if own.labels[place == number][0] == neutral and len(names) > 1:
            yield _less(own.take(place != number), means[number], NEUTRAL, str(name))


def _less(windows: Windows, baseline: Floats, kind: str, name: str) -> Pairs:
    tracks = np.array([f"{recording}\n{name}" for recording in windows.recordings.tolist()])
    kinds = np.full(len(windows.labels), kind)
    return Pairs(windows.features - baseline, windows.labels, windows.people, tracks, kinds)


def fit_relative(pairs: Pairs, prior: Floats, deviations: Floats) -> tuple[Floats, Floats]:
    """Kernel (2 F, labels) and bias (labels,) for differences as they are.

    prior       (2 F, labels) kernel from which the penalty measures the change; labels without pairs keep it
    deviations  (2 F,) in whose units the penalty is
    """
    known = np.unique(pairs.labels)
    targets = np.asarray(pairs.labels[:, np.newaxis] == known, np.float32)
    scaled = prior * deviations[:, np.newaxis]
    start = scaled[:, known], np.zeros(len(known), np.float32)
    kernel, bias = scaled.copy(), np.zeros(prior.shape[1], np.float32)
    fitted, shift = fit_linear(pairs.differences / deviations, targets, pairs.weights, PENALTY, start)
    kernel[:, known], bias[known] = fitted, shift - shift.mean()
    return np.asarray(kernel / deviations[:, np.newaxis], np.float32), bias


def out_of_fold(pairs: Pairs, prior: Floats, deviations: Floats) -> Floats:
    """(P, labels) logits, of each person by a layer that was learned on the others."""
    logits = np.zeros((len(pairs.labels), prior.shape[1]), np.float32)
    for person in np.unique(pairs.people):
        own = pairs.people == person
        kernel, bias = fit_relative(pairs.take(~own), prior, deviations)
        logits[own] = pairs.differences[own] @ kernel + bias
    return logits
