"""Agreement in words."""

from collections.abc import Iterator

from duygu.shared.workbench.labels.agreement import Agreement
from duygu.shared.workbench.labels.comparison import MIN_PEOPLE, Estimate
from duygu.shared.workbench.labels.reliability import ENOUGH_STRETCHES, Kept


def sentences(found: Agreement) -> Iterator[str]:
    """What the figures say, and what they do not support."""
    if not found.windows:
        yield "No window of a visible face has a label."
        return
    if not found.enough:
        yield (
            f"Labels of {found.stretches} stretches are too few for any claim; {ENOUGH_STRETCHES} are the minimum, and "
            "about 400 give an accuracy to within 5 points."
        )
    if found.people < MIN_PEOPLE:
        yield (
            f"The labels are of {_people(found.people)}: the intervals describe further stretches of the same people, "
            "not other people."
        )
    for pair in found.pairs:
        if pair.kappa.reason:
            yield f"No kappa of {pair.one} and {pair.other or 'the model'}: {pair.kappa.reason.detail}."
    yield from _of_model(found)


def _of_model(found: Agreement) -> Iterator[str]:
    model = found.model
    if model.accuracy.value is not None:
        accuracy = in_words(model.accuracy, percent=True)
        yield f"The model gives the label of most raters in {accuracy} of {model.windows} windows."
    if model.undecided:
        yield f"{model.undecided} windows without a majority are left out."
    if model.not_comparable:
        yield f"{model.not_comparable} windows with a label that the model does not have are left out."
    threshold = model.threshold
    if threshold.kept and threshold.uncertain_below is not None:
        yield (
            f"With DUYGU_UNCERTAIN_BELOW={threshold.uncertain_below:g}, {_kept(threshold.kept)}; "
            f"{threshold.target_accuracy:.0%} were requested. "
            f"`duygu edit --uncertain-below {threshold.uncertain_below:g}` applies it to this result."
        )
    elif threshold.reason:
        yield f"No threshold of `uncertain` is suggested: {threshold.reason.detail}."
    if threshold.now.accuracy.value is not None:
        yield f"With the present threshold, {_kept(threshold.now)}."


def _kept(kept: Kept) -> str:
    share = f"{kept.share_kept:.0%}" if kept.share_kept is not None else "none"
    accuracy = in_words(kept.accuracy, percent=True)
    return f"{share} of all windows are certain, and {accuracy} of the labelled ones are right"


def in_words(estimate: Estimate, *, percent: bool = False) -> str:
    """A figure with its interval; a dash for one that is null."""
    if estimate.value is None:
        return "–"
    form = ".0%" if percent else ".2f"
    if estimate.low is None or estimate.high is None:
        return format(estimate.value, form)
    return f"{estimate.value:{form}} ({estimate.low:{form}} to {estimate.high:{form}})"


def _people(count: int) -> str:
    return f"{count} {'person' if count == 1 else 'people'}"
