"""Reading the size of a picture without decoding it."""

import struct

import cv2
import numpy as np
import pytest

from duygu.shared.errors import NotAPictureError, UndecodablePictureError
from duygu.shared.inputs.media.image_size import breaks_off, dimensions
from duygu.shared.vision.decode.pictures.decoding import decode, decode_frame

SIZES = ((1, 1), (17, 3), (640, 480), (3000, 40))


def picture(kind: str, width: int, height: int, *options: int) -> bytes:
    """Return a noisy picture of a format."""
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return bytes(cv2.imencode(kind, pixels, options)[1])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (".jpg", ()),
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 4)),
        (".png", ()),
        (".webp", (cv2.IMWRITE_WEBP_QUALITY, 80)),
        (".webp", (cv2.IMWRITE_WEBP_QUALITY, 101)),
    ],
)
def test_the_size_is_what_a_decoder_finds(kind: str, options: tuple[int, ...], size: tuple[int, int]) -> None:
    """The size equals that of the decoder for every format, lossy, lossless and progressive."""
    assert dimensions(picture(kind, *size, *options)) == size


def test_the_size_of_an_extended_webp_is_that_of_its_canvas() -> None:
    """The size of an extended WebP (VP8X) is that of its canvas, stored as 24-bit values less one."""
    size = b"".join(struct.pack("<I", value - 1)[:3] for value in (16_000, 9_000))
    assert dimensions(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + size) == (16_000, 9_000)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"words, not a picture",
        b"GIF89a" + bytes(40),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\x00\x04ab\xff\xd9",
        b"\xff\xd8\xff\xe0\x00\x00",
        b"\x89PNG\r\n\x1a\n" + bytes(20),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(8),
        b"RIFF\0\0\0\0WEBPVP8X",
        b"RIFF\0\0\0\0WEBPALPH" + bytes(40),
    ],
)
def test_anything_else_is_no_picture(content: bytes) -> None:
    """Texts, other formats, and truncated or invalid headers raise NotAPictureError."""
    with pytest.raises(NotAPictureError):
        dimensions(content)


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
def test_cut_off_anywhere_it_is_a_picture_or_an_error(kind: str) -> None:
    """Each prefix of a picture gives its size or NotAPictureError."""
    whole = picture(kind, 64, 48)
    for length in range(0, min(len(whole), 800)):
        try:
            assert dimensions(whole[:length]) == (64, 48)
        except NotAPictureError:
            continue


def test_a_png_that_promises_more_than_there_is() -> None:
    """A PNG chunk that exceeds the file is detected without decoding, which would take 2 GB; valid pictures pass."""
    whole = picture(".png", 160, 120)
    assert not breaks_off(whole)
    assert not breaks_off(whole + b"behind")
    at = whole.index(b"IDAT") - 4
    damaged = whole[:at] + b"\x7f\xff\xff\xff" + whole[at + 4 :]
    assert breaks_off(damaged)
    assert dimensions(damaged) == (160, 120)
    assert not breaks_off(picture(".jpg", 160, 120))
    for read in (decode, lambda content: decode_frame(content, 0, 0.0, 0.06)):
        with pytest.raises(UndecodablePictureError):
            read(damaged)
