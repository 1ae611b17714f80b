"""Tests of duygu.shared.vision.decode.tone_mapping, with values of the standards."""

import numpy as np
import pytest

from duygu.shared.vision.decode.messages import Transfer
from duygu.shared.vision.decode.tone_mapping import DISPLAY_GAMMA, KNEE, PEAK, TONE_MAPS, hlg_scene, pq_light, shown


@pytest.mark.parametrize(
    ("level", "light"), [(0.0, 0.0), (0.5081, 100.0), (0.5807, 203.0), (0.7518, 1000.0), (1.0, 1e4)]
)
def test_pq_levels(level: float, light: float) -> None:
    """PQ levels have the light of BT.2408 and ST 2084, in cd/m2."""
    assert pq_light(np.array([level]))[0] * 203 == pytest.approx(light, rel=0.01, abs=1e-6)


def test_hlg_reference_white() -> None:
    """In HLG, 75 % is 203 cd/m2 on a display of 1000 cd/m2, and 50 % is a twelfth of the scene (BT.2408, BT.2100)."""
    assert hlg_scene(np.array([0.75]))[0] ** 1.2 * 1000 == pytest.approx(203, rel=0.01)
    assert hlg_scene(np.array([0.5, 1.0])) == pytest.approx([1 / 12, 1.0], rel=1e-3)


def test_light_up_to_the_knee_is_shown_as_it_is() -> None:
    """Light up to the knee is unchanged; beyond it, levels rise monotonically to white at the peak."""
    light = np.linspace(0, PEAK, 1000)
    levels = shown(light).astype(int)
    low = light <= KNEE
    assert levels[low] == pytest.approx(255 * light[low] ** (1 / DISPLAY_GAMMA), abs=0.51)
    assert (np.diff(levels) >= 0).all()
    assert levels[-1] == 255
    assert levels[light < 1].max() < 235


@pytest.mark.parametrize("transfer", TONE_MAPS)
def test_grey_stays_grey(transfer: Transfer) -> None:
    """Grey stays grey at all levels and equals the tone-mapped luma, except for rounding."""
    ramp = np.arange(256, dtype=np.uint8)[np.newaxis]
    colours = TONE_MAPS[transfer].rgb(np.repeat(ramp[..., np.newaxis], 3, axis=2)).astype(int)
    assert np.ptp(colours, axis=2).max() <= 1
    assert np.abs(colours[..., 0] - TONE_MAPS[transfer].grey(ramp)).max() <= 2
