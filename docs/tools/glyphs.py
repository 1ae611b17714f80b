"""Makes the files of shared/exports/font: outlines of a TrueType font as polygons, for figures and annotated videos.

python -m docs.tools.glyphs DejaVuSans.ttf glyphs.json
python -m docs.tools.glyphs DejaVuSerif.ttf glyphs-serif.json
"""

import json
import sys
from pathlib import Path

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "exports" / "font"

UNIT = 1000
"""Of the coordinates, to the height of the font."""

STEPS = 4
"""Straight lines for one curve."""

RANGES = ((0x20, 0x7E), (0xA0, 0x17F), (0x218, 0x21B), (0x384, 0x3CE), (0x400, 0x45F), (0x490, 0x491), (0x2010, 0x2026))
SINGLE = "₺€™→−≈≤≥"
MISSING = "\ufffd"
"""Stands for every other character."""


def outline(font: TTFont, name: str) -> list[list[int]]:
    """Closed polygons, each as x and y in turn, y upwards. Those that go the other way round are holes."""
    pen = DecomposingRecordingPen(font.getGlyphSet())
    font.getGlyphSet()[name].draw(pen)
    scale = UNIT / font["head"].unitsPerEm
    polygons: list[list[tuple[float, float]]] = []
    for command, points in pen.value:
        if command == "moveTo":
            polygons.append([points[0]])
        elif command == "lineTo":
            polygons[-1].append(points[0])
        elif command == "qCurveTo":
            polygons[-1] += curve(polygons[-1][-1], points)
    return [[round(value * scale) for point in polygon for value in point] for polygon in polygons]


def curve(start: tuple[float, float], points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points on quadratic curves whose ends between control points are implied."""
    *controls, last = points
    drawn = []
    for index, (x, y) in enumerate(controls):
        after = controls[index + 1] if index + 1 < len(controls) else None
        end = ((x + after[0]) / 2, (y + after[1]) / 2) if after else last
        for step in range(1, STEPS + 1):
            t = step / STEPS
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
            drawn.append((a * start[0] + b * x + c * end[0], a * start[1] + b * y + c * end[1]))
        start = end
    return drawn


def main(path: str, target: str) -> None:
    """Write a file of FOLDER from a font file."""
    font = TTFont(path)
    names, widths = font.getBestCmap(), font["hmtx"]
    codes = [code for first, last in RANGES for code in range(first, last + 1)] + [ord(letter) for letter in SINGLE]
    glyphs = {chr(code): names[code] for code in codes if code in names} | {MISSING: ".notdef"}
    scale = UNIT / font["head"].unitsPerEm
    content = {
        "source": font["name"].getDebugName(5),
        "capital": round(font["glyf"]["H"].yMax * scale),
        "glyphs": {
            letter: [round(widths[name][0] * scale), outline(font, name)] for letter, name in sorted(glyphs.items())
        },
    }
    (FOLDER / target).write_text(
        json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
