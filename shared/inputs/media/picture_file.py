"""Checks of a picture file before it is decoded: its kind, its size, and that it is whole and not animated."""

import struct
from pathlib import Path

from duygu.shared.errors import (
    AnimatedPictureError,
    EmptyFileError,
    NotAPictureError,
    TooManyPixelsError,
    UndecodablePictureError,
)
from duygu.shared.inputs.media.animation import is_animated
from duygu.shared.inputs.media.image_size import JPEG, PNG, RIFF, WEBP, breaks_off, dimensions, jpeg_scan
from duygu.shared.inputs.media.motion_jpeg import JpegRun

HEAD_BYTES = 64
"""Bytes at the start of a file that decide whether it is a picture."""

KINDS = "JPEG, PNG, WebP and AVIF"
"""The supported kinds, for people."""

BOX = struct.Struct(">I4s")
"""Header of a box of an ISO base media file: size and type (ISO/IEC 14496-12)."""

AVIF_BRANDS, AVIF_SEQUENCE = frozenset({b"avif", b"avis"}), b"avis"
"""Major brands of AVIF files, and that of an animated one."""

HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})

EXTENT = b"ispe"
"""Type of the box with the width and height of an image item (ISO/IEC 23008-12, 6.5.3), behind four bytes of flags."""

OTHERS = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\1\0": "an icon",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"8BPS": "a Photoshop file",
    b"<svg": "SVG",
}
"""Names of other kinds of pictures by their first bytes."""


def check_picture(picture: bytes, max_pixels: int) -> None:
    """Raise an error for bytes that are not one whole still picture of a supported kind and size.

    Raises EmptyFileError, NotAPictureError, AnimatedPictureError, UndecodablePictureError or TooManyPixelsError.
    """
    if not picture:
        raise EmptyFileError
    width, height = _size(picture)
    if width * height > max_pixels:
        raise TooManyPixelsError(f"The picture has {width} x {height} pixels; the limit is {max_pixels} pixels")
    if is_animated(picture) or _brand(picture) == AVIF_SEQUENCE:
        raise AnimatedPictureError("The picture is animated; send a still picture, or the animation as a video")
    if _is_truncated(picture):
        raise UndecodablePictureError("The picture is truncated")


def is_picture(head: bytes) -> bool:
    """Whether a file with this beginning is a picture of a supported kind, animated or not."""
    is_webp = head.startswith(RIFF) and head[8:12] == WEBP
    return head.startswith((JPEG, PNG)) or is_webp or _brand(head) in AVIF_BRANDS


def read_still(path: Path, max_bytes: int) -> bytes | None:
    """The content of a file that is a still picture; None for a video, an animation, and a file above `max_bytes`."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if not is_picture(head) or path.stat().st_size > max_bytes:
            return None
        picture = head + file.read()
    return None if is_animated(picture) or _brand(picture) == AVIF_SEQUENCE or _is_motion_jpeg(picture) else picture


def _is_motion_jpeg(picture: bytes) -> bool:
    run = JpegRun()
    run.feed(picture)
    return run.several


def _size(picture: bytes) -> tuple[int, int]:
    if _brand(picture) in AVIF_BRANDS:
        return _avif_size(picture)
    if not is_picture(picture):
        kind = _other_kind(picture)
        raise NotAPictureError(f"The file is {kind}; supported are {KINDS}" if kind else f"Supported are {KINDS}")
    return dimensions(picture)


def _brand(picture: bytes) -> bytes:
    """The major brand of an ISO base media file; empty for any other file."""
    return picture[8:12] if picture[4:8] == b"ftyp" else b""


def _other_kind(picture: bytes) -> str:
    if _brand(picture) in HEIF_BRANDS:
        return "HEIC"
    return next((name for start, name in OTHERS.items() if picture.startswith(start)), "")


def _avif_size(picture: bytes) -> tuple[int, int]:
    """The largest extent of all image items, so that a small thumbnail hides no large picture."""
    sizes, at = [], picture.find(EXTENT)
    while at >= 0 and at + 16 <= len(picture):
        width, height = struct.unpack_from(">II", picture, at + 8)
        sizes.append((int(width), int(height)))
        at = picture.find(EXTENT, at + 16)
    if not sizes:
        raise NotAPictureError("The AVIF file has no image")
    return max(sizes, key=lambda size: size[0] * size[1])


def _is_truncated(picture: bytes) -> bool:
    if picture.startswith(PNG):
        return breaks_off(picture)
    if picture.startswith(JPEG):
        return picture.find(b"\xff\xd9", jpeg_scan(picture)) < 0
    if picture.startswith(RIFF):
        return int.from_bytes(picture[4:8], "little") + 8 > len(picture)
    return _ends_inside_a_box(picture)


def _ends_inside_a_box(picture: bytes) -> bool:
    at = 0
    while at + BOX.size <= len(picture):
        size = BOX.unpack_from(picture, at)[0]
        if size < BOX.size:  # 0: to the end of the file; 1: a size in 64 bits, which no picture needs
            return bool(size)
        at += size
    return at != len(picture)
