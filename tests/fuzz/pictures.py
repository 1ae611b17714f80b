"""Binary messages of live sessions without the socket: header, dimensions, decoding."""

import cv2
import numpy as np

from duygu.shared.errors import LiveError
from duygu.shared.inputs.media.image_size import dimensions
from duygu.shared.live.header import pack, unpack
from duygu.shared.vision.decode.pictures.decoding import decode, to_frame
from tests.fuzz.mutations import mutate, pick
from tests.fuzz.running import FindingError
from tests.support.media.videos import Scene

MOST_PIXELS = 2560 * 1440
"""The default of `DUYGU_STREAM_MAX_PIXELS`, above which the API refuses a picture by its header."""


def live_messages() -> list[bytes]:
    """Return a picture in each supported format, with and without the header."""
    rgb = np.ascontiguousarray(Scene(width=160, height=120).picture(0)[..., ::-1])
    pictures = [bytes(cv2.imencode(ending, rgb)[1]) for ending in (".jpg", ".png", ".webp")]
    return [*pictures, *(pack(picture, 1, 0.1) for picture in pictures)]


class LivePictures:
    """Parses binary messages as the API does, and decodes the pictures as the worker does."""

    name = "pictures"
    deadline_s = 5.0

    def __init__(self) -> None:
        self._messages = live_messages()

    def make(self, random: np.random.Generator) -> bytes:
        """Return a mutated message."""
        return mutate(pick(self._messages, random), random)

    def run(self, content: bytes) -> str:
        """Decode the picture, whose size must be that of its header, or return the error code."""
        try:
            incoming = unpack(content)
            width, height = dimensions(incoming.picture)
            if width * height > MOST_PIXELS:
                return "too_many_pixels"
            pixels = decode(incoming.picture)
        except LiveError as error:
            return error.code
        if pixels.shape[0] * pixels.shape[1] > 2 * MOST_PIXELS:
            raise FindingError(f"{width} x {height} by its header, but {pixels.shape} decoded")
        to_frame(pixels, 0, 0.0, 0.06)
        return "decoded"
