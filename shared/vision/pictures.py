"""From a decoded frame to the two pictures that the engine looks at.

Runs in the decoding process, which is started for each video: it imports PyAV alone, and leaves to its parent what
numpy is needed for.
"""

import math
import struct
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

LUMA_FORMATS = frozenset(
    f"yuv{letter}{sampling}p" for letter in ("", "a", "j") for sampling in (410, 411, 420, 422, 440, 444)
) | {"gray", "nv12", "nv16", "nv21"}
"""Eight-bit formats whose first plane is the grey picture itself."""

MAX_STRETCH = 8
"""Pixels more oblong than this are taken for a broken header and shown square."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """What turns a stored picture upright: quarter turns counter-clockwise, then perhaps a mirror."""

    turns: int
    mirrored: bool


def shape(frame: av.VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height of the stored picture once its pixels, of this ratio of width to height, are square."""
    stretch = aspect if aspect and Fraction(1, MAX_STRETCH) <= aspect <= MAX_STRETCH else Fraction(1)
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


class PictureMaker:
    """Writes the pictures of frames into memory; keeps its converters from frame to frame."""

    def __init__(self, detection_side: int) -> None:
        """`detection_side` is what the shorter side of the detection copy has at least, in pixels."""
        self._detection_side = detection_side
        self._small, self._grey = VideoReformatter(), VideoReformatter()

    def grey(self, frame: av.VideoFrame, width: int, height: int, memory: memoryview) -> tuple[list[int], bool]:
        """Write the grey picture; the flag says that its levels are 16..235 still."""
        if (frame.width, frame.height) == (width, height) and has_plain_luma(frame):
            return write(frame, memory), not is_full_range(frame)
        picture = self._grey.reformat(
            frame,
            width,
            height,
            "gray",
            src_color_range=ColorRange.JPEG if is_full_range(frame) else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        return write(picture, memory), False

    def small(self, frame: av.VideoFrame, width: int, height: int, memory: memoryview) -> list[int]:
        """Write the detection copy, RGB: an integer fraction of the picture, which is quick to make."""
        divisor = max(1, min(width, height) // self._detection_side)
        how = Interpolation.AREA if divisor > 1 else Interpolation.BILINEAR
        size = (max(1, round(width / divisor)), max(1, round(height / divisor)))
        return write(self._small.reformat(frame, *size, "rgb24", interpolation=how, threads=1), memory)


def write(picture: av.VideoFrame, memory: memoryview) -> list[int]:
    """Copy the first plane of a picture, padding and all: its width, height, and bytes from row to row.

    Raises ValueError when it does not fit.
    """
    plane = picture.planes[0]
    size = plane.line_size * picture.height
    memory[:size] = memoryview(plane)[:size]
    return [picture.width, picture.height, plane.line_size]


def has_plain_luma(frame: av.VideoFrame) -> bool:
    """Whether the first plane is the grey picture, from top to bottom."""
    return frame.format.name in LUMA_FORMATS and frame.planes[0].line_size > 0


def is_full_range(frame: av.VideoFrame) -> bool:
    """Whether black is 0 and white 255."""
    kind = frame.format
    return frame.color_range == ColorRange.JPEG or kind.name.startswith("yuvj") or kind.is_rgb or kind.has_palette
