"""From a decoded frame to the planes that the engine looks at.

Runs in the decoding process, which is started for each video: it imports PyAV alone, and leaves to its parent what
numpy is needed for.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from duygu.shared.vision.decode.letterbox import Place, Size
from duygu.shared.vision.decode.messages import Transfer

PLAIN_FORMATS = frozenset(
    f"yuv{letter}{sampling}p" for letter in ("", "a", "j") for sampling in (410, 411, 420, 422, 440, 444)
) | {"gray"}
"""Eight-bit formats whose planes are handed over as they are; all others are made into COMMON first."""

COMMON = "yuv420p"

STEPS = (1, 2, 2)
"""Pixels along each side of a COMMON picture for one of each of its planes."""

GREY = 128
"""No colour, in a plane of colour differences."""

WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Share of red and of blue in luma by the matrix that a file names (ITU-T H.273, table 4)."""

TRANSFERS = {16: Transfer.PQ, 18: Transfer.HLG}
"""By the number that a file names (ITU-T H.273, table 3); all others are near enough to that of BT.709."""

USUAL_WEIGHTS = (0.299, 0.114)
"""ITU-R BT.601, which players take where a file names none."""

MAX_STRETCH = 8
"""Pixels more oblong than this are taken for a broken header and shown square."""

ROUNDED = Fraction(1, 200)
"""Pixels that are oblong by less than this are square: containers keep the shape of the picture in whole numbers."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """What turns a stored picture upright: quarter turns counter-clockwise, then perhaps a mirror."""

    turns: int
    mirrored: bool

    def turn(self, size: Size) -> Size:
        """Width and height of a picture after it was turned, from those before; or the other way round."""
        return (size[1], size[0]) if self.turns % 2 else size


def shape(frame: av.VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height of the stored picture once its pixels, of this ratio of width to height, are square."""
    stretch = aspect if aspect and Fraction(1, MAX_STRETCH) <= aspect <= MAX_STRETCH else Fraction(1)
    stretch = Fraction(1) if abs(stretch - 1) < ROUNDED else stretch
    return max(1, round(frame.width * stretch)), frame.height


def orientation(frame: av.VideoFrame) -> Orientation:
    """From the display matrix (x', y') = (a x + c y, b x + d y), as a phone writes it."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Orientation(0, mirrored=False)
    a, b, _, c, d = struct.unpack_from("=5i", data)  # type: ignore[arg-type] # it is a buffer
    mirrored = a * d < b * c
    angle = math.degrees(math.atan2(b, -a if mirrored else a))
    return Orientation(round(-angle / 90) % 4, mirrored)


@dataclass(frozen=True, slots=True)
class Planes:
    """What was written of a frame, as in wire.Decoded."""

    sizes: list[list[int]]
    limited: bool
    weights: tuple[float, float]


class PictureMaker:
    """Writes the planes of frames into memory; keeps its converter from frame to frame."""

    def __init__(self) -> None:
        self._converter = VideoReformatter()

    def write(self, frame: av.VideoFrame, size: Size, place: Place, memory: memoryview) -> Planes:
        """Copy a frame, brought to a place of a picture of this size; the rest of it is black.

        Raises ValueError when the picture is larger than the memory.
        """
        weights = USUAL_WEIGHTS if is_coloured(frame) else WEIGHTS.get(frame.colorspace, USUAL_WEIGHTS)
        if (frame.width, frame.height) == size == (place.width, place.height) and has_plain_planes(frame):
            return Planes(list(copy_planes(frame, memory)), not is_full_range(frame), weights)
        common, limited = self._common(frame, place.width, place.height), not is_full_range(frame)
        whole = (place.width, place.height) == size
        black = (16 if limited else 0, GREY, GREY)
        planes = copy_planes(common, memory) if whole else copy_within(common, size, place, black, memory)
        return Planes(list(planes), limited, weights)

    def _common(self, frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
        # From one range to the other, swscale makes colour differences smaller by half a level, which turns grey green.
        levels = ColorRange.JPEG if is_full_range(frame) else ColorRange.MPEG
        return self._converter.reformat(
            frame,
            width,
            height,
            COMMON,
            dst_colorspace=Colorspace.ITU601 if is_coloured(frame) else None,
            src_color_range=levels,
            dst_color_range=levels,
            threads=1,
        )


def copy_planes(picture: av.VideoFrame, memory: memoryview) -> Iterator[list[int]]:
    """Copy up to three planes, padding and all: width, height, and bytes from row to row of each.

    Raises ValueError when they do not fit.
    """
    end = 0
    for plane in picture.planes[:3]:
        size = plane.line_size * plane.height
        memory[end : end + size] = memoryview(plane)[:size]
        end += size
        yield [plane.width, plane.height, plane.line_size]


def copy_within(
    picture: av.VideoFrame, size: Size, place: Place, black: tuple[int, int, int], memory: memoryview
) -> Iterator[list[int]]:
    """Copy a COMMON picture to its place within black planes of this size: as `copy_planes`."""
    end = 0
    for plane, step, level in zip(picture.planes, STEPS, black, strict=True):
        width, height = (-(-side // step) for side in size)
        memory[end : end + width * height] = bytes([level]) * (width * height)
        source = memoryview(plane)
        start = end + place.top // step * width + place.left // step
        for row in range(plane.height):
            first = row * plane.line_size
            memory[start : start + plane.width] = source[first : first + plane.width]
            start += width
        end += width * height
        yield [width, height, width]


def transfer(frame: av.VideoFrame) -> Transfer:
    """How its levels stand for light."""
    return TRANSFERS.get(frame.color_trc, Transfer.SDR)


def has_plain_planes(frame: av.VideoFrame) -> bool:
    """Whether its planes are luma and colour differences of eight bits, from top to bottom."""
    return frame.format.name in PLAIN_FORMATS and all(plane.line_size > 0 for plane in frame.planes)


def is_full_range(frame: av.VideoFrame) -> bool:
    """Whether black is 0 and white 255."""
    return frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj") or is_coloured(frame)


def is_coloured(frame: av.VideoFrame) -> bool:
    """Whether its pixels are red, green and blue, and no luma with colour differences."""
    return frame.format.is_rgb or frame.format.has_palette
