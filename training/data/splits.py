"""Subject-independent splits into training, validation and test parts.

Clips of one recording overlap, and recordings of one person are alike. A split that puts clips of one person on both
sides measures how well the network recognises that person, and overstates its accuracy on others.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from duygu.shared.errors import SubjectLeakError, TrainingDataError
from duygu.training.data.people import person_digest
from duygu.training.run.types import Integers, Names

VALIDATION_SHARE = 0.2
"""Share of the people in the validation part."""

MOST_FOLDS = 24
"""Largest number of folds: with more people than this, groups are left out instead of single people."""


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of clips in three parts without a common person. Raises SubjectLeakError where a person is in two."""

    subjects: Names  # (N,) person of each clip
    train: Integers
    validation: Integers
    test: Integers

    def __post_init__(self) -> None:
        parts = [set(self.subjects[part].tolist()) for part in (self.train, self.validation, self.test)]
        for index, part in enumerate(parts):
            for other in parts[index + 1 :]:
                if both := sorted(part & other):
                    raise SubjectLeakError(f"subjects in two parts of the split: {', '.join(both)}")

    def people(self) -> frozenset[str]:
        """Digests of the names of the people in the training and validation parts."""
        parts = np.concatenate([self.train, self.validation])
        return frozenset(person_digest(str(name)) for name in np.unique(self.subjects[parts]))


def split_by_subject(subjects: Names, seed: int = 0) -> Split:
    """Put a fifth of the people into the validation part, none into the test part.

    Raises TrainingDataError for fewer than two people.
    """
    people = np.random.default_rng(seed).permutation(np.unique(subjects))
    if len(people) < 2:
        raise TrainingDataError(
            f"a subject-independent split needs recordings of at least two people, got {len(people)}"
        )
    kept = max(1, round(len(people) * VALIDATION_SHARE))
    return make_split(subjects, validation=people[:kept], test=people[:0])


def leave_one_out(subjects: Names, validating: int = 2, most: int = MOST_FOLDS) -> Iterator[Split]:
    """Folds for leave-one-subject-out cross-validation: each person is in the test part once.

    validating  people in the validation part of each fold, the next ones in alphabetical order; 0 for none
    most        largest number of folds; with more people, groups are left out

    Raises TrainingDataError when no person would be left for training.
    """
    people = np.unique(subjects)
    if len(people) < validating + 2:
        raise TrainingDataError(
            f"leaving one person out needs recordings of at least {validating + 2} people, got {len(people)}"
        )
    begin = 0
    for group in np.array_split(people, min(len(people), most)):
        _, following = np.split(np.roll(people, -begin), [len(group)])
        validation = following[: max(validating, len(group)) if validating else 0]
        yield make_split(subjects, validation=validation, test=group)
        begin += len(group)


def everyone(subjects: Names) -> Split:
    """All people in the training part, for training that needs no other."""
    return make_split(subjects, validation=subjects[:0], test=subjects[:0])


def cross_fits(subjects: Names, groups: int = 3) -> Iterator[Split]:
    """Folds by groups of people: one group tests, up to two people of the next one validate, all others train."""
    parts = np.array_split(np.unique(subjects), groups)
    for index, part in enumerate(parts):
        yield make_split(subjects, validation=parts[(index + 1) % groups][:2], test=part)


def make_split(subjects: Names, *, validation: Names, test: Names) -> Split:
    """The split with these people in the validation and test parts, and all others in the training part."""
    validates, tests = np.isin(subjects, validation), np.isin(subjects, test)
    return Split(subjects, np.flatnonzero(~validates & ~tests), np.flatnonzero(validates), np.flatnonzero(tests))
