"""The option `labels`: which of a model's labels are reported."""

from collections.abc import Sequence


def chosen_labels(chosen: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The choice without repetitions. Raises ValueError, with a text for the caller, for a label that is not known."""
    unknown = [label for label in dict.fromkeys(chosen) if label not in known]
    if unknown or not chosen:
        what = f"{', '.join(unknown)} cannot be reported" if unknown else "at least one is needed"
        raise ValueError(f"labels: {what}; the labels are {', '.join(known)}")
    return tuple(dict.fromkeys(chosen))
