"""Sound of a video file, decoded in a sandboxed child process."""

import json
import logging
import select
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from duygu.shared.annotated.sound_child import BYTES, SoundOrder
from duygu.shared.paths import IMPORT_PATH
from duygu.shared.processes.stderr_tail import StderrTail
from duygu.shared.vision.options import DecodeLimits

logger = logging.getLogger(__name__)

CHILD = "duygu.shared.annotated.sound_child"

SILENCE_S = 30.0
"""Maximum time between two pieces of the process; after it, the process is killed."""


class Sound:
    """Stereo samples of a file, 16 bits, in order. Unreadable sound is replaced by silence."""

    def __init__(self, path: Path, limits: DecodeLimits, start_s: float) -> None:
        """Start reading.

        start_s  time of the first sample in the file's clock
        """
        with path.open("rb") as file:
            order = SoundOrder(file.fileno(), start_s, limits.memory_bytes, limits.cpu_s)
            self._process = subprocess.Popen(  # noqa: S603 - our own module and an order made here
                [sys.executable, "-X", "faulthandler", "-m", CHILD, json.dumps(asdict(order))],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(order.file,),
                env={"PYTHONPATH": str(IMPORT_PATH), "PYTHONDONTWRITEBYTECODE": "1"},
                bufsize=0,
            )
        self._stderr = StderrTail(self._process)
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._stderr.close()
        if self._process.stdout:
            self._process.stdout.close()

    def read(self, count: int) -> bytes:
        """Read the next `count` samples; fewer at the end, and if the process fails or hangs, which is logged."""
        content = b"" if self._ended else self._read(count * BYTES)
        if len(content) < count * BYTES and not self._ended:
            self._ended = True
            if self._process.wait():
                logger.warning("the sound of a video could not be read to its end: %s", self._stderr.ending())
        return content[: len(content) // BYTES * BYTES]

    def _read(self, size: int) -> bytes:
        """Read `size` bytes; fewer at the end, and if the process is silent for too long, which kills it."""
        if self._process.stdout is None:
            return b""
        content = bytearray()
        while len(content) < size:
            if not select.select([self._process.stdout], [], [], SILENCE_S)[0]:
                logger.warning("the process that reads the sound of a video produced no output for %.0f s", SILENCE_S)
                self._process.kill()
                break
            piece = self._process.stdout.read(size - len(content))
            if not piece:
                break
            content += piece
        return bytes(content)
