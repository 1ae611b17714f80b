"""Picture files of a real face, and files that are none."""

import io
import struct
import zlib

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from skimage import data


def _pixels() -> "npt.NDArray[np.uint8]":
    return np.asarray(data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]


def astronaut(form: str = ".png") -> bytes:
    """The astronaut of scikit-image, 512 x 512 pixels with one face, in the format of an extension."""
    return bytes(cv2.imencode(form, np.ascontiguousarray(_pixels()[:, :, ::-1]))[1])


def turned(form: str, orientation: int) -> bytes:
    """The astronaut's upper part, 512 x 300 pixels as stored, with an EXIF orientation."""
    exif = Pillow.Exif()
    exif[0x112] = orientation
    file = io.BytesIO()
    Pillow.fromarray(_pixels()).crop((0, 0, 512, 300)).save(file, format=form, exif=exif)
    return file.getvalue()


def animated(form: str) -> bytes:
    """An animation of two pictures, as PNG, WebP or AVIF."""
    file = io.BytesIO()
    first, second = (Pillow.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    first.save(file, format=form, save_all=True, append_images=[second])
    return file.getvalue()


def declared_png(width: int, height: int) -> bytes:
    """A PNG whose header declares this size, with little data."""
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0),
        b"IDAT": zlib.compress(bytes(9)),
        b"IEND": b"",
    }
    whole = b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + whole


def bordered(still: "npt.NDArray[np.uint8]") -> bytes:
    """A tight crop of 48 x 48 pixels as PNG, three times as large and with a border, in which a face can be found."""
    larger = cv2.resize(still, (144, 144), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".png", cv2.copyMakeBorder(larger, 48, 48, 48, 48, cv2.BORDER_REFLECT))[1])
