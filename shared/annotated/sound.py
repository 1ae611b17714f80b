"""Sound of a video file, decoded in a sandboxed child process."""

import logging
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from duygu.shared.annotated.sound_child import BYTES, SoundOrder
from duygu.shared.runtime.processes.module_process import SILENCE_S, ModuleProcess
from duygu.shared.vision.options import DecodeLimits

logger = logging.getLogger(__name__)

CHILD = "duygu.shared.annotated.sound_child"


class Sound:
    """Stereo samples of a file, 16 bits, in order. Unreadable sound is replaced by silence."""

    def __init__(self, path: Path, limits: DecodeLimits, start_s: float) -> None:
        """Start reading.

        start_s  time of the first sample in the file's clock
        """
        with path.open("rb") as file:
            order = SoundOrder(file.fileno(), start_s, limits.memory_bytes, limits.cpu_s)
            self._process = ModuleProcess(CHILD, asdict(order), (order.file,))
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.close()

    def read(self, count: int) -> bytes:
        """Read the next `count` samples; fewer at the end, and if the process fails or hangs, which is logged."""
        content = b"" if self._ended else self._read(count * BYTES)
        if len(content) < count * BYTES and not self._ended:
            self._ended = True
            if self._process.wait():
                logger.warning("the sound of a video could not be read to its end: %s", self._process.ending())
        return content[: len(content) // BYTES * BYTES]

    def _read(self, size: int) -> bytes:
        """Read `size` bytes; fewer at the end, and if the process is silent for too long, which kills it."""
        content = bytearray()
        while piece := self._piece(size - len(content)):
            content += piece
        return bytes(content)

    def _piece(self, size: int) -> bytes:
        if not size:
            return b""
        try:
            return self._process.read(size, time.monotonic() + SILENCE_S)
        except TimeoutError:
            logger.warning("the process that reads the sound of a video produced no output for %.0f s", SILENCE_S)
            self._process.kill()
            return b""
