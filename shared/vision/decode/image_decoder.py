"""Decoding of single untrusted pictures in a sandboxed child process (ADR 0032)."""

import logging
import mmap
import time
from dataclasses import asdict
from types import TracebackType
from typing import Self

import numpy as np

from duygu.shared.errors import UndecodablePictureError
from duygu.shared.inputs.media.image_size import breaks_off
from duygu.shared.runtime.processes.module_process import ModuleProcess
from duygu.shared.vision.decode.image_child import REPLY, REQUEST, ImageOrder, SharedPicture
from duygu.shared.vision.decode.video import detection_side, shared_memory
from duygu.shared.vision.types import PictureFrame

logger = logging.getLogger(__name__)

CHILD = "duygu.shared.vision.decode.image_child"

PICTURE_S = 10.0
"""Timeout for one picture, on a machine that may be busy. After it, the process is replaced."""

START_S = 30.0
"""Timeout for the first picture of a process, including its start."""


MEMORY_BYTES, BYTES_A_PIXEL = 400_000_000, 32
"""Limit of the process's address space: 300 MB for libraries, plus what a decoder allocates per pixel."""

KEPT_BYTES = str(32 * 1024 * 1024)
"""Memory that the C library keeps between pictures. Returning it to the kernel each time doubles the cost of a
picture."""

ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": KEPT_BYTES, "MALLOC_TRIM_THRESHOLD_": KEPT_BYTES}


class ImageDecoder:
    """Decodes pictures in a long-lived child process, which is replaced if it dies. Not thread-safe."""

    def __init__(self, *, picture_bytes: int, max_pixels: int, min_face: float) -> None:
        """Start the process without waiting for it.

        picture_bytes  maximum size of an encoded picture
        max_pixels     maximum number of pixels
        min_face       smallest face to detect, as a share of the shorter side, where `decode` has no other
        """
        self._file = shared_memory()
        size = picture_bytes + max_pixels * 4
        self._min_face = min_face
        self._file.truncate(size)
        self._memory = mmap.mmap(self._file.fileno(), 0)
        self._shared = SharedPicture(self._memory, picture_bytes)
        memory_bytes = MEMORY_BYTES + max_pixels * BYTES_A_PIXEL + size
        self._order = ImageOrder(self._file.fileno(), picture_bytes, memory_bytes)
        self._replied = False  # whether this process has replied yet
        self._process: ModuleProcess | None = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and close the file of the shared memory."""
        if self._process:
            self._process.close()
        self._file.close()

    def decode(
        self, picture: bytes, index: int = 0, time_s: float = 0.0, *, min_face: float | None = None
    ) -> PictureFrame:
        """Decode a JPEG, PNG, WebP or AVIF picture to a frame. Its pixels are valid until the next call.

        Raises UndecodablePictureError, also for a picture that exceeds the limits or crashes the process, and OSError
        if the process cannot be started.
        """
        if len(picture) > self._shared.encoded.size or breaks_off(picture):
            raise UndecodablePictureError
        self._process = self._process or self._start()
        side = detection_side(min_face or self._min_face)
        self._shared.encoded[: len(picture)] = np.frombuffer(picture, np.uint8)
        reply = self._exchange(self._process, REQUEST.pack(len(picture), side))
        if reply is None:
            self._replace(self._process)
            raise UndecodablePictureError
        width, height = REPLY.unpack(reply)
        planes = self._shared.planes(width, height, side) if width else None
        if planes is None:
            raise UndecodablePictureError
        return PictureFrame(index, time_s, *planes)

    def clear(self) -> None:
        """Erase the picture of the last call from the shared memory, and return its pages to the system."""
        self._memory.madvise(mmap.MADV_REMOVE)

    def _exchange(self, process: ModuleProcess, request: bytes) -> bytes | None:
        """Send a request; returns the reply, or None if the process died or timed out."""
        deadline = time.monotonic() + (PICTURE_S if self._replied else START_S)
        process.write(request)
        reply = b""
        while len(reply) < REPLY.size:
            try:
                piece = process.read(REPLY.size - len(reply), deadline)
            except TimeoutError:
                logger.warning("the process that decodes pictures did not reply in time")
                return None
            if not piece:
                return None
            reply += piece
        self._replied = True
        return reply

    def _replace(self, process: ModuleProcess) -> None:
        """Replace a process that died or hangs."""
        self._process = None  # the next picture retries if this start fails
        process.kill()
        logger.warning("the process that decodes pictures is replaced: %s", process.ending())
        process.close()
        self._process = self._start()

    def _start(self) -> ModuleProcess:
        self._replied = False
        return ModuleProcess(CHILD, asdict(self._order), (self._order.memory,), **ENVIRONMENT)
