"""Labelled stills, 48 x 48 grey, with labels from several sources: FER+ (Barsoum et al. 2016) and muxspace.

Arrays of the file (.npz):
ferplus_images         (N, 48, 48) uint8, the photographs of FER2013
ferplus_votes          (N, 10) uint8, votes of ten raters by column
ferplus_vote_columns   (10,) names of the columns: the seven labels, contempt, unknown and NF (no face)
ferplus_usage          (N,) Training, PublicTest or PrivateTest
fer2013_label          (N,) index into EMOTIONS
ferplus_teacher_probs  (N, 3, 7) probabilities by teacher and label, in the order of EMOTIONS
muxspace_images, muxspace_label, muxspace_teacher_probs  the same for muxspace/facial_expressions
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.vision.types import Floats, Image
from duygu.training.run.types import Integers

TRAINING, VALIDATION, TEST = "Training", "PublicTest", "PrivateTest"

LEAST_VOTES = 4
"""Least number of votes for the seven labels, and the number of votes for no face from which a still is excluded."""

DISGUST, FEAR = EMOTIONS.index("disgust"), EMOTIONS.index("fear")
DISGUST_RATE, FEAR_RATE, RARE_RATE = 4.0, 1.6, 2.0
"""Sampling rates of rare labels, relative to 1 for the others: disgust by FER2013's label, fear where another source
supports that label, and all of muxspace, which was collected for rare labels."""

TEACHERS = slice(2, None)
"""Indices of the teachers among the sources."""

SUPPORTED = 0.1
"""Share of the votes, or mean probability of the teachers, above which a label of FER2013 counts as supported."""


@dataclass(frozen=True, slots=True)
class TrainingStills:
    """Images, targets and sampling rates for training the trunk."""

    images: Image  # (N, 48, 48)
    targets: Floats  # (N, sources, labels) probabilities: votes, FER2013's label, three teachers
    shares: npt.NDArray[np.float64]  # (N,) sampling probabilities; they sum to 1

    def digest(self) -> str:
        """SHA-256 of all arrays, in hexadecimal."""
        digest = hashlib.sha256()
        for array in (self.images, self.targets, self.shares):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class StrictStills:
    """Stills for which more than half of all votes name one label: the strict protocol of FER+."""

    images: Image
    truth: Integers  # (N,)
    votes: Floats  # (N, labels) shares


class Stills:
    """The file of stills; each array is read once, when it is first used."""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        self._arrays: Mapping[str, Any] = np.load(path)
        columns = [str(name) for name in self._arrays["ferplus_vote_columns"]]
        self._order = [columns.index(label) for label in EMOTIONS]
        self._no_face = columns.index("NF")

    @cached_property
    def _votes(self) -> Floats:
        return np.asarray(self._arrays["ferplus_votes"], np.float32)

    @cached_property
    def _images(self) -> Image:
        return np.asarray(self._arrays["ferplus_images"], np.uint8)

    def training(self) -> TrainingStills:
        """FER+'s training part and all of muxspace."""
        votes = self._votes[:, self._order]
        seen = (votes.sum(axis=1) >= LEAST_VOTES) & (self._votes[:, self._no_face] < LEAST_VOTES)
        chosen = np.flatnonzero(self._used_for(TRAINING) & seen)
        targets = np.concatenate([self._targets(chosen), self._muxspace_targets()])
        images = np.concatenate([self._images[chosen], self._arrays["muxspace_images"]])
        rates = draw_rates(targets)
        rates[len(chosen) :] = np.maximum(rates[len(chosen) :], RARE_RATE)
        return TrainingStills(images, targets, rates / rates.sum())

    def strict(self, usage: str, labels: tuple[str, ...] = EMOTIONS) -> StrictStills:
        """Stills of one part whose majority label, by more than half of all votes, is among `labels`.

        usage  TRAINING, VALIDATION or TEST
        """
        votes, order = self._votes, [self._order[EMOTIONS.index(label)] for label in labels]
        agreed = votes.max(axis=1) > votes.sum(axis=1) / 2
        chosen = np.flatnonzero(self._used_for(usage) & agreed & np.isin(votes.argmax(axis=1), order))
        among = votes[chosen][:, order]
        shares = among / among.sum(axis=1, keepdims=True)
        return StrictStills(self._images[chosen], among.argmax(axis=1).astype(np.int64), shares)

    def _used_for(self, usage: str) -> npt.NDArray[np.bool_]:
        return np.asarray(self._arrays["ferplus_usage"].astype(str) == usage)

    def _targets(self, chosen: npt.NDArray[np.intp]) -> Floats:
        """(n, sources, labels) targets of stills of FER+."""
        votes = self._votes[chosen][:, self._order]
        shares = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
        labels = one_hot(self._arrays["fer2013_label"][chosen])
        teachers = np.asarray(self._arrays["ferplus_teacher_probs"], np.float32)[chosen]
        return np.concatenate([shares[:, np.newaxis], labels[:, np.newaxis], teachers], axis=1)

    def _muxspace_targets(self) -> Floats:
        """The same for muxspace, whose single label is used for both the votes and FER2013's label."""
        labels = one_hot(self._arrays["muxspace_label"])[:, np.newaxis]
        teachers = np.asarray(self._arrays["muxspace_teacher_probs"], np.float32)
        return np.concatenate([labels, labels, teachers], axis=1)


def one_hot(labels: npt.NDArray[Any]) -> Floats:
    """(N,) indices -> (N, labels) one-hot rows."""
    return np.asarray(np.eye(len(EMOTIONS), dtype=np.float32)[labels.astype(int)], np.float32)


def draw_rates(targets: Floats) -> npt.NDArray[np.float64]:
    """Sampling rates, not normalised: (N, sources, labels) -> (N,)."""
    votes, labels, teachers = targets[:, 0], targets[:, 1].argmax(axis=1), targets[:, TEACHERS].mean(axis=1)
    supported = np.maximum(votes, teachers)[:, FEAR] > SUPPORTED
    rates = np.ones(len(targets))
    rates[labels == DISGUST] = DISGUST_RATE
    rates[(labels == FEAR) & supported] = FEAR_RATE
    return rates


def as_clips(images: Image, frames: int) -> Image:
    """Repeat each still: (N, size, size) -> (N, frames, size, size)."""
    return np.repeat(images[:, np.newaxis], frames, axis=1)
