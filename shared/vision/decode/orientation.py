"""Conversion of a decoded frame to the planes of shared memory.

Runs in the decoding process, which is started for each video. It imports only PyAV; the parent does what requires
numpy.
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
"""Eight-bit formats whose planes are copied unchanged. All others are converted to COMMON."""

COMMON = "yuv420p"

STEPS = (1, 2, 2)
"""Subsampling of each plane of a COMMON picture, along each side."""

GREY = 128
"""Value of a colour difference without colour."""

WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Weights of red and of blue in luma, by matrix number (ITU-T H.273, table 4)."""

TRANSFERS = {16: Transfer.PQ, 18: Transfer.HLG}
"""Transfer functions by number (ITU-T H.273, table 3). All others are close enough to BT.709."""

USUAL_WEIGHTS = (0.299, 0.114)
"""ITU-R BT.601, which players assume if the file names no matrix."""

MAX_STRETCH = 8
"""Maximum pixel aspect ratio. A larger one is treated as a damaged header, and pixels as square."""

ROUNDED = Fraction(1, 200)
"""Deviation up to which pixels count as square: containers store the shape of the picture in whole numbers."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """Transform of a stored picture to upright: quarter turns counter-clockwise, then perhaps a mirror."""

    turns: int
    mirrored: bool

    def turn(self, size: Size) -> Size:
        """Size of a picture after the rotation; the same function inverts it."""
        return (size[1], size[0]) if self.turns % 2 else size


def shape(frame: av.VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """Size of the stored picture, scaled to square pixels; `aspect` is the pixel aspect ratio."""
    stretch = aspect if aspect and Fraction(1, MAX_STRETCH) <= aspect <= MAX_STRETCH else Fraction(1)
    stretch = Fraction(1) if abs(stretch - 1) < ROUNDED else stretch
    return max(1, round(frame.width * stretch)), frame.height


def orientation(frame: av.VideoFrame) -> Orientation:
    """Orientation from the display matrix (x', y') = (a x + c y, b x + d y), which phones write."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Orientation(0, mirrored=False)
    a, b, _, c, d = struct.unpack_from("=5i", data)  # type: ignore[arg-type] # it is a buffer
    mirrored = a * d < b * c
    angle = math.degrees(math.atan2(b, -a if mirrored else a))
    return Orientation(round(-angle / 90) % 4, mirrored)


@dataclass(frozen=True, slots=True)
class Planes:
    """Layout of the written planes, as in messages.Decoded."""

    sizes: list[list[int]]
    limited: bool
    weights: tuple[float, float]


class PictureMaker:
    """Writes the planes of frames to memory. The converter is reused for all frames."""

    def __init__(self) -> None:
        self._converter = VideoReformatter()

    def write(self, frame: av.VideoFrame, size: Size, place: Place, memory: memoryview) -> Planes:
        """Write a frame, scaled to its place in a picture of this size. The rest of the picture is black.

        Raises ValueError if the picture does not fit into the memory.
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
        # When swscale converts the range, it shifts colour differences by half a level, which gives grey a green tint.
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
    """Copy up to three planes with their padding: width, height and bytes per row of each.

    Raises ValueError if they do not fit.
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
    """Copy a COMMON picture to its place in black planes of this size; yields the same as `copy_planes`."""
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
    """Transfer function of a frame."""
    return TRANSFERS.get(frame.color_trc, Transfer.SDR)


def has_plain_planes(frame: av.VideoFrame) -> bool:
    """Whether the planes are eight-bit luma and colour differences, stored from top to bottom."""
    return frame.format.name in PLAIN_FORMATS and all(plane.line_size > 0 for plane in frame.planes)


def is_full_range(frame: av.VideoFrame) -> bool:
    """Whether the frame has full-range levels."""
    return frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj") or is_coloured(frame)


def is_coloured(frame: av.VideoFrame) -> bool:
    """Whether the frame stores RGB or palette colours instead of luma and colour differences."""
    return frame.format.is_rgb or frame.format.has_palette
