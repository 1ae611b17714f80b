"""Who learns, who chooses and who tests: whole people, never clips.

Clips of one recording overlap and recordings of one person look alike. A network that saw a person knows the person;
the project this one descends from reached a figure that way that meant nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from duygu.shared.errors import SubjectLeakError, TrainingDataError
from duygu.training.data.clipset import Names
from duygu.training.measure.metrics import Integers
from duygu.training.network.keras_file import digest

VALIDATION_SHARE = 0.2

MOST_FOLDS = 24
"""People who are left out one by one; more of them are left out in so many groups."""


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of clips in three parts without a common person. Raises SubjectLeakError when there is one."""

    subjects: Names  # (N,) whose each clip is
    train: Integers
    validation: Integers
    test: Integers

    def __post_init__(self) -> None:
        parts = [set(self.subjects[part].tolist()) for part in (self.train, self.validation, self.test)]
        for index, part in enumerate(parts):
            for other in parts[index + 1 :]:
                if both := sorted(part & other):
                    raise SubjectLeakError(f"these people are on both sides of the split: {', '.join(both)}")

    def people(self) -> frozenset[str]:
        """Digests of the names of those who train or choose."""
        parts = np.concatenate([self.train, self.validation])
        return frozenset(digest(str(name)) for name in np.unique(self.subjects[parts]))


def split_by_subject(subjects: Names, seed: int = 0) -> Split:
    """Keep some people for validation, none for testing. Raises TrainingDataError when there is only one person."""
    people = np.random.default_rng(seed).permutation(np.unique(subjects))
    if len(people) < 2:
        raise TrainingDataError("a split by subject needs recordings of two people at least")
    kept = max(1, round(len(people) * VALIDATION_SHARE))
    return make_split(subjects, validation=people[:kept], test=people[:0])


def leave_one_out(subjects: Names, choosing: int = 2, most: int = MOST_FOLDS) -> Iterator[Split]:
    """Each person tests once, and the following ones choose; the others train. Many people test in groups.

    Raises TrainingDataError when nobody would be left to train.
    """
    people = np.unique(subjects)
    if len(people) < choosing + 2:
        raise TrainingDataError(f"leaving one person out needs recordings of {choosing + 2} people at least")
    begin = 0
    for group in np.array_split(people, min(len(people), most)):
        _, following = np.split(np.roll(people, -begin), [len(group)])
        yield make_split(subjects, validation=following[: max(choosing, len(group))], test=group)
        begin += len(group)


def cross_fits(subjects: Names, groups: int = 3) -> Iterator[Split]:
    """Each person tests once, with their group; up to two of the next group choose, and the others train."""
    parts = np.array_split(np.unique(subjects), groups)
    for index, part in enumerate(parts):
        yield make_split(subjects, validation=parts[(index + 1) % groups][:2], test=part)


def make_split(subjects: Names, *, validation: Names, test: Names) -> Split:
    """These people validate, those test, all others train."""
    chooses, tests = np.isin(subjects, validation), np.isin(subjects, test)
    return Split(subjects, np.flatnonzero(~chooses & ~tests), np.flatnonzero(chooses), np.flatnonzero(tests))
