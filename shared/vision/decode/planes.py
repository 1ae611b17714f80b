"""Frame over the decoder's planes, luma and colour differences. Only the parts that are read are converted."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import cv2
import numpy as np

from duygu.shared.vision.decode.tone_mapping import ToneMap
from duygu.shared.vision.types import Area, Floats, Image

BLACK, WHITE = 16, 235
"""Limits of limited-range luma."""

COLOUR_SPAN = 224
"""Range of limited-range colour differences."""

TURNS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}

EVEN = 4
"""Alignment of areas of the detection copy. Aligned areas contain whole pixels of the colour planes, which have a half
or a quarter of the resolution of luma."""


@dataclass(frozen=True)
class StoredFrame:
    """`Frame` over planes in shared memory, valid until their slot is released."""

    index: int
    time_s: float
    planes: tuple[Image, ...]  # (h, w) luma and perhaps (h', w') differences of blue and of red
    limited: bool  # limited range, levels 16..235
    weights: tuple[float, float]  # weights of red and of blue in luma
    turns: int  # quarter turns counter-clockwise to the upright picture
    mirrored: bool  # after the rotation
    divisor: int  # pixels of luma per pixel of the detection copy, along each side
    tone_map: ToneMap | None = None  # for HDR levels
    _kept: list[tuple[Area, Image]] = field(default_factory=list, init=False, compare=False, repr=False)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        height, width = self.planes[0].shape
        return (height, width) if self.turns % 2 else (width, height)

    @cached_property
    def small_size(self) -> tuple[int, int]:
        """Width and height of the upright detection copy. Remaining pixels at the right and bottom are dropped."""
        width, height = self.size
        return width // self.divisor, height // self.divisor

    @property
    def scale(self) -> float:
        """Pixels of the picture per pixel of the detection copy."""
        return float(self.divisor)

    @cached_property
    def rgb(self) -> Image:
        """The whole detection copy: (h, w, 3) RGB."""
        return self._area((0, 0, *self.small_size))

    @cached_property
    def grey(self) -> Image:
        """The whole luma plane: (H, W)."""
        return self.grey_part((0, 0, *self.size))

    def grey_part(self, area: Area, step: int = 1) -> Image:
        """Every `step`-th row and column of an area of luma, full-range and upright.

        The last area is kept: the crops of a face for several networks overlap.
        """
        if step > 1:
            return self._luma(area, step)
        if not (self._kept and _contains(self._kept[-1][0], area)):
            self._kept[:] = [(area, self._luma(area, 1))]
        (left, top, *_), luma = self._kept[-1]
        return luma[area[1] - top : area[3] - top, area[0] - left : area[2] - left]

    def _luma(self, area: Area, step: int) -> Image:
        left, top, right, bottom = self._stored(area)
        part = self.planes[0][top:bottom:step, left:right:step]
        return self._upright(self._levels(part if step == 1 else np.ascontiguousarray(part)))

    def rgb_part(self, area: Area) -> Image:
        """An area of the detection copy."""
        if "rgb" in self.__dict__:  # already computed
            left, top, right, bottom = area
            return self.rgb[top:bottom, left:right]
        left, top = (edge // EVEN * EVEN for edge in area[:2])
        right, bottom = (
            min(-(-edge // EVEN) * EVEN, side) for edge, side in zip(area[2:], self.small_size, strict=True)
        )
        part = self._area((left, top, right, bottom))
        return part[area[1] - top : area[3] - top, area[0] - left : area[2] - left]

    def sparse_rgb(self, step: int) -> Image:
        """Every `step`-th row and column of the detection copy, each from a single pixel of the picture."""
        step *= self.divisor
        luma = self.planes[0][::step, ::step]
        parts = [
            plane[:: step // down, :: step // across]
            for plane in self.planes
            for across, down in [self._sampling(plane)]
        ]
        return self._coloured(parts, luma.shape[::-1])

    def _area(self, area: Area) -> Image:
        left, top, right, bottom = (edge * self.divisor for edge in area)
        left, top, right, bottom = self._stored((left, top, right, bottom))
        size = (right - left) // self.divisor, (bottom - top) // self.divisor
        return self._coloured([self._plane_part(plane, (left, top, right, bottom)) for plane in self.planes], size)

    def _coloured(self, parts: list[Image], size: tuple[int, int]) -> Image:
        """Convert parts of the stored planes to upright RGB of this width and height before the rotation."""
        # OpenCV merges contiguous planes four times as fast.
        parts = [np.ascontiguousarray(resized(part, size)) for part in parts]
        if len(parts) < 3:
            return self._upright(np.asarray(cv2.cvtColor(self._levels(parts[0]), cv2.COLOR_GRAY2RGB), np.uint8))
        coded = np.asarray(cv2.transform(cv2.merge(parts), rgb_matrix(self.weights, limited=self.limited)), np.uint8)
        return self._upright(self.tone_map.rgb(coded) if self.tone_map else coded)

    def _plane_part(self, plane: Image, area: Area) -> Image:
        """The part of a plane of any resolution that an area of luma covers."""
        across, down = self._sampling(plane)
        left, top, right, bottom = area
        return plane[top // down : -(-bottom // down), left // across : -(-right // across)]

    def _sampling(self, plane: Image) -> tuple[int, int]:
        """Pixels of luma per pixel of this plane, horizontally and vertically."""
        (height, width), (luma_height, luma_width) = plane.shape, self.planes[0].shape
        return -(-luma_width // width), -(-luma_height // height)

    def _levels(self, grey: Image) -> Image:
        levels = full_range(grey) if self.limited else grey
        return self.tone_map.grey(levels) if self.tone_map else levels

    def _stored(self, area: Area) -> Area:
        """Convert an upright area to coordinates of the stored picture."""
        left, top, right, bottom = area
        width, height = self.size
        if self.mirrored:
            left, right = width - right, width - left
        match self.turns:
            case 1:
                return height - bottom, left, height - top, right
            case 2:
                return width - right, height - bottom, width - left, height - top
            case 3:
                return top, width - right, bottom, width - left
            case _:
                return left, top, right, bottom

    def _upright(self, picture: Image) -> Image:
        """Rotate and mirror a stored picture to its upright orientation."""
        if self.turns:
            picture = np.asarray(cv2.rotate(picture, TURNS[self.turns]), np.uint8)
        return np.asarray(cv2.flip(picture, 1), np.uint8) if self.mirrored else picture


def _contains(outer: Area, inner: Area) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


@lru_cache(maxsize=8)
def rgb_matrix(weights: tuple[float, float], *, limited: bool) -> Floats:
    """(3, 4) matrix from luma and colour differences to RGB.

    weights  of red and of blue in luma
    """
    red, blue = weights
    green = 1 - red - blue
    gain, spread = (255 / (WHITE - BLACK), 255 / COLOUR_SPAN) if limited else (1.0, 1.0)
    to_red, to_blue = 2 * (1 - red) * spread, 2 * (1 - blue) * spread
    rows = np.array(
        [[gain, 0, to_red], [gain, -to_blue * blue / green, -to_red * red / green], [gain, to_blue, 0]], np.float32
    )
    zero = np.array([BLACK if limited else 0, 128, 128], np.float32)
    return np.concatenate([rows, -(rows @ zero)[:, np.newaxis]], axis=1)


def full_range(grey: Image) -> Image:
    """Convert limited-range levels to 0..255. In OpenCV, this sum is faster than a look-up table."""
    gain = 255 / (WHITE - BLACK)
    return np.asarray(cv2.addWeighted(grey, gain, grey, 0, -BLACK * gain), np.uint8)


def resized(plane: Image, size: tuple[int, int]) -> Image:
    """Resize a plane to this width and height: area means to shrink, repeated pixels to enlarge."""
    if plane.shape == size[::-1]:
        return plane
    how = cv2.INTER_AREA if plane.shape[1] > size[0] else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(plane, size, interpolation=how), np.uint8)
