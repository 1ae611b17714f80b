"""SVG 1.1 export of a figure for papers and slides. Text remains text, so the file can be edited."""

from html import escape

from duygu.shared.exports.figure import PAPER, Bar, Figure, Item, timeline
from duygu.shared.exports.letters import font
from duygu.shared.schemas.result import Result
from duygu.shared.schemas.visible_text import only_visible

FONTS = "DejaVu Sans, Verdana, Arial, sans-serif"


def svg(result: Result) -> str:
    """Render the timeline."""
    return svg_of(timeline(result))


def svg_of(figure: Figure) -> str:
    """Render a figure as a complete file."""
    hatched = sorted({item.colour for item in figure.items if isinstance(item, Bar) and item.hatched})
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {figure.width} {figure.height}" '
            f'width="{figure.width}" height="{figure.height}" font-family="{FONTS}">',
            f"<title>{_text(figure.title)}</title>",
            "<defs>",
            *(_pattern(colour) for colour in hatched),
            "</defs>",
            f'<rect width="{figure.width}" height="{figure.height}" fill="{PAPER}"/>',
            *(_drawn(item) for item in figure.items),
            "</svg>\n",
        ]
    )


def _pattern(colour: str) -> str:
    return (
        f'<pattern id="{_hatch(colour)}" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="6" height="6" fill="{PAPER}"/>'
        f'<rect width="2" height="6" fill="{colour}"/></pattern>'
    )


def _drawn(item: Item) -> str:
    if isinstance(item, Bar):
        fill = f"url(#{_hatch(item.colour)})" if item.hatched else item.colour
        place = f'x="{item.left:g}" y="{item.top:g}" width="{item.width:g}" height="{item.height:g}"'
        return f'<rect {place} fill="{fill}"/>'
    size = item.capital * 1000 / font().capital
    return (
        f'<text x="{item.left:.2f}" y="{item.base:g}" font-size="{size:.2f}" fill="{item.colour}">'
        f"{_text(item.text)}</text>"
    )


def _hatch(colour: str) -> str:
    return f"hatch-{colour.lstrip('#')}"


def _text(text: str) -> str:
    """Escape text for XML 1.0."""
    return escape(only_visible(text, "\ufffd"))
