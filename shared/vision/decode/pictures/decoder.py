"""Decoding of single untrusted pictures in a sandboxed child process (ADR 0032)."""

import logging
import mmap
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

import numpy as np

from duygu.shared.errors import UndecodablePictureError
from duygu.shared.inputs.media.image_size import breaks_off
from duygu.shared.runtime.processes.module_process import ModuleProcess
from duygu.shared.vision.decode.pictures.child import REPLY, REQUEST, SLOTS, ImageOrder, SharedPicture
from duygu.shared.vision.decode.video import detection_side, shared_memory
from duygu.shared.vision.types import PictureFrame

logger = logging.getLogger(__name__)

CHILD = "duygu.shared.vision.decode.pictures.child"

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


@dataclass(frozen=True, slots=True)
class Ahead:
    """A picture that was sent to the process, whose reply was not read yet."""

    picture: bytes
    side: int  # minimum shorter side of the detection copy, in pixels
    slot: int


class ImageDecoder:
    """Decodes pictures in a long-lived child process, which is replaced if it dies. Not thread-safe."""

    def __init__(self, *, picture_bytes: int, max_pixels: int, min_face: float) -> None:
        """Start the process without waiting for it.

        picture_bytes  maximum size of an encoded picture
        max_pixels     maximum number of pixels
        min_face       smallest face to detect, as a share of the shorter side, where `decode` has no other
        """
        self._file = shared_memory()
        size = (picture_bytes + max_pixels * 4) * SLOTS
        self._min_face = min_face
        self._file.truncate(size)
        self._memory = mmap.mmap(self._file.fileno(), 0)
        self._slots = [SharedPicture(self._memory, picture_bytes, slot) for slot in range(SLOTS)]
        self._slot = 0  # of the next picture that is sent to the process
        self._announced: bytes | None = None
        self._ahead: Ahead | None = None
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
        announced, self._announced = self._announced, None
        if not self._is_acceptable(picture):
            raise UndecodablePictureError
        side = detection_side(min_face or self._min_face)
        ahead = self._ahead
        if ahead is None or ahead.picture is not picture or ahead.side != side:
            if ahead:
                self._reply()  # of a picture that is not needed after all
            ahead = self._send(picture, side)
        reply = self._reply()
        if reply is None:
            raise UndecodablePictureError
        if announced is not None and self._is_acceptable(announced):
            self._send(announced, side)
        width, height = REPLY.unpack(reply)
        planes = self._slots[ahead.slot].planes(width, height, side) if width else None
        if planes is None:
            raise UndecodablePictureError
        return PictureFrame(index, time_s, *planes)

    def announce(self, picture: bytes | None) -> None:
        """Name the picture, the same object, that follows the one of the next call of `decode`, with the same smallest
        face. The process decodes it while the caller uses the first one. None for no picture."""
        self._announced = picture

    def _is_acceptable(self, picture: bytes) -> bool:
        return len(picture) <= self._slots[0].encoded.size and not breaks_off(picture)

    def _send(self, picture: bytes, side: int) -> Ahead:
        """Send a picture to the process, which it has to reply to before the next one is sent."""
        self._process = self._process or self._start()
        slot, self._slot = self._slot, (self._slot + 1) % SLOTS
        self._slots[slot].encoded[: len(picture)] = np.frombuffer(picture, np.uint8)
        self._ahead = Ahead(picture, side, slot)
        self._process.write(REQUEST.pack(slot, len(picture), side))
        return self._ahead

    def _reply(self) -> bytes | None:
        """Wait for the reply to the picture that was sent; None if the process died or timed out, and is replaced."""
        self._ahead = None
        process = self._process
        if process is None:
            return None
        reply = self._read(process)
        if reply is None:
            self._replace(process)
        return reply

    def clear(self) -> None:
        """Erase the picture of the last call from the shared memory, and return its pages to the system."""
        self._memory.madvise(mmap.MADV_REMOVE)

    def _read(self, process: ModuleProcess) -> bytes | None:
        """Read a reply; None if the process died or timed out."""
        deadline = time.monotonic() + (PICTURE_S if self._replied else START_S)
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
