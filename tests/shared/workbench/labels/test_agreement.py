"""Agreement of raters with each other and with the model."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.labels.agreement import Agreement, agreement
from duygu.shared.workbench.labels.label import Label
from duygu.training.measure import metrics
from tests.support.results.known import face, two_faces, window
from tests.support.results.labelled import labelled


def textbook_kappa(one: Sequence[str], other: Sequence[str]) -> float:
    """Return Cohen's kappa from shares, as in the paper of 1960."""
    first, second = (
        np.array([[emotion == label for label in EMOTIONS] for emotion in emotions]) for emotions in (one, other)
    )
    same = np.mean([a == b for a, b in zip(one, other, strict=True)])
    chance = float(first.mean(axis=0) @ second.mean(axis=0))
    return float((same - chance) / (1 - chance))


def textbook_alpha(units: Sequence[Sequence[str]]) -> float:
    """Return Krippendorff's alpha for nominal data from observed and expected disagreement over all pairs of values."""
    paired = [unit for unit in units if len(unit) > 1]
    values = [value for unit in paired for value in unit]
    observed = sum(
        sum(a != b for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j) / (len(unit) - 1)
        for unit in paired
    ) / len(values)
    pairs = len(values) * (len(values) - 1)
    expected = sum(a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j) / pairs
    return 1 - observed / expected


def emotions_of(result: Result) -> list[str]:
    """Return the emotions of all windows in the order of time."""
    windows = sorted((one for face in result.faces for one in face.windows), key=lambda one: one.start_s)
    return [one.emotion for one in windows]


def test_a_fifth_flipped_equals_independent_formulas() -> None:
    """Kappa and alpha of 30 stretches of a known result with a fifth flipped equal the textbook formulas to 1e-9."""
    result, labels = labelled(30)
    model, rated = emotions_of(result), [label.emotion for label in labels]
    [pair] = agreement(result, {"ann": labels}).pairs
    assert (pair.windows, pair.stretches) == (30, 30)
    assert pair.observed == pytest.approx(0.8)
    assert pair.kappa.value == pytest.approx(textbook_kappa(rated, model), abs=1e-9)
    assert pair.alpha.value == pytest.approx(textbook_alpha(list(zip(rated, model, strict=True))), abs=1e-9)
    assert sum(map(sum, pair.confusion)) == 30
    assert sum(pair.confusion[place][place] for place in range(7)) == 24


def test_figures_of_other_implementations() -> None:
    """Kappa is what cohen_kappa_score of scikit-learn 1.9.1 gives, and alpha what krippendorff 0.9.0 gives, to 1e-9."""
    result, labels = labelled(30)
    [pair] = agreement(result, {"ann": labels}).pairs
    assert pair.kappa.value == pytest.approx(0.7417503586800573, abs=1e-9)
    assert pair.alpha.value == pytest.approx(0.7447728911319395, abs=1e-9)
    three = agreement(result, three_raters())
    assert three.alpha.value == pytest.approx(0.7274766355140188, abs=1e-9)
    assert three.pairs[0].kappa.value == pytest.approx(0.674074074074074, abs=1e-9)


def three_raters() -> dict[str, list[Label]]:
    """Return labels of three raters for the same stretches, some of which one of them cannot tell."""
    raters = {name: labelled(30, flipped=flipped)[1] for name, flipped in (("ann", 0.2), ("bob", 0.4), ("cay", 0.1))}
    unclear = [
        one.model_copy(update={"emotion": "cannot_tell"}) if place % 4 == 0 else one
        for place, one in enumerate(raters["bob"])
    ]
    return {**raters, "bob": unclear}


def test_alpha_of_three_raters_with_missing_values() -> None:
    """`cannot_tell` is a missing value, and alpha of all raters equals the textbook formula."""
    result, _ = labelled(30)
    raters = three_raters()
    values = [
        [one.emotion for one in unit if one.emotion != "cannot_tell"] for unit in zip(*raters.values(), strict=True)
    ]
    found = agreement(result, raters)
    assert found.alpha.value == pytest.approx(textbook_alpha(values), abs=1e-9)
    assert [(pair.one, pair.other) for pair in found.pairs] == [
        *[("ann", "bob"), ("ann", "cay"), ("bob", "cay")],
        *[("ann", None), ("bob", None), ("cay", None)],
    ]
    assert found.pairs[0].windows == 22


def test_perfect_agreement_is_no_certainty() -> None:
    """Labels equal to the model give kappa, alpha and recalls of 1, down to the exact lower bound of a share.

    Resampling would give an interval of no width.
    """
    result, labels = labelled(200, flipped=0)
    found = agreement(result, {"ann": labels})
    [pair] = found.pairs
    for estimate in (pair.kappa, pair.alpha, found.model.accuracy):
        assert (estimate.value, estimate.high) == (1, 1)
    assert found.model.accuracy.low == pytest.approx(0.025 ** (1 / 200))
    assert pair.kappa.low
    assert found.model.accuracy.low
    assert 0.97 < pair.kappa.low < found.model.accuracy.low
    assert {one.value for one in found.model.recall.values() if one.value is not None} == {1}
    for one in found.model.recall.values():
        assert one.value is None or one.low == pytest.approx(0.025 ** (1 / one.stretches))


def test_no_agreement_at_all() -> None:
    """Where the model is always wrong, the upper bound of the accuracy is that of a share without a success."""
    result, labels = labelled(60, flipped=1)
    accuracy = agreement(result, {"ann": labels}).model.accuracy
    assert (accuracy.value, accuracy.low) == (0, 0)
    assert accuracy.high == pytest.approx(1 - 0.025 ** (1 / 60))


def test_too_few_labels_have_reasons() -> None:
    """With nine stretches every coefficient is null and says why; nothing is claimed."""
    result, labels = labelled(9)
    found = agreement(result, {"ann": labels})
    [pair] = found.pairs
    estimates = [
        pair.kappa,
        pair.alpha,
        found.alpha,
        found.model.accuracy,
        found.model.ece,
        *found.model.recall.values(),
    ]
    assert not found.enough
    assert all(one.value is None and one.low is None and one.reason for one in estimates)
    assert found.model.threshold.uncertain_below is None
    assert pair.kappa.reason
    assert pair.kappa.reason.detail == "9 labelled stretches; at least 10 are needed"


def test_no_labels() -> None:
    """Without labels everything is null, and nothing fails."""
    result, _ = labelled(9)
    found = agreement(result, {})
    assert (found.labels, found.windows, found.pairs, found.alpha.value) == (0, 0, [], None)
    assert found.model.threshold.now.share_kept == pytest.approx(
        np.mean([not one.uncertain for face in result.faces for one in face.windows])
    )


def test_one_emotion_only_has_no_kappa() -> None:
    """When every label is the same emotion, kappa and alpha are undefined, and the reason says so."""
    windows = [window(float(place), "neutral", 0.8) for place in range(20)]
    result = two_faces().model_copy(update={"faces": [face(1, windows)]})
    labels = [Label(face_id=1, start_s=place, end_s=place + 0.9, emotion="neutral") for place in range(20)]
    [pair] = agreement(result, {"ann": labels}).pairs
    assert pair.observed == 1
    assert pair.kappa.value is None
    assert pair.kappa.reason
    assert pair.kappa.reason.code == pair.alpha.reason.code == "no_variation"  # type: ignore[union-attr]


def test_intervals_over_stretches_and_people() -> None:
    """Intervals over people need five of them, and are wider than those over stretches when people differ."""
    result, labels = labelled(120, people=6, flipped=0)
    wrong = [one.model_copy(update={"emotion": "fear"}) if one.face_id <= 2 else one for one in labels]
    found = agreement(result, {"ann": wrong})
    accuracy = found.model.accuracy
    assert found.intervals.over == "people"
    assert accuracy.over_stretches
    assert accuracy.over_people
    assert (accuracy.low, accuracy.high) == (accuracy.over_people.low, accuracy.over_people.high)
    assert (
        accuracy.over_people.high - accuracy.over_people.low
        > accuracy.over_stretches.high - accuracy.over_stretches.low
    )
    few, labels = labelled(120, people=4)
    found = agreement(few, {"ann": labels})
    assert (found.intervals.over, found.model.accuracy.over_people) == ("stretches", None)


def test_intervals_cover_the_true_accuracy() -> None:
    """Of 95 % intervals over stretches of 60 random videos, about 95 % contain the accuracy they are drawn from."""
    covered = 0
    for seed in range(60):
        random = Random(seed)  # noqa: S311
        flipped = sum(random.random() < 0.2 for _ in range(80)) / 80
        result, labels = labelled(80, flipped=flipped, seed=seed)
        accuracy = agreement(result, {"ann": labels}).model.accuracy
        assert accuracy.low is not None
        assert accuracy.high is not None
        covered += accuracy.low <= 0.8 <= accuracy.high
    assert covered >= 52


def test_long_stretches_are_one_observation_each() -> None:
    """Ten windows of one stretch add windows, not stretches: the interval is as wide as with one window of each."""
    windows, labels = [], []
    for stretch in range(40):
        emotion = "anger" if stretch % 2 else "fear"
        windows += [window(stretch * 10.0 + place, emotion, 0.8) for place in range(10)]
        rated = "joy" if stretch % 5 == 0 else emotion
        labels.append(
            Label.model_validate(
                {
                    "face_id": 1,
                    "start_s": stretch * 10,
                    "end_s": stretch * 10 + 10,
                    "emotion": "sadness" if rated == "joy" else rated,
                }
            )
        )
    result = two_faces().model_copy(update={"faces": [face(1, windows)]})
    one_each = [label.model_copy(update={"end_s": label.start_s + 0.9}) for label in labels]
    long, short = (agreement(result, {"ann": chosen}).model for chosen in (labels, one_each))
    assert (long.windows, long.stretches, short.windows) == (400, 40, 40)
    assert long.accuracy == short.accuracy


def with_confidences(right: dict[float, bool]) -> Agreement:
    """Return the agreement on windows with these confidences, of which the model is right about some."""
    windows = [window(float(place), "anger", confidence) for place, confidence in enumerate(right)]
    result = two_faces().model_copy(update={"faces": [face(1, windows)]})
    labels = [
        Label(face_id=1, start_s=place, end_s=place + 0.9, emotion="anger" if correct else "fear")
        for place, correct in enumerate(right.values())
    ]
    return agreement(result, {"ann": labels})


def test_the_threshold_keeps_the_promise() -> None:
    """Of 50 windows, the model is right about all above 0.6 and about half of those below: the threshold says where."""
    right = {round(0.5 + place / 100, 2): place >= 10 or place % 2 == 0 for place in range(50)}
    threshold = with_confidences(right).model.threshold
    assert threshold.uncertain_below is not None
    assert threshold.kept
    above = [correct for confidence, correct in right.items() if confidence >= threshold.uncertain_below]
    below = [correct for confidence, correct in right.items() if confidence >= threshold.uncertain_below - 0.0101]
    assert sum(above) / len(above) >= 0.9
    assert len(below) == 50 or sum(below) / len(below) < 0.9
    assert threshold.kept.share_kept == len(above) / 50
    assert threshold.kept.accuracy.value == pytest.approx(sum(above) / len(above))


def test_a_promise_that_no_threshold_keeps() -> None:
    """When confident predictions are as wrong as others, there is no threshold, and the reason says so."""
    right = {round(0.5 + place / 100, 2): place % 2 == 0 for place in range(50)}
    threshold = with_confidences(right).model.threshold
    assert (threshold.uncertain_below, threshold.kept) == (None, None)
    assert threshold.reason
    assert threshold.reason.code == "target_not_reached"


def test_the_calibration_error_equals_that_of_training() -> None:
    """The expected calibration error is the one that training reports for the same predictions."""
    result, labels = labelled(60, people=1)
    windows = result.faces[0].windows
    predictions = metrics.Predictions(
        EMOTIONS,
        np.array([[one.probabilities[label] for label in EMOTIONS] for one in windows]),
        np.array([EMOTIONS.index(label.emotion) for label in labels]),
        np.array(["ann"] * 60),
    )
    found = agreement(result, {"ann": labels}).model
    certain = [place for place, one in enumerate(windows) if one.confidence > 1 / 7]
    assert len(certain) == 60
    assert found.ece.value == pytest.approx(metrics.expected_calibration_error(predictions), abs=1e-9)
    assert found.accuracy.value == pytest.approx(metrics.accuracy(predictions), abs=1e-9)
    for label, value in metrics.recalls(predictions).items():
        assert found.recall[label].value in (None, pytest.approx(value, abs=1e-9))


def test_without_neutral_in_the_model() -> None:
    """Labels that the model cannot give are left out and counted; selected labels count the others as `other`."""
    result, labels = labelled(60, flipped=0)
    without = [label for label in EMOTIONS if label != "anger"]
    six = result.model_copy(update={"model": result.model.model_copy(update={"labels": without})})
    angry = sum(label.emotion == "anger" for label in labels)
    assert agreement(six, {"ann": labels}).model.not_comparable == angry
    selected = result.model_copy(update={"model": result.model.model_copy(update={"labels": ["anger", "other"]})})
    found = agreement(selected, {"ann": labels}).model
    assert (found.not_comparable, found.accuracy.value) == (0, 1)
    assert found.threshold.reason
    assert found.threshold.reason.code == "selected_labels"


def test_ties_between_raters_are_undecided() -> None:
    """Where two raters differ, the model is not measured."""
    result, labels = labelled(30, flipped=0)
    other = [one.model_copy(update={"emotion": "surprise"}) if place < 5 else one for place, one in enumerate(labels)]
    found = agreement(result, {"ann": labels, "bob": other}).model
    assert (found.undecided, found.windows) == (5, 25)


def test_excluded_faces_are_left_out() -> None:
    """Labels of an excluded face count as labels, but not as units."""
    result, labels = labelled(30, people=2)
    faces = [result.faces[0].model_copy(update={"excluded": True}), result.faces[1]]
    found = agreement(result.model_copy(update={"faces": faces}), {"ann": labels})
    assert (found.labels, found.windows, found.people) == (30, 15, 1)
