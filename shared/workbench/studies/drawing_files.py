"""Figures of a study as PDF and PNG."""

import zlib
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.exports.pdf import document, stream, string
from duygu.shared.workbench.studies.drawing import Drawing, Point, Shape

POINTS_MM = 72 / 25.4

DPI = 300
"""Resolution of a PNG, in pixels per inch."""

SHIFT = 4
"""Bits of the fraction of a pixel in coordinates of cv2."""

METRE_INCHES = 39.3701


def pdf_of(drawing: Drawing, width_mm: float) -> bytes:
    """Render a page of this width. Everything is paths, so the file embeds no font."""
    scale = width_mm * POINTS_MM / drawing.width
    width, height = drawing.width * scale, drawing.height * scale
    opacities = sorted({shape.opacity for shape in drawing.shapes})
    states = " ".join(f"/O{number} << /ca {opacity:g} >>" for number, opacity in enumerate(opacities))
    lines = [f"{scale:.5f} 0 0 {-scale:.5f} 0 {height:.2f} cm"]
    lines += [line for shape in drawing.shapes for line in _painted(shape, opacities)]
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.2f} {height:.2f}] /Contents 4 0 R "
        f"/Resources << /ExtGState << {states} >> >> >>",
        stream("\n".join(lines)),
        f"<< /Title {string(drawing.title)} /Producer (duygu) >>",
    ]
    return document(objects).encode("ascii")


def _painted(shape: Shape, opacities: Sequence[float]) -> Iterator[str]:
    colour = " ".join(f"{value / 255:.3f}" for value in _rgb(shape.colour))
    paths = [
        " ".join(f"{x:.2f} {y:.2f} {'l' if at else 'm'}" for at, (x, y) in enumerate(part)) for part in shape.polygons
    ]
    if shape.line:
        dashes = " ".join(f"{length:g}" for length in shape.dashes)
        yield f"{colour} RG {shape.line:g} w [{dashes}] 0 d {' '.join(paths)} S"
    else:
        yield f"/O{opacities.index(shape.opacity)} gs {colour} rg {' h '.join(paths)} h f*"


def _path(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.2f} {y:.2f} {'l' if at else 'm'}" for at, (x, y) in enumerate(points))


def _rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb` or `#rgb`."""
    digits = colour.lstrip("#")
    digits = digits if len(digits) > len("rgb") else "".join(digit * 2 for digit in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def png_of(drawing: Drawing, width_mm: float) -> bytes:
    """Render a picture of `DPI`, with the resolution in it."""
    scale = width_mm / 25.4 * DPI / drawing.width
    size = round(drawing.height * scale), round(drawing.width * scale), 3
    canvas = np.full(size, 255, np.uint8)
    for shape in drawing.shapes:
        _paint(canvas, shape, scale)
    _, content = cv2.imencode(".png", canvas[..., ::-1])
    return _with_resolution(content.tobytes())


def _paint(canvas: npt.NDArray[np.uint8], shape: Shape, scale: float) -> None:
    colour = _rgb(shape.colour)
    if shape.line:
        width = max(1, round(shape.line * scale))
        for part in shape.polygons:
            for piece in _dashed(part, shape.dashes):
                cv2.polylines(canvas, [_pixels(piece, scale)], False, colour, width, cv2.LINE_AA, SHIFT)
        return
    target = canvas if shape.opacity == 1 else canvas.copy()
    cv2.fillPoly(target, [_pixels(part, scale) for part in shape.polygons], colour, cv2.LINE_AA, SHIFT)
    if target is not canvas:
        cv2.addWeighted(target, shape.opacity, canvas, 1 - shape.opacity, 0, canvas)


def _pixels(part: Sequence[Point], scale: float) -> npt.NDArray[np.int32]:
    return np.asarray(np.round((np.array(part) * scale - 0.5) * 2**SHIFT), np.int32)


def _dashed(part: Sequence[Point], dashes: Sequence[float]) -> Iterator[list[Point]]:
    """The pieces of a line that are drawn; the whole line without dashes."""
    if not dashes:
        yield [*part]
        return
    points = np.array(part)
    steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    lengths, at, place = [*dashes, *dashes] if len(dashes) % 2 else [*dashes], 0.0, 0
    while at < steps[-1]:
        end = min(at + lengths[place % len(lengths)], float(steps[-1]))
        if place % 2 == 0:
            times = [at, *steps[(steps > at) & (steps < end)].tolist(), end]
            xs, ys = (np.interp(times, steps, points[:, axis]).tolist() for axis in (0, 1))
            yield [*zip(xs, ys, strict=True)]
        at, place = end, place + 1


def _with_resolution(content: bytes) -> bytes:
    """A PNG with its resolution (pHYs) after the header, so that it is placed in its size."""
    metre = round(DPI * METRE_INCHES)
    chunk = b"pHYs" + metre.to_bytes(4, "big") * 2 + b"\x01"
    after = 33  # the signature and the header
    return content[:after] + (9).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") + content[after:]
