"""Praat TextGrid: an interval tier per face, and one for its uncertain intervals.

Format: https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html
"""

from collections.abc import Iterator

from duygu.shared.exports.interchange.stretches import MILLISECONDS, UNCERTAIN, Stretch, tiers_of
from duygu.shared.exports.interchange.stretches import end_ms as last_ms
from duygu.shared.schemas.result import Result

Intervals = list[tuple[int, int, str]]
"""Starts and ends in milliseconds, and texts; without gaps."""

EMPTY = "faces"
"""Name of the only tier of a video without faces, as Praat has no TextGrid without tiers."""


def textgrid(result: Result) -> str:
    """Render the long text format in UTF-8, on the clock of players."""
    origin_s = result.video.first_frame_s
    tiers = tiers_of(result, origin_s)
    end = last_ms(result, tiers, origin_s)
    grids: list[tuple[str, Intervals]] = []
    for tier in tiers:
        grids.append((tier.title, _filled(tier.stretches, end, "")))
        grids.append(
            (f"{tier.title}: {UNCERTAIN}", _filled([s for s in tier.stretches if s.uncertain], end, UNCERTAIN))
        )
    return "\n".join(_lines(grids or [(EMPTY, [(0, end, "")])], end))


def _filled(stretches: list[Stretch], end: int, text: str) -> Intervals:
    """Intervals from 0 to the end, empty between the stretches; `text` replaces the emotions."""
    intervals, last = [], 0
    for stretch in stretches:
        if stretch.start_ms > last:
            intervals.append((last, stretch.start_ms, ""))
        intervals.append((stretch.start_ms, stretch.end_ms, text or stretch.emotion))
        last = stretch.end_ms
    return [*intervals, (last, end, "")] if last < end else intervals


def _lines(grids: list[tuple[str, Intervals]], end: int) -> Iterator[str]:
    yield from ('File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_time(end)}")
    yield from ("tiers? <exists>", f"size = {len(grids)}", "item []:")
    for number, (name, intervals) in enumerate(grids, 1):
        yield from (f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_text(name)}")
        yield from ("        xmin = 0", f"        xmax = {_time(end)}", f"        intervals: size = {len(intervals)}")
        for place, (start_ms, end_ms, text) in enumerate(intervals, 1):
            yield f"        intervals [{place}]:"
            yield f"            xmin = {_time(start_ms)}"
            yield f"            xmax = {_time(end_ms)}"
            yield f"            text = {_text(text)}"
    yield ""


def _time(milliseconds: int) -> str:
    return f"{milliseconds / MILLISECONDS:.3f}"


def _text(text: str) -> str:
    """Quoted text; quotation marks are doubled."""
    return '"{}"'.format(text.replace('"', '""'))
