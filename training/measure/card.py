"""The model card (Mitchell et al. 2019): what a network is for, what it was made of, and what it is bad at."""

from pathlib import Path
from string import Template
from typing import Any

from duygu.training.measure.temperature import ALWAYS_UNCERTAIN
from duygu.training.network.keras_file import Network
from duygu.training.network.motion_gate import MOVING

TEMPLATE = Path(__file__).parent / "card.md"

PROTOCOLS = {
    "ferplus_strict": "FER+ PrivateTest, stills on which more than half of the raters agree",
    "ferplus_strict_moving": "the same stills, moved as if filmed by an unsteady hand: the answer that videos get",
    "_untrained": "recordings, judged by the network before it learned from any recording",
    "_leave_one_actor_out": "recordings, each person judged by a network that learned from others by the same recipe",
    "_leaky": "for the record, clips split at random, with the same people on both sides",
}
"""What stands for each, by the end of its name."""

TWO_ANSWERS = """A face that moves gets another answer than a still: a temporal convolution over the changes between
frames leads from the mix of heads that is best on stills to another one, which carries over better to people who talk.
**Figures on stills that stand still (ferplus_strict) do not speak of videos**; those on moving stills
(ferplus_strict_moving) do, as far as a still can.
"""


UNCERTAIN = (
    "A window whose confidence is below {threshold:.2f} is marked `uncertain`: "
    "on the same data, one in ten or fewer of the answers at or\n"
    "above the threshold were wrong. On other recordings the share can be higher."
)
NO_THRESHOLD = (
    "On the same data no confidence kept the wrong answers at one in ten: all windows are marked `uncertain`."
)


INTEGERS = "## In eight-bit integers\n"
"""Heading of the card's last section, which `duygu.training.quantise` writes."""


def write_card(path: Path, name: str, network: Network, report: dict[str, Any], data: str) -> None:
    """Fill the template with what was measured."""
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        name=name,
        labels=" or ".join([", ".join(network.recipe.labels[:-1]), network.recipe.labels[-1]]),
        parameters=f"{network.model.count_params():,}",
        frames=network.recipe.frames,
        size=network.recipe.size,
        temperature=f"{network.recipe.temperature:.3f}",
        track_temperature=f"{network.recipe.track_temperature:.3f}",
        uncertain=uncertain_words(network.recipe.uncertain_below),
        figures=figures_table(report),
        recalls=recall_table(report),
        answers=TWO_ANSWERS if any(layer.name == MOVING for layer in network.model.layers) else "",
        data=data,
    )
    path.write_text(text, encoding="utf-8")


def integers_section(card: Path) -> str:
    """What a card says of the network in integers, with its heading; empty where it says nothing, or is not there."""
    if not card.exists():
        return ""
    _, heading, text = card.read_text(encoding="utf-8").partition(INTEGERS)
    return heading + text


def write_integers_section(card: Path, section: str) -> None:
    """Put a section, with its heading, in place of the one that the card has."""
    text = card.read_text(encoding="utf-8").partition(INTEGERS)[0].rstrip()
    card.write_text(f"{text}\n\n{section}", encoding="utf-8")


def uncertain_words(threshold: float) -> str:
    """What the threshold promises."""
    if threshold >= ALWAYS_UNCERTAIN:
        return NO_THRESHOLD
    return UNCERTAIN.format(threshold=threshold)


def figures_table(report: dict[str, Any]) -> str:
    """One row for each protocol, as Markdown."""
    if not report:
        return "Nothing has been measured yet: run `python -m training.evaluate`."
    rows = ["| protocol | answers | accuracy (95 % interval) | UAR | ECE |", "|---|---|---|---|---|"]
    for key, values in report.items():
        figures = values["figures"]
        low, high = values["interval"]
        rows.append(
            f"| {key}: {_meaning(key)} | {values['count']} | {figures['accuracy']:.1%} ({low:.1%}–{high:.1%}) "
            f"| {figures['uar']:.1%} | {figures['ece']:.3f} |"
        )
    return "\n".join(rows)


def _meaning(key: str) -> str:
    return next((text for end, text in PROTOCOLS.items() if key.endswith(end)), "")


def recall_table(report: dict[str, Any]) -> str:
    """Recall of each label under each protocol, as Markdown."""
    if not report:
        return ""
    labels = list(next(iter(report.values()))["recalls"])
    rows = ["| protocol | " + " | ".join(labels) + " |", "|---" * (len(labels) + 1) + "|"]
    for key, values in report.items():
        shares = (values["recalls"].get(label) for label in labels)
        rows.append(f"| {key} | " + " | ".join("–" if share is None else f"{share:.0%}" for share in shares) + " |")
    return "\n".join(rows)
