"""Accuracy figures in the pages equal those of the default model."""

import re
from pathlib import Path

import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.model.folder import Manifest
from duygu.shared.paths import ROOT
from duygu.shared.schemas.model import MeasuredOn

MODEL = ROOT / "models" / "emotion"
MANIFEST = Manifest.model_validate_json((MODEL / "manifest.json").read_text(encoding="utf-8"))

ZERO_SHOT_NAMES = ("javanese_zero_shot", "javanese_untrained")
"""The name of the protocol, and the one in models exported before it was renamed."""

STILL, MOVING = MANIFEST.measured["ferplus_strict"], MANIFEST.measured["ferplus_strict_moving"]
ZERO_SHOT = next(figures for name, figures in MANIFEST.measured.items() if name in ZERO_SHOT_NAMES)
LEFT_OUT = MANIFEST.measured["javanese_leave_one_actor_out"]


def points(measured: MeasuredOn) -> str:
    """The calibration error in hundredths, a half rounded up."""
    return f"{measured.ece * 100 + 1e-9:.1f}"


def row(measured: MeasuredOn) -> str:
    """Accuracy, mean recall and calibration error as cells of a table."""
    return f"{measured.accuracy:.1%} | {measured.uar:.1%} | {measured.ece:.3f}"


SENTENCES = {
    "README.md": [
        f"| photographs (strict FER+ test, seven emotions) | {row(STILL)} |",
        f"| the same photographs with synthetic camera shake | {row(MOVING)} |",
        f"zero-shot, as shipped | {row(ZERO_SHOT)} |",
        f"trained on nine actors, tested on the tenth | {row(LEFT_OUT)} |",
    ],
    "docs/quickstart.md": [
        f"the model is right in {STILL.accuracy * 100:.0f} of 100, with camera shake in {MOVING.accuracy * 100:.0f}; "
        f"on people who talk, in {ZERO_SHOT.accuracy * 100:.0f}.",
    ],
    "docs/reading-the-result.md": [
        f"below the model's threshold, {MANIFEST.recipe['uncertain_below']:g} for the one that ships;",
        f"outside the training data (FER+) | {STILL.accuracy:.0%} | {points(STILL)} points |",
        f"synthetic camera shake | {MOVING.accuracy:.0%} | {points(MOVING)} points |",
        f"zero-shot | {ZERO_SHOT.accuracy:.0%} over six emotions | {points(ZERO_SHOT)} points |",
    ],
    "docs/training.md": [f"models/emotion --version {MANIFEST.version}"],
}
"""Text of each page, with the figures of the model's manifest."""

QUANTISED = re.compile(r"quantised model is ([\d.]+%), its UAR ([\d.]+%) and its ECE ([\d.]+)")


def words(path: Path) -> str:
    """The text of a page without its line breaks, percent signs written as in English."""
    return " ".join(path.read_text(encoding="utf-8").split()).replace(" %", "%")


@pytest.mark.parametrize(
    ("page", "sentence"), [(page, sentence) for page, sentences in SENTENCES.items() for sentence in sentences]
)
def test_pages_give_the_figures_of_the_manifest(page: str, sentence: str) -> None:
    """To the digit. A replaced model changes these figures on every page."""
    assert sentence in words(ROOT / page)


SPEED = re.compile(r"takes about (\d+) s on two CPU cores\. .* take about (\d+) times as long")

MEASURED = re.compile(r"\| 720p30, 1 face \| [\d.]+ s \| ([\d.]+) s \| [\d.]+ \| [\d.]+ s \| (\d+) × \|")


def test_the_speed_is_the_measured_one() -> None:
    """README.md has the time of one face in 720p as docs/measured.md, to half a second, and the ratio to 3."""
    stated, measured = SPEED.search(words(ROOT / "README.md")), MEASURED.search(words(ROOT / "docs" / "measured.md"))
    assert stated
    assert measured
    assert float(stated[1]) == pytest.approx(float(measured[1]), abs=0.55)
    assert float(stated[2]) == pytest.approx(float(measured[2]), abs=3)


def test_the_quantised_model_has_the_figures_of_the_card() -> None:
    """README repeats what quantisation measured and wrote into the model card."""
    found = QUANTISED.search(words(MODEL / "MODEL_CARD.md"))
    assert found
    assert f"by the int8-quantised model | {' | '.join(found.groups())} |" in words(ROOT / "README.md")


def test_it_is_the_model_that_answers() -> None:
    """The default model is the one whose figures the pages state."""
    assert Settings().model == MODEL
