"""Tone mapping of HDR video to SDR: PQ and HLG (ITU-R BT.2100) to BT.709.

    picture = TONE_MAPS[Transfer.PQ].rgb(coded)

Linear light is in units of the reference white, 203 cd/m2 (ITU-R BT.2408). Light up to KNEE is unchanged; brighter
light is compressed so that PEAK becomes white. Pictures have eight bits per channel, so all steps before the colour
conversion are look-up tables.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from duygu.shared.vision.decode.messages import Transfer
from duygu.shared.vision.types import Floats, Image

Reals = npt.NDArray[np.floating]

REFERENCE_WHITE = 203.0
"""In cd/m2 (ITU-R BT.2408, 2.1)."""

PEAK = 1000.0 / REFERENCE_WHITE
"""Light that becomes white: 1000 cd/m2, the peak of a typical grading monitor."""

KNEE = 0.5
"""Largest light that is unchanged."""

DISPLAY_GAMMA = 2.2
"""Gamma of displays for SDR video in browsers."""

STEPS = 4095
"""Steps of the square root of light. They are finer than eight bits, also in dark regions."""

TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
"""(3, 3) linear RGB from BT.2020 primaries, as used in BT.2100, to BT.709 primaries (ITU-R BT.2407, 2.2)."""


@dataclass(frozen=True)
class ToneMap:
    """Look-up tables for one transfer function. Levels are full-range."""

    transfer: Transfer

    def grey(self, coded: Image) -> Image:
        """Map luma (h, w) to SDR."""
        return np.asarray(cv2.LUT(coded, self._grey_table), np.uint8)

    def rgb(self, coded: Image) -> Image:
        """Map RGB (h, w, 3) to SDR in BT.709."""
        light = np.asarray(cv2.LUT(coded, self._light_table), np.float32)
        if self.transfer is Transfer.HLG:
            # The OOTF depends on the luminance of the scene (BT.2100, table 5).
            light *= cv2.LUT(cv2.cvtColor(coded, cv2.COLOR_RGB2GRAY), self._gain_table)[..., np.newaxis]
        light = np.asarray(cv2.transform(light, TO_BT709), np.float32)
        np.clip(light, 0.0, PEAK, out=light)
        steps = (np.sqrt(light, out=light) * np.float32(STEPS / np.sqrt(PEAK))).astype(np.uint16)
        return np.asarray(_SHOWN[steps], np.uint8)

    @cached_property
    def _light_table(self) -> Floats:
        """(256,) linear light of each level; scene light for HLG."""
        levels = np.arange(256) / 255
        return (pq_light(levels) if self.transfer is Transfer.PQ else hlg_scene(levels)).astype(np.float32)

    @cached_property
    def _gain_table(self) -> Floats:
        """(256,) ratio of display light to scene light, by level of luma."""
        return np.asarray(PEAK * hlg_scene(np.arange(256) / 255) ** 0.2, np.float32)

    @cached_property
    def _grey_table(self) -> Image:
        light = self._light_table * (self._gain_table if self.transfer is Transfer.HLG else 1.0)
        return shown(light)


def pq_light(levels: Reals) -> Reals:
    """Linear light of levels 0..1 (SMPTE ST 2084, as in BT.2100 table 4)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = np.asarray(levels, np.float64) ** (1 / m2)
    return np.asarray(10_000 / REFERENCE_WHITE * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1))


def hlg_scene(levels: Reals) -> Reals:
    """Scene light, 0..1, of levels 0..1 (BT.2100 table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    levels = np.asarray(levels, np.float64)
    return np.where(levels <= 0.5, levels**2 / 3, (np.exp((levels - c) / a) + b) / 12)


def shown(light: Reals) -> Image:
    """Levels of a standard display for linear light."""
    low = KNEE**2 * (PEAK - 1) / (KNEE**2 - 2 * KNEE + PEAK)
    high = (KNEE**2 - 2 * KNEE * PEAK + PEAK) / (PEAK - 1)
    scale = (high**2 + 2 * high * KNEE + KNEE**2) / (high + low)
    light = np.asarray(light, np.float64)
    light = np.where(light <= KNEE, light, scale * (light - low) / (light + high))  # a Moebius transformation
    return np.asarray(np.round(255 * np.clip(light, 0, 1) ** (1 / DISPLAY_GAMMA)), np.uint8)


_SHOWN = shown((np.arange(STEPS + 1) / STEPS) ** 2 * PEAK)

TONE_MAPS = {transfer: ToneMap(transfer) for transfer in (Transfer.PQ, Transfer.HLG)}
