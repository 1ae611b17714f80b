"""Video files, decoded in a sandboxed child process."""

import logging
import mmap
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

import numpy as np

from duygu.shared.errors import (
    DecoderLimitError,
    DuyguError,
    EmptyFileError,
    NotAVideoError,
    UndecodableVideoError,
    from_code,
)
from duygu.shared.runtime.processes.module_process import SILENCE_S, ModuleProcess
from duygu.shared.runtime.processes.standby import Standby
from duygu.shared.storage.spooling import is_pipe
from duygu.shared.vision.decode.messages import (
    SLOTS,
    Decoded,
    Ended,
    Failed,
    Message,
    Opened,
    Order,
    Skipping,
    Transfer,
    read,
)
from duygu.shared.vision.decode.planes import StoredFrame
from duygu.shared.vision.decode.tone_mapping import TONE_MAPS
from duygu.shared.vision.options import DecodeLimits
from duygu.shared.vision.types import Frame, Image

logger = logging.getLogger(__name__)

READ_BYTES = 1 << 16

DETECTION_FACE = 20.0
"""Minimum side of the smallest face in the detection copy, in pixels; facenet-pytorch's default."""

Rotation = Literal[0, 90, 180, 270]

ROTATIONS: tuple[Rotation, ...] = (0, 270, 180, 90)
"""Clockwise rotation in degrees by quarter turns counter-clockwise."""

NO_MEMORY = -1
"""As a file descriptor: the shared memory does not exist yet."""

CHILD = "duygu.shared.vision.decode.child"


def standby_decoder(*, keep: bool) -> Standby:
    """A decoding process that is started now, and waits for its video. `keep`: whether another one follows each."""
    return Standby(CHILD, keep=keep)


def detection_side(min_face: float) -> int:
    """Minimum shorter side of the detection copy, for a smallest face of this share of it."""
    return round(DETECTION_FACE / min_face)


class Video:
    """A video that is being decoded. It can be iterated once. A frame is valid until the next one is requested."""

    def __init__(
        self,
        path: Path,
        limits: DecodeLimits,
        rate_hz: float | None,
        detection_side: int | None = None,
        *,
        start_s: float = 0.0,
        end_s: float | None = None,
        should_stop: Callable[[], bool] | None = None,
        standby: Standby | None = None,
    ) -> None:
        """Start decoding, up to the first picture of the file.

        rate_hz         sampling rate; None for every frame
        detection_side  minimum shorter side of the detection copies, `Frame.rgb`, in pixels; None for full size
        start_s, end_s  part to return, in presentation times; the end is exclusive, None for the end of the video
        standby         decoding process that was started in advance

        Raises a VideoError for a file without pictures, and CancelledError once `should_stop` returns True.
        """
        self.width = self.height = self.frames_decoded = 0
        self.rotation: Rotation = 0
        self.warnings: list[tuple[str, str]] = []
        if is_pipe(path):
            raise NotAVideoError("A pipe cannot be read twice; save the video as a file first")
        with ExitStack() as stack:
            file = stack.enter_context(path.open("rb"))
            if not os.fstat(file.fileno()).st_size:
                raise EmptyFileError
            order = replace(make_order(limits, rate_hz, file), start_s=start_s, end_s=end_s)
            child = Child(order, detection_side, should_stop or (lambda: False), standby)
            if standby:
                stack.callback(standby.replenish)
            self._child = stack.enter_context(child)
            opened = self._child.receive()
            if not isinstance(opened, Opened):
                raise UndecodableVideoError
            self.duration_s, self.interval_s = opened.duration_s, opened.interval_s
            self.start_s, self.first_frame_s = opened.start_s, opened.first_frame_s
            self._last_s = 0.0
            self._resources = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def __iter__(self) -> Iterator[Frame]:
        """Iterate over the selected frames. Raises an error of shared/errors/ if there is none."""
        while isinstance(message := self._next(), Decoded):
            frame = self._child.frame(message)
            if not self.width:
                (self.width, self.height), self.rotation = frame.size, ROTATIONS[message.turns]
            self.frames_decoded = message.index + 1
            self._last_s = frame.time_s
            yield frame
            self._child.release(message.slot)
        if isinstance(message, Ended):
            self.duration_s, self.frames_decoded = message.duration_s, message.decoded
            self.warnings = [(code, detail) for code, detail in message.warnings]

    def _next(self) -> Message | None:
        """The next message about the part, or None if the process died after it had sent pictures."""
        try:
            while isinstance(message := self._child.receive(), Skipping):
                continue
            return message
        except (UndecodableVideoError, DecoderLimitError):
            if not self.frames_decoded:
                raise
            self.duration_s = self._last_s + (self.interval_s or 0.0)
            self.warnings = [("damaged", "the video could be decoded only up to a point")]
            return None


class Child:
    """The decoding process and its shared memory."""

    def __init__(
        self, order: Order, detection_side: int | None, should_stop: Callable[[], bool], standby: Standby | None = None
    ) -> None:
        """Start the process on an open file, or give it to the one that waits. `order`: without the shared memory."""
        self._slot_bytes = order.slot_bytes
        self._detection_side = detection_side
        self._should_stop = should_stop
        self._lines = bytearray()
        with shared_memory() as shared:
            shared.truncate(self._slot_bytes * SLOTS)
            self._memory = np.frombuffer(mmap.mmap(shared.fileno(), 0), np.uint8)
            order = replace(order, memory=shared.fileno())
            work = asdict(order), (order.file, order.memory)
            waiting = standby.take(*work) if standby else None
            self._process = waiting or ModuleProcess(CHILD, *work)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.close()

    def receive(self) -> Message:
        """Receive the next message.

        Raises the error that the process reports, DecoderLimitError if it exceeds its limits or hangs,
        UndecodableVideoError if it dies otherwise, and CancelledError once `should_stop` returns True.
        """
        deadline = time.monotonic() + SILENCE_S
        while b"\n" not in self._lines:
            if not (piece := self._read(deadline)):
                raise self._exit_error()
            self._lines += piece
        line, _, self._lines = self._lines.partition(b"\n")
        message = read(bytes(line))
        if isinstance(message, Failed):
            raise from_code(message.code, message.detail)
        return message

    def _read(self, deadline: float) -> bytes:
        try:
            return self._process.read(READ_BYTES, deadline, self._should_stop)
        except TimeoutError as error:
            self._process.kill()
            self._log(f"the decoding process produced no output for {SILENCE_S:g} s and was killed")
            raise DecoderLimitError from error

    def frame(self, decoded: Decoded) -> StoredFrame:
        """The picture in a slot, without a copy."""
        width, height, _ = decoded.planes[0]
        return StoredFrame(
            decoded.index,
            decoded.time_s,
            tuple(self._planes(decoded)),
            decoded.limited,
            (decoded.weights[0], decoded.weights[1]),
            decoded.turns,
            decoded.mirrored,
            divisor=max(1, min(width, height) // self._detection_side) if self._detection_side else 1,
            tone_map=TONE_MAPS.get(Transfer(decoded.transfer)),
        )

    def _planes(self, decoded: Decoded) -> Iterator[Image]:
        """Views of the planes without row padding."""
        start = decoded.slot * self._slot_bytes
        for width, height, stride in decoded.planes:
            end = start + stride * height
            yield self._memory[start:end].reshape(height, stride)[:, :width]
            start = end

    def release(self, slot: int) -> None:
        """Release a slot."""
        self._process.write(bytes([slot]))

    def _exit_error(self) -> DuyguError:
        code = self._process.wait()
        self._log("the decoding process ended early")
        if code >= 0:
            # A bug in the process, not a fault of the file.
            return DuyguError(f"the decoding process exited with status {code} before it reported a result")
        return DecoderLimitError() if -code in (signal.SIGXCPU, signal.SIGKILL) else UndecodableVideoError()

    def _log(self, what: str) -> None:
        """Log a warning with the end of the process's standard error."""
        logger.warning("%s: %s", what, self._process.ending())


def shared_memory() -> BinaryIO:
    """Create an anonymous file in memory, or a temporary file where the system has no such files."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("duygu-frames"), "r+b")
    return tempfile.TemporaryFile()


def make_order(limits: DecodeLimits, rate_hz: float | None, file: BinaryIO) -> Order:
    """Parameters of the process, without the shared memory."""
    # Only the pages that a picture covers are allocated, so the size of a slot costs only address space.
    slot_bytes = -(-limits.max_pixels * 4 // mmap.PAGESIZE) * mmap.PAGESIZE
    return Order(
        file=file.fileno(),
        memory=NO_MEMORY,
        slot_bytes=slot_bytes,
        rate_hz=rate_hz,
        max_pixels=limits.max_pixels,
        max_duration_s=limits.max_duration_s,
        memory_bytes=limits.memory_bytes + slot_bytes * SLOTS,
        cpu_s=limits.cpu_s,
        threads=limits.threads,
    )
