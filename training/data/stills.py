"""Labelled stills, 48 x 48 grey, with the opinions of several sources: FER+ (Barsoum et al. 2016) and muxspace.

The file holds arrays: `ferplus_images`, `ferplus_votes` (ten raters) with `ferplus_vote_columns`, `ferplus_usage`,
`fer2013_label`, `ferplus_teacher_probs` (three public networks), the same of `muxspace_`, and `classes`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from duygu.shared.schemas import EMOTIONS
from duygu.shared.vision.types import Floats, Image
from duygu.training.measure.metrics import Integers

TRAINING, VALIDATION, TEST = "Training", "PublicTest", "PrivateTest"

LEAST_VOTES = 4
"""Raters who must have named one of the seven labels, and who may at most have seen no face but one fewer."""

DISGUST, FEAR = EMOTIONS.index("disgust"), EMOTIONS.index("fear")
DISGUST_RATE, FEAR_RATE, RARE_RATE = 4.0, 1.6, 2.0
"""How often rare labels are drawn, against 1 for others: disgust by FER2013's label, fear where another source sees
some too, and all of muxspace, which was collected for the rare ones."""

TEACHERS = slice(2, None)
"""Where the public networks stand among the sources."""

SUPPORTED = 0.1
"""Share of votes, or of the teachers' probability, that backs a label of FER2013."""


@dataclass(frozen=True, slots=True)
class TrainingStills:
    """What the trunk learns from."""

    images: Image  # (N, 48, 48)
    targets: Floats  # (N, sources, labels): votes, FER2013's label, three teachers
    shares: npt.NDArray[np.float64]  # (N,) how often each is drawn; they sum to 1

    def digest(self) -> str:
        """Differs where anything of them differs."""
        digest = hashlib.sha256()
        for array in (self.images, self.targets, self.shares):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class StrictStills:
    """Stills on which more than half of all raters agree: the strict protocol."""

    images: Image
    truth: Integers  # (N,)
    votes: Floats  # (N, labels) shares


class Stills:
    """The file, read once."""

    def __init__(self, path: Path) -> None:
        """Open it; arrays are read when they are needed."""
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
        targets = np.concatenate([self._opinions(chosen), self._rare_opinions()])
        images = np.concatenate([self._images[chosen], self._arrays["muxspace_images"]])
        rates = draw_rates(targets)
        rates[len(chosen) :] = np.maximum(rates[len(chosen) :], RARE_RATE)
        return TrainingStills(images, targets, rates / rates.sum())

    def strict(self, usage: str, labels: tuple[str, ...] = EMOTIONS) -> StrictStills:
        """Those of one part with a label that more than half of all raters gave, and which is one of these."""
        votes, order = self._votes, [self._order[EMOTIONS.index(label)] for label in labels]
        agreed = votes.max(axis=1) > votes.sum(axis=1) / 2
        chosen = np.flatnonzero(self._used_for(usage) & agreed & np.isin(votes.argmax(axis=1), order))
        among = votes[chosen][:, order]
        shares = among / among.sum(axis=1, keepdims=True)
        return StrictStills(self._images[chosen], among.argmax(axis=1).astype(np.int64), shares)

    def _used_for(self, usage: str) -> npt.NDArray[np.bool_]:
        return np.asarray(self._arrays["ferplus_usage"].astype(str) == usage)

    def _opinions(self, chosen: npt.NDArray[np.intp]) -> Floats:
        """(n, sources, labels) of stills of FER+."""
        votes = self._votes[chosen][:, self._order]
        shares = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
        labels = one_hot(self._arrays["fer2013_label"][chosen])
        teachers = np.asarray(self._arrays["ferplus_teacher_probs"], np.float32)[chosen]
        return np.concatenate([shares[:, np.newaxis], labels[:, np.newaxis], teachers], axis=1)

    def _rare_opinions(self) -> Floats:
        """The same of muxspace, which has one label that counts as both votes and label."""
        labels = one_hot(self._arrays["muxspace_label"])[:, np.newaxis]
        teachers = np.asarray(self._arrays["muxspace_teacher_probs"], np.float32)
        return np.concatenate([labels, labels, teachers], axis=1)


def one_hot(labels: npt.NDArray[Any]) -> Floats:
    """(N,) indices -> (N, labels)."""
    return np.asarray(np.eye(len(EMOTIONS), dtype=np.float32)[labels.astype(int)], np.float32)


def draw_rates(targets: Floats) -> npt.NDArray[np.float64]:
    """How often each still is drawn: (N, sources, labels) -> (N,)."""
    votes, labels, teachers = targets[:, 0], targets[:, 1].argmax(axis=1), targets[:, TEACHERS].mean(axis=1)
    backed = np.maximum(votes, teachers)[:, FEAR] > SUPPORTED
    rates = np.ones(len(targets))
    rates[labels == DISGUST] = DISGUST_RATE
    rates[(labels == FEAR) & backed] = FEAR_RATE
    return rates


def as_clips(images: Image, frames: int) -> Image:
    """(N, size, size) stills -> (N, frames, size, size) clips that stand still."""
    return np.repeat(images[:, np.newaxis], frames, axis=1)
