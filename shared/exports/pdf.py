"""PDF 1.4 export of a figure, on one page. Letters are paths, so the file embeds no font."""

from collections.abc import Iterator

from duygu.shared.exports.figure import PAPER, Bar, Figure, Item, Words, timeline
from duygu.shared.exports.letters import Glyph, placed
from duygu.shared.schemas.result import Result

SCALE = 0.5
"""Points per pixel of a figure."""

HATCH_STEP, HATCH_WIDTH = 8.0, 2.0
"""Horizontal distance between two hatching lines, and their width."""


def pdf(result: Result) -> str:
    """Render the timeline."""
    return pdf_of(timeline(result))


def pdf_of(figure: Figure) -> str:
    """Render a figure as a complete file of ASCII characters."""
    width, height = figure.width * SCALE, figure.height * SCALE
    glyphs: dict[Glyph, str] = {}
    lines = [f"{SCALE} 0 0 {-SCALE} 0 {height:g} cm"]  # from here on y goes down
    for item in (Bar(0, 0, figure.width, figure.height, PAPER), *figure.items):
        lines += _drawn(item, glyphs)
    forms = [(name, _path(glyph)) for glyph, name in glyphs.items()]
    first = 6
    resources = " ".join(f"/{name} {first + index} 0 R" for index, (name, _) in enumerate(forms))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:g} {height:g}] /Contents 4 0 R "
        f"/Resources << /XObject << {resources} >> >> >>",
        stream("\n".join(lines)),
        f"<< /Title {string(figure.title)} /Producer (duygu) >>",
        *(stream(path, "/Type /XObject /Subtype /Form /BBox [-1000 -1000 3000 2000]") for _, path in forms),
    ]
    return document(objects)


def _drawn(item: Item, glyphs: dict[Glyph, str]) -> Iterator[str]:
    colour = " ".join(f"{int(item.colour[at : at + 2], 16) / 255:.3f}" for at in (1, 3, 5))
    if isinstance(item, Words):
        yield f"{colour} rg"
        for left, scale, glyph in placed(item.text, item.capital):
            if glyph.polygons:
                name = glyphs.setdefault(glyph, f"G{len(glyphs)}")
                yield f"q {scale:.5f} 0 0 {-scale:.5f} {item.left + left:.2f} {item.base:.2f} cm /{name} Do Q"
    elif item.hatched:
        yield f"q {_area(item)} W n {colour} RG {HATCH_WIDTH:g} w"
        yield from _lines(item)
        yield "Q"
    else:
        yield f"{colour} rg {_area(item)} f"


def _area(bar: Bar) -> str:
    return f"{bar.left:g} {bar.top:g} {bar.width:g} {bar.height:g} re"


def _lines(bar: Bar) -> Iterator[str]:
    """Hatching lines from lower left to upper right, beyond the edges that clip them."""
    start = bar.left - bar.height
    while start < bar.left + bar.width:
        yield f"{start:g} {bar.top + bar.height:g} m {start + bar.height:g} {bar.top:g} l S"
        start += HATCH_STEP


def _path(glyph: Glyph) -> str:
    return (
        "\n".join(
            " ".join(f"{x} {y} {'l' if index else 'm'}" for index, (x, y) in enumerate(polygon)) + " h"
            for polygon in glyph.polygons
        )
        + "\nf"
    )


def stream(content: str, entries: str = "") -> str:
    """A stream object."""
    return f"<< {entries} /Length {len(content)} >>\nstream\n{content}\nendstream"


def string(text: str) -> str:
    """PDF string as UTF-16 in hexadecimal."""
    return f"<FEFF{text.encode('utf-16-be', 'replace').hex().upper()}>"


def document(objects: list[str]) -> str:
    """Assemble the objects, numbered from 1, with the cross-reference table; 1 is the catalogue, 5 the metadata."""
    content, places = "%PDF-1.4\n", []
    for number, written in enumerate(objects, 1):
        places.append(len(content))
        content += f"{number} 0 obj\n{written}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    trailer = f"<< /Size {size} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{len(content)}\n%%EOF\n"
    return f"{content}xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n{trailer}"
