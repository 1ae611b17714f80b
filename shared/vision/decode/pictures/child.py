"""Child process that decodes single pictures: `python -m shared.vision.decode.pictures.child ORDER`.

Each request on standard input is the slot of the shared memory that contains a picture, the size of the picture in
bytes, and the minimum shorter side of its detection copy. The process writes the picture's two planes behind the
slot's space for encoded pictures, and its width and height to standard output; 0 and 0 if the picture cannot be
decoded.
"""

import json
import mmap
import os
import resource
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from duygu.shared.vision.decode.pictures.planes import Pixels, planes, small_size
from duygu.shared.vision.decode.sandbox import confine

REQUEST = struct.Struct(">III")
"""Slot, size of the encoded picture in bytes, and minimum shorter side of the detection copy in pixels."""

SLOTS = 2
"""Number of pictures in the shared memory: one is decoded while the parent reads the other one."""

REPLY = struct.Struct(">II")
"""Width and height in pixels."""

PICTURE_CPU_S = 5
"""CPU time limit per picture, after which the kernel kills the process. The largest frames of live sessions take 0.1 s,
50 megapixels 1 s."""

HEAD_BYTES = 4096
"""Bytes at the start of an AVIF file that contain the properties of its image."""

AVIF, AVIF_ROTATION, AVIF_MIRROR = b"ftypavif", b"irot", b"imir"
"""Start of an AVIF file behind the size of its first box, and the types of the boxes with its orientation."""


@dataclass(frozen=True, slots=True)
class ImageOrder:
    """Parameters of the process."""

    memory: int  # file descriptor
    picture_bytes: int  # space for the encoded picture; the rest is for planes
    memory_bytes: int  # limit of the address space


class SharedPicture:
    """Layout of a slot of the shared memory: the encoded picture, then its planes, grey before RGB."""

    def __init__(self, memory: mmap.mmap, picture_bytes: int, slot: int = 0) -> None:
        size = len(memory) // SLOTS
        whole = np.frombuffer(memory, np.uint8, size, slot * size)
        self.encoded, self._decoded_space = whole[:picture_bytes], whole[picture_bytes:]

    def planes(self, width: int, height: int, side: int) -> tuple[Pixels, Pixels] | None:
        """Views (h, w, 3) RGB and (H, W) grey for a picture of this size; None if it does not fit.

        side  minimum shorter side of the RGB picture, in pixels
        """
        small_width, small_height = small_size(width, height, side)
        grey_end = width * height
        end = grey_end + small_width * small_height * 3
        if end > self._decoded_space.size:
            return None
        rgb = self._decoded_space[grey_end:end].reshape(small_height, small_width, 3)
        return rgb, self._decoded_space[:grey_end].reshape(height, width)


class PictureDecoder:
    """Decodes pictures within shared memory."""

    def __init__(self, slots: Sequence[SharedPicture]) -> None:
        self._slots = slots

    def decode(self, slot: int, size: int, side: int) -> tuple[int, int]:
        """Decode the first `size` bytes of a slot: width and height; (0, 0) if the picture cannot be decoded or is too
        large."""
        shared = self._slots[slot]
        pixels = _decoded(shared.encoded[:size])
        if pixels is None:
            return 0, 0
        height, width = pixels.shape[:2]
        target = shared.planes(width, height, side)
        if target is None:
            return 0, 0
        planes(pixels, side, *target)
        return width, height


def _decoded(encoded: Pixels) -> Pixels | None:
    try:
        pixels = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        return None if pixels is None else _upright(np.asarray(pixels, np.uint8), encoded)
    except (cv2.error, MemoryError):
        return None


def _upright(pixels: Pixels, encoded: Pixels) -> Pixels:
    """Apply the orientation of an AVIF file (ISO/IEC 23008-12, 6.5.10 and 6.5.12), as OpenCV does for other kinds."""
    if encoded[4:12].tobytes() != AVIF:
        return pixels
    head = encoded[:HEAD_BYTES].tobytes()
    quarters, mirror = _property(head, AVIF_ROTATION), _property(head, AVIF_MIRROR)
    turned = np.rot90(pixels, (quarters or 0) & 3)
    return np.ascontiguousarray(turned if mirror is None else np.flip(turned, mirror & 1))


def _property(head: bytes, kind: bytes) -> int | None:
    """The only byte of a box of an image property; None without the box."""
    at = head.find(b"\0\0\0\x09" + kind) + 8
    return head[at] if 8 <= at < len(head) else None


def main(argument: str) -> None:
    """Decode pictures until the parent closes the pipe or ends."""
    order = ImageOrder(**json.loads(argument))
    memory = mmap.mmap(order.memory, 0)
    cv2.setNumThreads(1)
    confine(memory_bytes=order.memory_bytes, cpu_s=resource.RLIM_INFINITY, highest_file=order.memory)
    reader = PictureDecoder([SharedPicture(memory, order.picture_bytes, slot) for slot in range(SLOTS)])
    while request := os.read(sys.stdin.fileno(), REQUEST.size):
        _allow_cpu(PICTURE_CPU_S)
        os.write(sys.stdout.fileno(), REPLY.pack(*reader.decode(*REQUEST.unpack(request))))


def _allow_cpu(seconds: int) -> None:
    """Set the CPU time limit from now on. The soft limit counts from the start of the process, in whole seconds."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, hard))


if __name__ == "__main__":
    main(sys.argv[1])
