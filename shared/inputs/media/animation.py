"""Whether a PNG or WebP picture is an animation, from its header."""

from duygu.shared.inputs.media.image_size import PNG, PNG_CHECKSUM, PNG_CHUNK, RIFF, WEBP

PNG_ANIMATION, PNG_IMAGE = b"acTL", b"IDAT"
"""Types of the chunk that marks an animated PNG, which precedes the image data, and of the image data."""

WEBP_ANIMATION = 0x02
"""Flag of the VP8X chunk of an animated WebP (RFC 9649, section 2.7)."""

WEBP_FLAGS_AT = 20
"""Offset of the flags of a VP8X chunk, which is the first chunk."""


def is_animated(picture: bytes) -> bool:
    """Return whether a picture with a valid header contains further pictures."""
    if picture.startswith(PNG):
        return _is_animated_png(picture)
    if picture.startswith(RIFF) and picture[8:16] == WEBP + b"VP8X":
        return bool(picture[WEBP_FLAGS_AT : WEBP_FLAGS_AT + 1] and picture[WEBP_FLAGS_AT] & WEBP_ANIMATION)
    return False


def _is_animated_png(picture: bytes) -> bool:
    at = len(PNG)
    while at + PNG_CHUNK.size <= len(picture):
        length, kind = PNG_CHUNK.unpack_from(picture, at)
        if kind in (PNG_ANIMATION, PNG_IMAGE):
            return bool(kind == PNG_ANIMATION)
        at += PNG_CHUNK.size + length + PNG_CHECKSUM
    return False
