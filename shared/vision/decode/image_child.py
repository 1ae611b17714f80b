"""The process that decodes single pictures: `python -m shared.vision.decode.image_child ORDER`.

For each number of bytes on its standard input it decodes the picture that lies at the beginning of the shared memory,
puts the two pictures that the engine looks at behind the space for pictures, and writes width and
height to its standard output; 0 and 0 for a picture that cannot be decoded.
"""

import json
import mmap
import os
import resource
import struct
import sys
import time
from dataclasses import dataclass

import cv2
import numpy as np

from duygu.shared.vision.decode.picture_planes import Pixels, planes, small_size
from duygu.shared.vision.decode.sandbox import confine

REQUEST = struct.Struct(">I")
"""Bytes of the picture."""

REPLY = struct.Struct(">II")
"""Width and height in pixels."""

PICTURE_CPU_S = 5
"""Processor time for one picture; at its end the kernel ends the process. The largest take a tenth of a second."""


@dataclass(frozen=True, slots=True)
class ImageOrder:
    """What the process is to do."""

    memory: int  # file descriptor
    picture_bytes: int  # space for pictures in the memory; the rest is for pixels
    side: int  # least pixels of the shorter side of the picture that faces are found on
    memory_bytes: int  # address space


class SharedPicture:
    """Shared memory: space for one encoded picture, then for the two that the engine looks at, grey before RGB."""

    def __init__(self, memory: mmap.mmap, picture_bytes: int, side: int) -> None:
        whole = np.frombuffer(memory, np.uint8)
        self.encoded, self._decoded_space, self._side = whole[:picture_bytes], whole[picture_bytes:], side

    def planes(self, width: int, height: int) -> tuple[Pixels, Pixels] | None:
        """(h, w, 3) RGB and (H, W) grey of a picture of this size; None where there is no room for it."""
        small_width, small_height = small_size(width, height, self._side)
        grey_end = width * height
        end = grey_end + small_width * small_height * 3
        if end > self._decoded_space.size:
            return None
        rgb = self._decoded_space[grey_end:end].reshape(small_height, small_width, 3)
        return rgb, self._decoded_space[:grey_end].reshape(height, width)


class PictureReader:
    """Decodes within shared memory."""

    def __init__(self, shared: SharedPicture, side: int) -> None:
        self._shared, self._side = shared, side

    def decode(self, size: int) -> tuple[int, int]:
        """Width and height of the picture in the first `size` bytes; (0, 0) if it cannot be decoded or is too large."""
        pixels = self._decoded(size)
        if pixels is None:
            return 0, 0
        height, width = pixels.shape[:2]
        target = self._shared.planes(width, height)
        if target is None:
            return 0, 0
        planes(pixels, self._side, *target)
        return width, height

    def _decoded(self, size: int) -> Pixels | None:
        try:
            pixels = cv2.imdecode(self._shared.encoded[:size], cv2.IMREAD_COLOR)
        except (cv2.error, MemoryError):
            return None
        return None if pixels is None else np.asarray(pixels, np.uint8)


def main(argument: str) -> None:
    """Decode picture after picture, until the parent closes the pipe or is gone."""
    order = ImageOrder(**json.loads(argument))
    memory = mmap.mmap(order.memory, 0)
    cv2.setNumThreads(1)
    confine(memory_bytes=order.memory_bytes, cpu_s=resource.RLIM_INFINITY, highest_file=order.memory)
    reader = PictureReader(SharedPicture(memory, order.picture_bytes, order.side), order.side)
    while request := os.read(sys.stdin.fileno(), REQUEST.size):
        _allow_cpu(PICTURE_CPU_S)
        os.write(sys.stdout.fileno(), REPLY.pack(*reader.decode(*REQUEST.unpack(request))))


def _allow_cpu(seconds: int) -> None:
    """So much processor time from now on. The soft limit counts from the start of the process, in whole seconds."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, hard))


if __name__ == "__main__":
    main(sys.argv[1])
