"""Shapes of a figure of a study, from its SVG: for the files of other formats.

Texts become the outlines of their letters, so a figure looks the same everywhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree  # of our own figures only

from duygu.shared.exports.letters import font, placed, text_width
from duygu.shared.workbench.studies.chart import SERIF

Point = tuple[float, float]

SVG = "{http://www.w3.org/2000/svg}"

BOLD = 0.03
"""Width of the outline that makes a bold letter, in letter sizes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Filled polygons, whose overlaps are holes, or a line through points. Lengths are in pixels, y points down."""

    polygons: Sequence[Sequence[Point]]
    colour: str
    opacity: float = 1.0
    line: float = 0.0
    """Width of a line; 0 fills."""
    dashes: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """The shapes of a figure in drawing order."""

    title: str
    width: float
    height: float
    shapes: Sequence[Shape]


def drawing_of(svg: str) -> Drawing:
    """The shapes of a figure that duygu.shared.workbench.studies.chart rendered."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own figure
    letters = Letters(float(root.get("font-size", "11")), root.get("font-family") == SERIF)
    shapes = [shape for element in root for shape in _shapes(element, (0.0, 0.0), letters)]
    return Drawing(
        root.findtext(f"{SVG}title") or "", float(root.get("width", 0)), float(root.get("height", 0)), shapes
    )


@dataclass(frozen=True, slots=True)
class Letters:
    """Size of the letters in pixels, and whether they have serifs."""

    size: float
    serif: bool


def _shapes(element: ElementTree.Element, origin: Point, letters: Letters) -> Iterator[Shape]:
    match element.tag.removeprefix(SVG):
        case "g":
            x, y = map(float, element.get("transform", "")[len("translate(") : -1].split())
            for child in element:
                yield from _shapes(child, (origin[0] + x, origin[1] + y), letters)
        case "rect":
            yield Shape([_corners(element, origin)], element.get("fill", ""))
        case "polygon":
            yield Shape([_points(element, origin)], element.get("fill", ""), float(element.get("fill-opacity", 1)))
        case "line":
            ends = [(_number(element, f"x{end}"), _number(element, f"y{end}")) for end in (1, 2)]
            yield _stroked(element, [(x + origin[0], y + origin[1]) for x, y in ends])
        case "polyline":
            yield _stroked(element, _points(element, origin))
        case "text":
            yield from _letters(element, origin, letters)


def _number(element: ElementTree.Element, name: str) -> float:
    return float(element.get(name, 0))


def _corners(element: ElementTree.Element, origin: Point) -> list[Point]:
    left, top = origin[0] + _number(element, "x"), origin[1] + _number(element, "y")
    right, bottom = left + _number(element, "width"), top + _number(element, "height")
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _points(element: ElementTree.Element, origin: Point) -> list[Point]:
    pairs = (pair.split(",") for pair in element.get("points", "").split())
    return [(float(x) + origin[0], float(y) + origin[1]) for x, y in pairs]


def _stroked(element: ElementTree.Element, points: list[Point]) -> Shape:
    dashes = [float(length) for length in element.get("stroke-dasharray", "").split()]
    return Shape([points], element.get("stroke", ""), 1.0, float(element.get("stroke-width", 1)), dashes)


def _letters(element: ElementTree.Element, origin: Point, letters: Letters) -> Iterator[Shape]:
    text, colour = element.text or "", element.get("fill", "")
    capital = letters.size * font(letters.serif).capital / 1000
    share = {"middle": 0.5, "end": 1.0}.get(element.get("text-anchor", ""), 0.0)
    left = origin[0] + _number(element, "x") - share * text_width(text, capital, serif=letters.serif)
    base = origin[1] + _number(element, "y")
    for offset, scale, glyph in placed(text, capital, serif=letters.serif):
        outlines = [[(left + offset + x * scale, base - y * scale) for x, y in part] for part in glyph.polygons]
        if outlines:
            yield Shape(outlines, colour)
        if outlines and element.get("font-weight") == "bold":
            yield from (Shape([[*part, part[0]]], colour, line=letters.size * BOLD) for part in outlines)
