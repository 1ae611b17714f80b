"""The model card (Mitchell et al. 2019): intended use, figures, limitations and training data of a network."""

from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from duygu.shared.model.folder import AdaptiveTemperatureSettings, RelativeSettings, SecondTrunkSettings
from duygu.shared.model.recipe import Recipe
from duygu.training.measure.temperature import ALWAYS_UNCERTAIN, SELECTIVE_RISK
from duygu.training.network.keras_file import Network
from duygu.training.network.motion_gate import MOVING

TEMPLATE = Path(__file__).parent / "card.md"

PROTOCOLS = {
    "ferplus_strict": "FER+ PrivateTest, stills on which more than half of the raters agree",
    "ferplus_strict_moving": "the same stills with synthetic camera shake, classified by the output for moving faces",
    "_zero_shot": "recordings, classified by the network before training on any recording",
    "_leave_one_actor_out": "recordings, each person classified by a network trained on the others by the same recipe",
    "_subject_leaking": "for comparison only: clips split at random, with the same people on both sides",
}
"""Description of each protocol, by the end of its name."""

MOVING_FACES = """The network has one output for still and one for moving faces: a temporal convolution over the
differences between frames controls the transition from the output that is best on stills to another one,
which generalises better to people who talk. **ferplus_strict measures the output for still faces and does not apply
to videos**; ferplus_strict_moving measures the output for moving faces, on images whose faces do not talk.
"""


UNCERTAIN = (
    "A window whose confidence is below {threshold:.2f} is marked `uncertain`. Of the windows of the calibration data "
    "at or above that threshold,\n"
    "{share} were right, cross-validated over people. **This rate need not hold for other videos**: measure it on "
    "your own\nrecordings with `python -m training.judge` before you rely on the mark."
)
STILL = (
    " A window that repeats one picture is marked below {threshold:.2f}; at or above it, {share} of the photographs "
    "were right."
)
NO_THRESHOLD = "On the calibration data no threshold kept the accepted error rate: all windows are marked `uncertain`."


RELATIVE_HEADING = "## Relative to a baseline\n"
"""Heading of the section that `training.relative` writes, before that on the int8-quantised model."""

RELATIVE_TEXT = """A second layer classifies windows by the difference of their features from those of a baseline of the
same person: all recordings of the person (mean), or one neutral recording. Each person was classified by a layer that
was learned on the others.

{figures}

Of the windows at or above its threshold of {threshold:.2f}, {share} were right, cross-validated over people. The
layer was learned on few people who act in one language. On other recordings its gain was not measured. A baseline of
recordings with one and the same expression removes this expression from the predictions. Labelled video trained this
layer; what else it trained, if anything, is in the section on training data.
"""

CALIBRATION_HEADING = "## Calibration\n"
"""Heading of the section on temperatures and thresholds."""

CALIBRATION_TEXT = (
    "Logits are divided by a temperature before the softmax: {temperature:.3f} for one clip, "
    "{track_temperature:.3f} for the mean over a face track, fitted on data of\n"
    "people outside the training part. {uncertain}\n"
)

SECOND_TRUNK_HEADING = "## Second trunk\n"
"""Heading of the section that `training.second_trunk` writes, before those on talking people and on the baseline."""

SECOND_TRUNK_TEXT = """For moving faces, the convolutions of another network are used beside those of this one: {name},
unchanged, on crops of {size} × {size} pixels, in {places} of {period} sampling times. A linear layer on their pooled
features was learned on the same stills{copies}, and adapted to the same recordings of people who talk, as that of
the first trunk; the logits for moving faces are the sum of both. **A repeated picture has the prediction of the first
trunk alone.** Temperatures and thresholds for moving faces were fitted with both trunks, on these recordings, so
their figures are optimistic:

| file of clips | accuracy of tracks | UAR | accuracy without neutral | UAR without neutral | ECE of tracks \
| windows not uncertain | right of these |
|---|---|---|---|---|---|---|---|
{served}

The figures on recordings in the section on performance are those of the first trunk alone. With both trunks:

{figures}

Licence of the second trunk:

{licence}
"""

COPIES_TEXT = """ and on {count} talking copies of them, whose mouths move like those of
people in these recordings"""

ADAPTED_TEXT = """For moving faces, the convolutions of another network are used beside those of this one: {name},
unchanged, on crops of {size} × {size} pixels, in {places} of {period} sampling times. One linear layer reads the pooled
features of both trunks. **This layer was adapted to the labelled recordings of the section on training data**, from
that of {start}, with a penalty on the change; temperature of tracks and threshold were fitted anew. Both trunks and the
output for still faces are those of {start}. **A repeated picture has the prediction of the first trunk alone.**

Figures with both trunks, each person classified by a layer that was adapted to the others:

{figures}

Licence of the second trunk:

{licence}
"""

ADAPTIVE_HEADING = "## Adaptive temperature\n"
"""Heading of the section that `training.adaptive_temperature` writes, after that on the second trunk."""

ADAPTIVE_TEXT = """The logits for moving faces are multiplied by a factor that depends on the window, before the
temperature divides them: the logarithm of the factor is {intercept:.3f} + {slope:.3f} × the logarithm of the distance,
which is limited to {least:.2f} to {most:.2f}. The distance is the mean squared deviation of the first trunk's features
from those of people who talk. A feature that blur, few pixels or an inexact box moves counts less. **A repeated picture
has the factor 1**, and a window with the flag `small`, `dark`, `blurred` or `profile` at most 1.
"""

ADAPTIVE_FIGURES = """
The factor, the threshold and the temperature of tracks were fitted on these recordings, so their figures are
optimistic. The figures in the section on the second trunk are those with one temperature for all windows.

| file of clips | accuracy of tracks | UAR | accuracy without neutral | UAR without neutral | ECE of tracks \
| windows not uncertain | right of these |
|---|---|---|---|---|---|---|---|
{served}

With the factor for each person fitted on the others:

{figures}

The recordings show fewer neutral faces than everyday video. Where most faces are neutral, confidence is too low, and
fewer of the windows not marked uncertain are right.
"""

INT8_HEADING = "## Int8 quantisation\n"
"""Heading of the card's last section, which `training.quantise` writes."""

EARLIER_INT8_HEADING = "## In eight-bit integers\n"
"""The heading in cards that version 0.1 wrote."""


TALKING_HEADING = "## Talking and silent\n"
"""Heading of the section that `training.talking` writes."""

TALKING_TEXT = """Windows in which the person speaks, by the movement network (`speaking` at least 0.5), and the
others, of the recordings `{data}` of people outside the training, each with the label of its recording. The columns of
the emotions are recalls. Windows of a recording overlap and are not independent, the parts differ in people and labels,
and the movement network mistakes some silent windows for speech. Of recordings that also set the threshold, the share
of right windows among those not uncertain is optimistic.

{figures}
"""


LATER_HEADINGS = TALKING_HEADING, RELATIVE_HEADING
"""Headings of the sections after that on the second trunk."""


def write_card(path: Path, name: str, network: Network, report: dict[str, Any], data: str) -> None:
    """Fill the template with the figures and the training data.

    report  summary of each protocol by its name
    data    Markdown about the training data
    """
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        name=name,
        labels=" or ".join([", ".join(network.recipe.labels[:-1]), network.recipe.labels[-1]]),
        parameters=f"{network.model.count_params():,}",
        frames=network.recipe.frames,
        size=network.recipe.size,
        temperature=f"{network.recipe.temperature:.3f}",
        track_temperature=f"{network.recipe.track_temperature:.3f}",
        uncertain=uncertain_sentences(network.recipe),
        figures=figures_table(report),
        recalls=recall_table(report),
        moving_faces=MOVING_FACES if any(layer.name == MOVING for layer in network.model.layers) else "",
        data=data,
    )
    path.write_text(text, encoding="utf-8")


def int8_section(card: Path) -> str:
    """The section on the int8-quantised model, with its heading; empty where the card or the section is missing."""
    return _split_at_int8(card.read_text(encoding="utf-8"))[1] if card.exists() else ""


def write_int8_section(card: Path, section: str) -> None:
    """Replace or append the section, which begins with its heading."""
    text, _ = _split_at_int8(card.read_text(encoding="utf-8"))
    card.write_text(f"{text.rstrip()}\n\n{section}", encoding="utf-8")


def write_relative_section(card: Path, settings: RelativeSettings) -> None:
    """Replace or insert the section on predictions relative to a baseline."""
    before, int8 = _split_at_int8(card.read_text(encoding="utf-8") if card.exists() else "")
    text = before.partition(RELATIVE_HEADING)[0].rstrip()
    rows = [
        f"| {name} | {figures.accuracy:.1%} | {figures.uar:.1%} | {figures.ece:.3f} |"
        for name, figures in settings.measured.items()
    ]
    table = "\n".join(["| baseline | accuracy | UAR | ECE |", "|---|---|---|---|", *rows])
    share = "an unknown share" if settings.certain_means is None else f"{settings.certain_means:.0%}"
    section = RELATIVE_TEXT.format(figures=table, threshold=settings.uncertain_below, share=share)
    card.write_text(f"{text}\n\n{RELATIVE_HEADING}{section}" + (f"\n{int8}" if int8 else ""), encoding="utf-8")


def write_adaptive_section(
    card: Path, settings: AdaptiveTemperatureSettings, served: list[str], report: dict[str, Any]
) -> None:
    """Replace or insert the section on the adaptive temperature, after that on the second trunk.

    served  rows of Markdown of the recordings that it was fitted on; none where the rest was fitted anew on others
    report  summary of each protocol by its name
    """
    before, int8 = _split_at_int8(card.read_text(encoding="utf-8") if card.exists() else "")
    text, later = _split_at_later(before)
    section = ADAPTIVE_HEADING + ADAPTIVE_TEXT.format(**settings.model_dump())
    if served:
        section += ADAPTIVE_FIGURES.format(served="\n".join(served), figures=figures_table(report))
    parts = [text.partition(ADAPTIVE_HEADING)[0], section, later, int8]
    card.write_text("\n".join(part.rstrip() + "\n" for part in parts if part.strip()), encoding="utf-8")


def _split_at_later(text: str) -> tuple[str, str]:
    """A card without its section on the int8-quantised model, divided before those of LATER_HEADINGS."""
    begins = [place for heading in LATER_HEADINGS if (place := text.find(heading)) >= 0]
    begin = min(begins, default=len(text))
    return text[:begin], text[begin:]


def write_talking_section(card: Path, table: str, data: str) -> None:
    """Replace or insert the section with the figures of talking and of silent windows, before that on the baseline.

    data  name of the recordings
    """
    before, int8 = _split_at_int8(card.read_text(encoding="utf-8") if card.exists() else "")
    text, heading, relative = before.partition(RELATIVE_HEADING)
    text = text.partition(TALKING_HEADING)[0].rstrip()
    parts = [f"{text}\n\n{TALKING_HEADING}{TALKING_TEXT.format(figures=table, data=data)}", heading + relative, int8]
    card.write_text("\n".join(part.rstrip() + "\n" for part in parts if part), encoding="utf-8")


def write_calibration(card: Path, recipe: Recipe) -> None:
    """Replace the section on temperatures and thresholds, if the card has it."""
    text = card.read_text(encoding="utf-8") if card.exists() else ""
    before, heading, rest = text.partition(CALIBRATION_HEADING)
    if not heading:
        return
    _, following, after = rest.partition("\n## ")
    section = CALIBRATION_TEXT.format(
        temperature=recipe.temperature,
        track_temperature=recipe.track_temperature,
        uncertain=uncertain_sentences(recipe),
    )
    card.write_text(before + heading + section + following + after, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class SecondTrunkFigures:
    """What was measured with a second trunk."""

    served: list[str]  # rows of Markdown of the recordings that calibrated it
    protocols: dict[str, Any]  # summary of each protocol by its name
    start: str | None = None  # name and version of the model whose layer was adapted to labelled recordings
    copies: int = 0  # talking copies of stills that the layer was learned on


def write_second_trunk_section(card: Path, settings: SecondTrunkSettings, figures: SecondTrunkFigures) -> None:
    """Replace or insert the section on the second trunk."""
    before, int8 = _split_at_int8(card.read_text(encoding="utf-8") if card.exists() else "")
    earlier, later = _split_at_later(before)
    text = earlier.partition(SECOND_TRUNK_HEADING)[0]
    template = SECOND_TRUNK_TEXT if figures.start is None else ADAPTED_TEXT
    section = SECOND_TRUNK_HEADING + template.format(
        name=settings.name,
        start=figures.start,
        copies=COPIES_TEXT.format(count=f"{figures.copies:,}") if figures.copies else "",
        size=settings.size,
        places=len(settings.places),
        period=settings.period,
        served="\n".join(figures.served),
        figures="\n\n".join([figures_table(figures.protocols), recall_table(figures.protocols)]).strip(),
        licence="\n".join(f"> {line}".rstrip() for line in settings.licence.strip().splitlines()),
    )
    parts = [text, section, later, int8]
    card.write_text("\n".join(part.rstrip() + "\n" for part in parts if part.strip()), encoding="utf-8")


def _split_at_int8(text: str) -> tuple[str, str]:
    """The card before the section, and the section."""
    for heading in (INT8_HEADING, EARLIER_INT8_HEADING):
        before, found, section = text.partition(heading)
        if found:
            return before, INT8_HEADING + section
    return text, ""


def uncertain_sentences(recipe: Recipe) -> str:
    """The sentences on the thresholds."""
    if recipe.uncertain_below >= ALWAYS_UNCERTAIN:
        return NO_THRESHOLD
    share = recipe.certain_means if recipe.certain_means is not None else 1 - SELECTIVE_RISK
    sentences = UNCERTAIN.format(threshold=recipe.uncertain_below, share=f"{share:.0%}")
    if recipe.still_uncertain_below is None or recipe.still_certain_means is None:
        return sentences
    return sentences + STILL.format(threshold=recipe.still_uncertain_below, share=f"{recipe.still_certain_means:.0%}")


def figures_table(report: dict[str, Any]) -> str:
    """Accuracy, UAR and ECE of each protocol, as a Markdown table."""
    if not report:
        return "The network has not been evaluated: run `python -m training.evaluate`."
    rows = ["| protocol | samples | accuracy (95 % interval) | UAR | ECE |", "|---|---|---|---|---|"]
    for key, values in report.items():
        figures = values["figures"]
        low, high = values["interval"]
        rows.append(
            f"| {key}: {_description(key)} | {values['count']} | {figures['accuracy']:.1%} ({low:.1%}–{high:.1%}) "
            f"| {figures['uar']:.1%} | {figures['ece']:.3f} |"
        )
    return "\n".join(rows)


def _description(key: str) -> str:
    return next((text for end, text in PROTOCOLS.items() if key.endswith(end)), "")


def recall_table(report: dict[str, Any]) -> str:
    """Recall by protocol and label, as a Markdown table."""
    if not report:
        return ""
    labels = list(next(iter(report.values()))["recalls"])
    rows = ["| protocol | " + " | ".join(labels) + " |", "|---" * (len(labels) + 1) + "|"]
    for key, values in report.items():
        shares = (values["recalls"].get(label) for label in labels)
        rows.append(f"| {key} | " + " | ".join("–" if share is None else f"{share:.0%}" for share in shares) + " |")
    return "\n".join(rows)
