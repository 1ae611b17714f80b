"""Tests of subject-independent splits."""

import numpy as np
import pytest

from duygu.shared.errors import SubjectLeakError, TrainingDataError
from duygu.training.data.splits import MOST_FOLDS, Split, cross_fits, leave_one_out, split_by_subject

SUBJECTS = np.repeat(["ann", "ben", "cem", "dua", "eda"], 3)


def test_a_person_on_both_sides_is_refused() -> None:
    """A split with clips of one person in two parts raises SubjectLeakError with the person's name."""
    with pytest.raises(SubjectLeakError, match="ann"):
        Split(SUBJECTS, np.array([0, 3]), np.array([1]), np.array([6]))


def test_training_keeps_whole_people_for_validation() -> None:
    """Training and validation parts together contain every clip once."""
    split = split_by_subject(SUBJECTS)
    assert sorted([*split.train, *split.validation]) == list(range(len(SUBJECTS)))
    assert len(split.validation) == 3


def test_one_person_cannot_be_split() -> None:
    """Clips of a single person raise TrainingDataError."""
    with pytest.raises(TrainingDataError, match="at least two people"):
        split_by_subject(np.array(["ann", "ann"]))


def test_each_person_tests_once_by_a_network_of_others() -> None:
    """Each person is in the test part once, and the validation part has two other people."""
    splits = list(leave_one_out(SUBJECTS))
    assert sorted(SUBJECTS[index] for split in splits for index in split.test) == sorted(SUBJECTS)
    assert all(len(set(SUBJECTS[split.validation])) == 2 for split in splits)


def test_many_people_are_left_out_in_groups() -> None:
    """With more people than folds, groups are left out, and each person is still in the test part once."""
    people = np.array([f"person {number:02}" for number in range(70)])
    splits = list(leave_one_out(people))
    assert len(splits) == MOST_FOLDS
    assert sorted(people[index] for split in splits for index in split.test) == sorted(people)
    assert all(len(split.validation) >= len(split.test) and len(split.train) > 60 for split in splits)


def test_cross_fitting_tests_each_person_once() -> None:
    """Each person is in the test part of one fold, and every fold has people for training and validation."""
    splits = list(cross_fits(SUBJECTS))
    assert len(splits) == 3
    assert sorted(SUBJECTS[index] for split in splits for index in split.test) == sorted(SUBJECTS)
    assert all(len(split.train) and len(split.validation) for split in splits)
