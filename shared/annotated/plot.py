"""Timeline of a result as a PNG image, drawn from the figure of duygu.shared.exports.figure."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from duygu.shared.annotated.paint import Canvas, draw_text, hatch, rgb_of
from duygu.shared.exports.figure import PAPER, Bar, Figure, Item, timeline
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.edits.editing import visible

BAND = 256
"""Rows that are drawn and compressed together: a canvas of the whole figure would take up to 24 MB."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"

LEVEL = 6
"""Compression level of zlib."""


def timeline_png(result: Result) -> bytes:
    """Draw the timeline: one lane per face with its shares of time per emotion, over a time axis."""
    figure = timeline(visible(result))
    header = struct.pack(">IIBBBBB", figure.width, figure.height, 8, 2, 0, 0, 0)  # 8 bits of red, green and blue
    pixels = b"".join(_compressed(figure))
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _compressed(figure: Figure) -> Iterator[bytes]:
    """The rows of the figure as PNG stores them, each after the number of its filter: 0 for none."""
    compressor = zlib.compressobj(LEVEL)
    for top in range(0, figure.height, BAND):
        canvas: Canvas = np.full((min(BAND, figure.height - top), figure.width, 3), rgb_of(PAPER), np.uint8)
        for item in figure.items:
            _draw(canvas, item, top)
        rows = canvas.reshape(len(canvas), -1)
        yield compressor.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes())
    yield compressor.flush()


def _draw(canvas: Canvas, item: Item, top: int) -> None:
    """Draw what an item has in the rows of the figure from `top` on."""
    if not isinstance(item, Bar):
        draw_text(canvas, item.text, round(item.left), round(item.base) - top, item.capital, rgb_of(item.colour))
        return
    first, left = round(item.top) - top, round(item.left)
    area = canvas[max(first, 0) : max(first + round(item.height), 0), left : left + round(item.width)]
    if item.hatched:
        hatch(area, rgb_of(item.colour), rgb_of(PAPER), left, top + max(first, 0))
    else:
        area[:] = rgb_of(item.colour)
