"""Figure of the group means of one stimulus, as SVG: a panel per emotion, a line with an interval per group."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from duygu.shared.workbench.studies.statistics.permutation import Cluster
from duygu.shared.workbench.studies.statistics.time_course import PLAIN, GroupMean, TimeCourse

WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 150, 52, 32, 32
"""Size of a panel, its margins for labels, and the distance between panels, in pixels."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a figure fits into a paper."""

    width_mm: float
    across: int
    """Panels in a row."""
    size: int
    """Size of the letters, in pixels: more than 6 points in a figure of this width."""


TWO_COLUMNS, ONE_COLUMN = Layout(178.0, 3, 15), Layout(85.0, 2, 20)
"""Over two columns of a journal, and in one."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Colours of groups, distinguishable with all common kinds of colour vision (Okabe and Ito)."""

DASHES = ("", "6 3", "2 2", "8 3 2 3", "12 3", "4 6")

INK, SOFT, RULE = "#15171c", "#555b66", "#dcdcd6"

SANS, SERIF = "DejaVu Sans, Verdana, Arial, sans-serif", "STIX Two Text, Times New Roman, Times, serif"

SIGNIFICANT = 0.05

STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
MOST_TICKS = 6


def chart(
    course: TimeCourse,
    means: Sequence[GroupMean],
    clusters: Sequence[Cluster] = (),
    *,
    layout: Layout = TWO_COLUMNS,
    family: str = SANS,
) -> str:
    """Render the figure as a complete SVG file. Clusters with p < .05 are bars below their panel."""
    across = layout.across
    low, high = _range(course, means)
    rows = math.ceil(len(course.labels) / across)
    width, height = across * (LEFT + WIDTH + GAP), 44 + rows * (TOP + HEIGHT + GAP) + layout.size
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{family}" font-size="{layout.size}" role="img"><title>{escape(title_of(course))}</title>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *_legend(means, layout.size),
        f'<text x="{LEFT}" y="{height - 8}" fill="{SOFT}">{_axes_in_words(course, means)}</text>',
    ]
    for index, label in enumerate(course.labels):
        left, top = LEFT + index % across * (LEFT + WIDTH + GAP), 40 + index // across * (TOP + HEIGHT + GAP)
        parts.append(f'<g transform="translate({left} {top + TOP})">')
        parts += [*_axes(course, label, (low, high), layout.size)]
        parts += [*_lines(course, means, index, low, high)]
        parts += [*_clusters(course, [one for one in clusters if one.label == label])]
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def title_of(course: TimeCourse) -> str:
    """Title of the figure."""
    measure = "probability" if course.measure == PLAIN else "probability less the baseline"
    return f"{course.stimulus or 'Stimulus'}: {measure}"


def _axes_in_words(course: TimeCourse, means: Sequence[GroupMean]) -> str:
    """What the axes and the bands show."""
    measure = "Probability" if course.measure == PLAIN else "Probability less baseline"
    known = any(not math.isnan(value) for one in means for value in one.low.flat)
    return f"{measure}: mean{' and 95 % interval' if known else ''}, by time"


def _range(course: TimeCourse, means: Sequence[GroupMean]) -> tuple[float, float]:
    """Range of all panels: 0 to 1, or for relative values up to the largest one in both directions."""
    if course.measure == PLAIN:
        return 0.0, 1.0
    values = [abs(float(value)) for one in means for part in (one.mean, one.low, one.high) for value in part.flat]
    largest = max((value for value in values if not math.isnan(value)), default=1.0)
    end = max(0.1, math.ceil(largest * 10) / 10)
    return -end, end


def _legend(means: Sequence[GroupMean], size: int) -> Iterator[str]:
    left = LEFT
    for index, one in enumerate(means):
        name = f"{one.group or 'all'} (n = {one.participants})"
        yield f'<line x1="{left}" x2="{left + 28}" y1="20" y2="20" {_stroke(index)}/>'
        yield f'<text x="{left + 34}" y="24" fill="{INK}">{escape(name)}</text>'
        left += 60 + round(0.64 * size * len(name))


def _stroke(index: int) -> str:
    dash = DASHES[index % len(DASHES)]
    return f'stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="1.8" fill="none"' + (
        f' stroke-dasharray="{dash}"' if dash else ""
    )


def _axes(course: TimeCourse, label: str, ends: tuple[float, float], size: int) -> Iterator[str]:
    low, high = ends
    yield f'<text x="0" y="-8" font-weight="bold" fill="{INK}">{escape(label)}</text>'
    for value in (low, (low + high) / 2, high):
        y = _y(value, low, high)
        yield f'<line x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{RULE}"/>'
        yield f'<text x="-6" y="{y + 4:.1f}" text-anchor="end" fill="{SOFT}">{value:g}</text>'
    start_s, end_s = _ends(course)
    step_s = next((step for step in STEPS_S if (end_s - start_s) / step <= MOST_TICKS), STEPS_S[-1])
    for index in range(math.ceil(start_s / step_s), math.floor(end_s / step_s) + 1):
        x = _x(course, index * step_s)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT}" y2="{HEIGHT + 4}" stroke="{SOFT}"/>'
        place = f'x="{x:.1f}" y="{HEIGHT + 4 + size}" text-anchor="middle"'
        yield f'<text {place} fill="{SOFT}">{index * step_s:g} s</text>'


def _lines(course: TimeCourse, means: Sequence[GroupMean], column: int, low: float, high: float) -> Iterator[str]:
    middles = [_x(course, float(time_s) + course.step_s / 2) for time_s in course.times]
    for index, one in enumerate(means):
        for run in _known(one.low[:, column]):
            upper = [f"{middles[at]:.1f},{_y(float(one.high[at, column]), low, high):.1f}" for at in run]
            lower = [f"{middles[at]:.1f},{_y(float(one.low[at, column]), low, high):.1f}" for at in reversed(run)]
            colour = COLOURS[index % len(COLOURS)]
            yield f'<polygon points="{" ".join([*upper, *lower])}" fill="{colour}" fill-opacity=".2"/>'
        for run in _known(one.mean[:, column]):
            points = " ".join(f"{middles[at]:.1f},{_y(float(one.mean[at, column]), low, high):.1f}" for at in run)
            yield f'<polyline points="{points}" {_stroke(index)}/>'


def _known(values: Iterable[float]) -> Iterator[list[int]]:
    """Runs of places with a value."""
    run: list[int] = []
    for place, value in enumerate(values):
        if not math.isnan(value):
            run.append(place)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _clusters(course: TimeCourse, clusters: Sequence[Cluster]) -> Iterator[str]:
    for one in clusters:
        if one.p < SIGNIFICANT:
            left, right = _x(course, one.start_s), _x(course, one.end_s)
            yield f'<rect x="{left:.1f}" y="{HEIGHT - 4}" width="{right - left:.1f}" height="4" fill="{INK}"/>'


def _ends(course: TimeCourse) -> tuple[float, float]:
    return float(course.times[0]), float(course.times[-1] + course.step_s)


def _x(course: TimeCourse, time_s: float) -> float:
    start_s, end_s = _ends(course)
    return WIDTH * (time_s - start_s) / (end_s - start_s)


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT * (high - min(max(value, low), high)) / (high - low)
