"""Tests of selecting stills and their targets."""

from pathlib import Path

import numpy as np
import pytest

from duygu.training.data.stills import TEST, TRAINING, Stills, as_clips

COLUMNS = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
LABELS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]

VOTES = {
    "all see happiness": [0, 10, 0, 0, 0, 0, 0, 0, 0, 0],
    "six of ten see anger": [2, 0, 0, 0, 6, 1, 1, 0, 0, 0],
    "half see sadness": [5, 0, 0, 5, 0, 0, 0, 0, 0, 0],
    "contempt": [1, 0, 0, 0, 0, 0, 0, 9, 0, 0],
    "no face": [2, 1, 1, 0, 0, 0, 0, 0, 0, 6],
}


@pytest.fixture
def stills(tmp_path: Path) -> Stills:
    """Each kind of vote in the training and the test part, and one image of muxspace."""
    votes = np.array([*VOTES.values()] * 2, np.uint8)
    count = len(votes)
    np.savez(
        tmp_path / "stills.npz",
        ferplus_images=np.arange(count, dtype=np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8),
        ferplus_votes=votes,
        ferplus_vote_columns=np.array(COLUMNS),
        ferplus_usage=np.array([TRAINING] * len(VOTES) + [TEST] * len(VOTES)),
        fer2013_label=np.full(count, LABELS.index("disgust"), np.int8),
        ferplus_teacher_probs=np.full((count, 3, 7), 1 / 7, np.float16),
        muxspace_images=np.full((1, 48, 48), 99, np.uint8),
        muxspace_label=np.array([LABELS.index("fear")]),
        muxspace_teacher_probs=np.full((1, 3, 7), 1 / 7, np.float16),
    )
    return Stills(tmp_path / "stills.npz")


def test_the_strict_test_keeps_what_more_than_half_agree_on(stills: Stills) -> None:
    """The strict test excludes stills without a majority, and those whose majority is not one of the seven labels."""
    strict = stills.strict(TEST)
    assert [LABELS[label] for label in strict.truth] == ["happiness", "anger"]
    assert strict.images[:, 0, 0].tolist() == [5, 6]


def test_a_recipe_with_fewer_labels_is_tested_on_these(stills: Stills) -> None:
    """With fewer labels, indices follow the given order, and stills of other labels are excluded."""
    strict = stills.strict(TEST, ("fear", "anger"))
    assert strict.truth.tolist() == [1]
    assert strict.images[:, 0, 0].tolist() == [6]
    assert strict.votes.tolist() == [pytest.approx([1 / 7, 6 / 7])]


def test_training_leaves_out_what_has_no_face_or_no_opinion(stills: Stills) -> None:
    """Training excludes stills without a face or a vote for the seven labels, and the test part."""
    training = stills.training()
    assert training.images[:, 0, 0].tolist() == [0, 1, 2, 99]
    assert training.shares.sum() == pytest.approx(1)


def test_targets_hold_every_source(stills: Stills) -> None:
    """Targets have votes, FER2013's label and three teachers; muxspace's label is used for the first two."""
    targets = stills.training().targets
    assert targets.shape == (4, 5, 7)
    assert targets[1, 0].tolist() == pytest.approx([0.6, 0.1, 0.1, 0, 0, 0, 0.2])
    assert targets[0, 1].argmax() == LABELS.index("disgust")
    assert targets[3, 0].argmax() == targets[3, 1].argmax() == LABELS.index("fear")


def test_a_still_clip_stands_still() -> None:
    """as_clips repeats a still for every frame."""
    pictures = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    clips = as_clips(pictures, 10)
    assert clips.shape == (2, 10, 2, 2)
    assert (clips == pictures[:, np.newaxis]).all()
