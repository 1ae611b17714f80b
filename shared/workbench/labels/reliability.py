"""The model measured on labels: accuracy, recall by emotion, calibration, and the threshold of `uncertain`."""

from collections.abc import Sequence

from pydantic import Field

from duygu.shared.schemas.base import Probability, Schema
from duygu.shared.schemas.emotions import OTHER
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.edits.editing import visible
from duygu.shared.workbench.labels.bootstrap import Counts
from duygu.shared.workbench.labels.coefficients import BINS, bin_of, calibration_error, observed_agreement, recall
from duygu.shared.workbench.labels.comparison import MIN_STRETCHES, Estimate, Reason, Sample, place_of, rows, too_few
from duygu.shared.workbench.labels.units import Stretch, Unit

ENOUGH_STRETCHES = 30
"""Fewest labelled stretches for calibration and the threshold: a share of 30 has an interval of up to ± 18 points."""

MIN_OF_EMOTION = 5
"""Fewest stretches of an emotion for its recall."""


class Recall(Estimate):
    """The share of an emotion's windows in which the model reports it."""

    windows: int = Field(description="windows with this label")
    stretches: int


class Kept(Schema):
    """The windows whose confidence is at least a threshold."""

    share_kept: Probability | None = Field(description="share of all windows of the visible faces")
    accuracy: Estimate = Field(description="share of correct predictions among the labelled ones of them")


class Threshold(Schema):
    """The threshold of `uncertain` that reaches a target accuracy on these labels."""

    target_accuracy: Probability = Field(
        description="share of correct predictions among the windows that are not uncertain"
    )
    uncertain_below: Probability | None = Field(
        description="lowest confidence above which the target accuracy is reached"
    )
    kept: Kept | None = Field(description="with this threshold")
    now: Kept = Field(description="with the present threshold")
    reason: Reason | None = None


class ModelReliability(Schema):
    """The model against the emotion that most raters see. Windows without a majority are left out."""

    windows: int
    stretches: int
    people: int
    undecided: int = Field(description="labelled windows without a majority, `cannot_tell` included")
    not_comparable: int = Field(
        description="windows whose label the model does not have, as neutral with DUYGU_NEUTRAL=off"
    )
    accuracy: Estimate
    recall: dict[str, Recall]
    ece: Estimate = Field(description="expected calibration error with 15 bins")
    threshold: Threshold


def measure(result: Result, units: Sequence[Unit], target_accuracy: float, resamples: int) -> ModelReliability:
    """Measure the model on labelled windows of its result. `target_accuracy`: share of correct predictions to keep."""
    labels = result.model.labels
    decided = [unit for unit in units if unit.consensus is not None]
    comparable = [unit for unit in decided if place_of(unit.consensus, labels) is not None]
    counted = _sample(comparable, labels)
    found = counted.estimates(lambda totals: _statistics(totals, labels), resamples)
    stretches = len(counted.stretches)
    calibrated = stretches >= ENOUGH_STRETCHES
    return ModelReliability(
        windows=len(comparable),
        stretches=stretches,
        people=len(counted.people),
        undecided=len(units) - len(decided),
        not_comparable=len(decided) - len(comparable),
        accuracy=found["accuracy"] if stretches >= MIN_STRETCHES else _missing(stretches, MIN_STRETCHES),
        recall={label: _recall(label, comparable, found[f"recall {label}"], labels) for label in labels},
        ece=found["ece"] if calibrated else _missing(stretches, ENOUGH_STRETCHES),
        threshold=_threshold(result, comparable, target_accuracy, resamples),
    )


def _missing(found: int, needed: int) -> Estimate:
    return Estimate(value=None, reason=too_few(found, needed))


def _sample(units: Sequence[Unit], labels: Sequence[str]) -> Sample:
    """Counts of each unit: the confusion with the consensus, then number, confidence and correct predictions by bin."""
    size = len(labels) ** 2

    def counts(unit: Unit) -> list[tuple[int, float]]:
        truth, chosen = _truth(unit, labels), _chosen(unit, labels)
        place = size + bin_of(unit.window.confidence)
        own = [(place, 1.0), (place + BINS, unit.window.confidence), (place + 2 * BINS, float(truth == chosen))]
        return [(truth * len(labels) + chosen, 1.0), *own]

    return Sample.of(units, size + 3 * BINS, counts)


def _truth(unit: Unit, labels: Sequence[str]) -> int:
    return place_of(unit.consensus, labels) or 0


def _chosen(unit: Unit, labels: Sequence[str]) -> int:
    return place_of(unit.window.emotion, labels) or 0


def _statistics(totals: Counts, labels: Sequence[str]) -> dict[str, float | None]:
    size = len(labels)
    table = rows(totals, size)
    bins = totals[size * size :]
    recalls = {f"recall {label}": recall(table, place) for place, label in enumerate(labels)}
    ece = calibration_error(bins[:BINS], bins[BINS : 2 * BINS], bins[2 * BINS :])
    return {"accuracy": observed_agreement(table), "ece": ece, **recalls}


def _recall(label: str, units: Sequence[Unit], found: Estimate, labels: Sequence[str]) -> Recall:
    own = [unit for unit in units if labels[_truth(unit, labels)] == label]
    stretches, all_stretches = len({unit.stretch for unit in own}), len({unit.stretch for unit in units})
    if all_stretches < MIN_STRETCHES:
        found = _missing(all_stretches, MIN_STRETCHES)
    elif stretches < MIN_OF_EMOTION:
        detail = f"{stretches} stretches are labelled {label}; at least {MIN_OF_EMOTION} are needed"
        reason = Reason(code="too_few_of_emotion", found=stretches, needed=MIN_OF_EMOTION, detail=detail)
        found = Estimate(value=None, reason=reason)
    return Recall(windows=len(own), stretches=stretches, **found.model_dump())


def _threshold(result: Result, units: Sequence[Unit], target_accuracy: float, resamples: int) -> Threshold:
    labels = result.model.labels
    everything = [window for face in visible(result).faces for window in face.windows]
    certain = [unit for unit in units if not unit.window.uncertain]
    now = Kept(
        share_kept=_share(sum(not window.uncertain for window in everything), len(everything)),
        accuracy=_accuracy(certain, labels, resamples),
    )
    reason = _why_not(units, labels)
    lowest = None if reason else lowest_threshold(units, labels, target_accuracy)
    if lowest is None:
        kept = None
        reason = reason or Reason(
            code="target_not_reached",
            detail=f"no threshold that keeps at least {MIN_STRETCHES} stretches is {target_accuracy:.0%} right",
        )
    else:
        kept = Kept(
            share_kept=_share(sum(window.confidence >= lowest for window in everything), len(everything)),
            accuracy=_accuracy([unit for unit in units if unit.window.confidence >= lowest], labels, resamples),
        )
    return Threshold(target_accuracy=target_accuracy, uncertain_below=lowest, kept=kept, now=now, reason=reason)


def _why_not(units: Sequence[Unit], labels: Sequence[str]) -> Reason | None:
    """Why no threshold is computed."""
    if OTHER in labels:
        return Reason(
            code="selected_labels",
            detail="the result reports selected labels; the threshold applies to the confidence over all labels",
        )
    stretches = len({unit.stretch for unit in units})
    return too_few(stretches, ENOUGH_STRETCHES) if stretches < ENOUGH_STRETCHES else None


def lowest_threshold(units: Sequence[Unit], labels: Sequence[str], target_accuracy: float) -> float | None:
    """The lowest confidence such that the target share of the windows with at least that confidence is right.

    This is the risk-coverage trade-off of selective classification (El-Yaniv and Wiener, On the Foundations of
    Noise-free Selective Classification, JMLR 11, 2010). None where no threshold reaches the target and at least
    MIN_STRETCHES stretches.
    """
    found, right, stretches = None, 0, set[Stretch]()
    ordered = sorted(units, key=lambda unit: -unit.window.confidence)
    for count, (unit, following) in enumerate(zip(ordered, [*ordered[1:], None], strict=True), 1):
        right += _truth(unit, labels) == _chosen(unit, labels)
        stretches.add(unit.stretch)
        confidence = unit.window.confidence
        last_of_its_confidence = following is None or following.window.confidence < confidence
        if last_of_its_confidence and len(stretches) >= MIN_STRETCHES and right / count >= target_accuracy:
            found = confidence
    return found


def _accuracy(units: Sequence[Unit], labels: Sequence[str], resamples: int) -> Estimate:
    stretches = len({unit.stretch for unit in units})
    if stretches < MIN_STRETCHES:
        return _missing(stretches, MIN_STRETCHES)
    sample = Sample.of(units, 2, lambda unit: [(0, 1.0), (1, float(_truth(unit, labels) == _chosen(unit, labels)))])
    return sample.estimates(lambda totals: {"accuracy": _share(totals[1], totals[0])}, resamples)["accuracy"]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
