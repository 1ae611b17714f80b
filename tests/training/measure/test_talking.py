"""Figures of talking and of silent windows, and their section of the model card."""

from pathlib import Path

import numpy as np
import pytest

from duygu.shared.errors import TrainingDataError
from duygu.training.measure.card import write_talking_section
from duygu.training.measure.talking import LabelledWindow, figures_of

LABELS = ("anger", "happiness", "neutral")


def labelled(
    emotion: str, predicted: str, *, talking: bool, confidence: float = 0.8, uncertain: bool = False
) -> LabelledWindow:
    """Return a window of one person."""
    rest = (1 - confidence) / 2
    shares = np.array([confidence if label == predicted else rest for label in LABELS])
    return LabelledWindow("ann", emotion, shares, talking, uncertain)


def test_both_parts_have_figures_of_their_own() -> None:
    """Accuracy, recalls, calibration error and the certain windows are computed for each part."""
    windows = [
        labelled("anger", "happiness", talking=True),
        labelled("anger", "anger", talking=True),
        labelled("happiness", "happiness", talking=True, uncertain=True),
        labelled("neutral", "neutral", talking=False),
    ]
    head, _, talking, silent = figures_of(windows, LABELS).splitlines()
    assert head.startswith("|  | people | windows | accuracy")
    assert talking == "| talking | 1 | 3 | 67% | 75% | 0.13 | 67% | 50% | 50% | 100% | – |"
    assert silent == "| silent | 1 | 1 | 100% | 100% | 0.20 | 100% | 100% | – | – | 100% |"


def test_one_part_alone_has_one_row() -> None:
    """Recordings without speech have no row for it, and none at all is an error."""
    table = figures_of([labelled("neutral", "neutral", talking=False)], LABELS)
    assert [line.split(" | ")[0] for line in table.splitlines()][2:] == ["| silent"]
    with pytest.raises(TrainingDataError, match="no window"):
        figures_of([], LABELS)


def test_the_section_stands_before_the_others_and_is_replaced(tmp_path: Path) -> None:
    """The section precedes those on the baseline and on quantisation, whose text stays, and is written once."""
    card = tmp_path / "MODEL_CARD.md"
    rest = "## Relative to a baseline\nOne.\n\n## Int8 quantisation\nTwo.\n"
    card.write_text(f"# Model\n\nText.\n\n{rest}")
    write_talking_section(card, "| a |", "talks")
    write_talking_section(card, "| b |", "talks")
    text = card.read_text()
    assert text.startswith("# Model\n\nText.\n\n## Talking and silent\n")
    assert "of the recordings `talks` of people" in text
    assert text.endswith(f"| b |\n\n{rest}")
    assert "| a |" not in text
    bare = tmp_path / "bare.md"
    bare.write_text("# Model\n")
    write_talking_section(bare, "| c |", "talks")
    assert bare.read_text().endswith("| c |\n")
