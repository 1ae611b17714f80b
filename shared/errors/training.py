"""Data for training."""

from duygu.shared.errors.base import DuyguError


class TrainingDataError(DuyguError):
    """The training data violates the documented format."""

    code = "bad_training_data"
    title = "The training data is invalid"


class SubjectLeakError(TrainingDataError):
    """One subject would be in both parts of a split, which invalidates every measurement."""

    code = "subject_leak"
    title = "A subject is in both parts of the split"
