"""The checks of a picture file before it is decoded."""

import cv2
import numpy as np
import pytest

from duygu.shared.errors import DuyguError, UndecodablePictureError
from duygu.shared.inputs.media.picture_file import check_picture, is_picture
from tests.support.media.pictures import animated, astronaut, declared_png, turned

FORMS = (".jpg", ".png", ".webp", ".avif")


@pytest.mark.parametrize("form", FORMS)
def test_whole_pictures_pass_and_truncated_ones_do_not(form: str) -> None:
    """A whole picture passes; whatever is cut off its end, an error names it."""
    picture = astronaut(form)
    check_picture(picture, 512 * 512)
    assert is_picture(picture[:64])
    for length in (20, len(picture) // 3, len(picture) // 2, len(picture) - 2):
        with pytest.raises(DuyguError):
            check_picture(picture[:length], 512 * 512)
    with pytest.raises(UndecodablePictureError):
        check_picture(picture[: len(picture) // 2], 512 * 512)


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"", "empty_file"),
        (b"hello", "not_a_picture"),
        (b"GIF89a" + bytes(40), "not_a_picture"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "not_a_picture"),
        (declared_png(30_000, 30_000), "too_many_pixels"),
        (declared_png(0, 10), "not_a_picture"),
        (animated("PNG"), "animated_picture"),
        (animated("WEBP"), "animated_picture"),
        (animated("AVIF"), "animated_picture"),
    ],
    ids=["empty", "text", "gif", "heic", "30000", "no width", "apng", "webp", "avif"],
)
def test_unsuitable_files_have_a_code(picture: bytes, code: str) -> None:
    """Each kind of unsuitable file has its own code."""
    with pytest.raises(DuyguError) as refused:
        check_picture(picture, 50_000_000)
    assert refused.value.code == code


def test_an_unsupported_kind_is_named_with_the_supported_ones() -> None:
    """The error for HEIC says so, and which kinds can be sent."""
    with pytest.raises(DuyguError, match="HEIC; supported are JPEG, PNG, WebP and AVIF"):
        check_picture(b"\0\0\0\x18ftypheic" + bytes(40), 50_000_000)


def test_the_preview_of_a_photograph_does_not_hide_a_truncation() -> None:
    """A preview in the EXIF data ends like a picture; the end of the picture itself is required."""
    preview = bytes(cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1])
    whole = turned("JPEG", 1)
    segment = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
    photograph = whole[:2] + segment + whole[2:]
    check_picture(photograph, 50_000_000)
    with pytest.raises(UndecodablePictureError):
        check_picture(photograph[:-200], 50_000_000)
