"""Animations among pictures, found by their headers."""

import cv2
import numpy as np
import pytest

from duygu.shared.inputs.media.animation import is_animated
from tests.shared.vision.decode.file_kinds import animation
from tests.support.media.videos import STILL


@pytest.mark.parametrize("container", ["PNG", "WEBP"])
def test_animations_are_found(container: str) -> None:
    """An animation is found by its header, also where the file breaks off in its first picture."""
    picture = animation(container)
    assert is_animated(picture)
    assert is_animated(picture[:200])


@pytest.mark.parametrize("ending", [".png", ".webp", ".jpg"])
def test_single_pictures_are_no_animations(ending: str) -> None:
    """A picture of each format is no animation, however much of it there is."""
    picture = bytes(cv2.imencode(ending, np.ascontiguousarray(STILL.picture(0.0)))[1])
    assert not any(is_animated(picture[:length]) for length in (*range(200), len(picture)))


def test_an_extended_webp_need_not_be_an_animation() -> None:
    """Of the flags of a VP8X chunk only that of the animation counts."""
    head = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0"
    assert [is_animated(head + bytes([flags]) + bytes(9)) for flags in (0x00, 0x3D, 0x02)] == [False, False, True]
