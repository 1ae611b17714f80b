"""Edit decision list (CMX 3600) with the video as its only event and a locator per stretch.

Formats: https://xmil.biz/EDL-X/CMX3600.pdf; locators (`* LOC`) as Avid Media Composer writes and others read them.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from duygu.shared.exports.interchange.frame_rate import frame_rate
from duygu.shared.exports.interchange.stretches import MILLISECONDS, Tier, tiers_of
from duygu.shared.exports.interchange.stretches import end_ms as last_ms
from duygu.shared.exports.titles import title_of
from duygu.shared.schemas.result import Result
from duygu.shared.schemas.visible_text import only_visible

COLOURS = {
    "anger": "RED",
    "disgust": "GREEN",
    "fear": "MAGENTA",
    "happiness": "YELLOW",
    "sadness": "BLUE",
    "surprise": "CYAN",
    "neutral": "WHITE",
}
"""Colours of locators, of the eight that Avid has."""

OTHER_COLOUR = "BLACK"

START = "00:00:00:00"

MAX_TITLE = 70
"""Characters of a title."""


def edl(result: Result) -> str:
    """Render the list in non-drop-frame timecode; 00:00:00:00 is the first frame of the video."""
    tiers = tiers_of(result)
    rate = frame_rate(result)
    end = _timecode(ceil(last_ms(result, tiers) * rate / MILLISECONDS), rate)
    title = _line(title_of(result) or "duygu")
    return "\r\n".join(
        [
            f"TITLE: {title[:MAX_TITLE]}",
            "FCM: NON-DROP FRAME",
            "",
            f"001  AX       V     C        {START} {end} {START} {end}",
            f"* FROM CLIP NAME: {title}",
            f"* FRAME RATE: {float(rate):g}",
            *_locators(tiers, rate),
            "",
        ]
    )


def _locators(tiers: list[Tier], rate: Fraction) -> Iterator[str]:
    """A locator at the start of each stretch, in order of time."""
    found = [(stretch, tier) for tier in tiers for stretch in tier.stretches]
    for stretch, tier in sorted(found, key=lambda pair: pair[0].start_ms):
        at = _timecode(round(stretch.start_ms * rate / MILLISECONDS), rate)
        colour = COLOURS.get(stretch.emotion, OTHER_COLOUR)
        yield f"* LOC: {at} {colour:<7} {_line(tier.title)}: {_line(stretch.words)}"


def _timecode(frame: int, rate: Fraction) -> str:
    """Hours, minutes, seconds and frames, each second having the next whole number of frames."""
    whole = ceil(rate)
    seconds, frames = divmod(frame, whole)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"


def _line(text: str) -> str:
    """Text without line breaks and other control characters."""
    return only_visible(text, " ")
