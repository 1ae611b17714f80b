"""Messages between the decoding process and its parent. The module imports little, so that the child starts fast.

Messages are lines of JSON on the child's standard output. Pictures are in slots of shared memory. The parent releases
slots by writing their numbers, one byte each, to the child's standard input.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

SLOTS = 6
"""Number of pictures that can be decoded ahead of the analysis."""


class Transfer(StrEnum):
    """Transfer function of a picture."""

    SDR = "sdr"
    PQ = "pq"  # HDR, ITU-R BT.2100
    HLG = "hlg"  # HDR, ITU-R BT.2100


@dataclass(frozen=True, slots=True)
class Order:
    """Parameters of the child."""

    file: int  # file descriptors
    memory: int
    slot_bytes: int
    rate_hz: float | None
    max_pixels: int
    max_duration_s: float
    memory_bytes: int
    cpu_s: int
    threads: int
    start_s: float = 0.0  # the part to send, in presentation times; the end is exclusive
    end_s: float | None = None
    lists_key_frames: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """The container is readable and its video gives pictures."""

    duration_s: float | None
    interval_s: float | None  # average frame interval
    start_s: float  # time of the first picture in the file's clock
    first_frame_s: float  # presentation time in a player; sound can begin earlier
    key_frames_s: list[float] | None = None  # their times, if they were requested and the decoder can seek


@dataclass(frozen=True, slots=True)
class Decoded:
    """A slot contains a picture with its stored planes: luma and perhaps two colour differences."""

    slot: int
    index: int
    time_s: float
    planes: list[list[int]]  # width, height and bytes per row of each
    limited: bool  # limited range, levels 16..235
    weights: list[float]  # weights of red and of blue in luma
    turns: int  # quarter turns counter-clockwise to the upright picture
    mirrored: bool  # after the rotation
    transfer: str  # a Transfer


@dataclass(frozen=True, slots=True)
class Skipping:
    """The process decodes pictures before the part, and sends none of them."""

    time_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Decoding has ended."""

    duration_s: float
    decoded: int
    warnings: list[list[str]]  # code and detail


@dataclass(frozen=True, slots=True)
class Failed:
    """The file gave no picture; the reason is a code of duygu.shared.errors."""

    code: str
    detail: str | None


Message = Opened | Decoded | Skipping | Ended | Failed
KINDS = {kind.__name__: kind for kind in (Opened, Decoded, Skipping, Ended, Failed)}


def write(message: Message) -> bytes:
    """Encode a message as a line."""
    return json.dumps([type(message).__name__, asdict(message)]).encode() + b"\n"


def read(line: bytes) -> Message:
    """Decode a line. Raises ValueError if it is not a message."""
    try:
        name, values = json.loads(line)
        message: Any = KINDS[name](**values)
    except (KeyError, TypeError) as error:
        raise ValueError("not a message of the decoding process") from error
    return message  # type: ignore[no-any-return]
