"""Tests of duygu.shared.vision.decode.tone_mapping, with figures of the standards."""

import numpy as np
import pytest

from duygu.shared.vision.decode.messages import Transfer
from duygu.shared.vision.decode.tone_mapping import DISPLAY_GAMMA, KNEE, PEAK, TONE_MAPS, hlg_scene, pq_light, shown


@pytest.mark.parametrize(
    ("level", "light"), [(0.0, 0.0), (0.5081, 100.0), (0.5807, 203.0), (0.7518, 1000.0), (1.0, 1e4)]
)
def test_pq_levels(level: float, light: float) -> None:
    """In cd/m2, as BT.2408 and ST 2084 have them."""
    assert pq_light(np.array([level]))[0] * 203 == pytest.approx(light, rel=0.01, abs=1e-6)


def test_hlg_reference_white() -> None:
    """75 % stand for 203 cd/m2 on a display of 1000 cd/m2, half for a twelfth of the scene (BT.2408, BT.2100)."""
    assert hlg_scene(np.array([0.75]))[0] ** 1.2 * 1000 == pytest.approx(203, rel=0.01)
    assert hlg_scene(np.array([0.5, 1.0])) == pytest.approx([1 / 12, 1.0], rel=1e-3)


def test_light_up_to_the_knee_is_shown_as_it_is() -> None:
    """And beyond it each stronger light as a higher level, the peak as white."""
    light = np.linspace(0, PEAK, 1000)
    levels = shown(light).astype(int)
    low = light <= KNEE
    assert levels[low] == pytest.approx(255 * light[low] ** (1 / DISPLAY_GAMMA), abs=0.51)
    assert (np.diff(levels) >= 0).all()
    assert levels[-1] == 255
    assert levels[light < 1].max() < 235


@pytest.mark.parametrize("transfer", TONE_MAPS)
def test_grey_stays_grey(transfer: Transfer) -> None:
    """In colour as in luma alone, at all levels but for rounding."""
    ramp = np.arange(256, dtype=np.uint8)[np.newaxis]
    colours = TONE_MAPS[transfer].rgb(np.repeat(ramp[..., np.newaxis], 3, axis=2)).astype(int)
    assert np.ptp(colours, axis=2).max() <= 1
    assert np.abs(colours[..., 0] - TONE_MAPS[transfer].grey(ramp)).max() <= 2
