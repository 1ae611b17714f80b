"""The option `labels`: which of a model's labels are reported."""

from collections.abc import Sequence


def chosen_labels(chosen: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the chosen labels without repetitions. Raises ValueError, with a text for the user, for unknown ones."""
    unknown = [label for label in dict.fromkeys(chosen) if label not in known]
    if unknown or not chosen:
        problem = f"unknown label {', '.join(unknown)}" if unknown else "the list is empty"
        raise ValueError(f"labels: {problem}; known: {', '.join(known)}")
    return tuple(dict.fromkeys(chosen))
