"""What the decoding process and its parent tell each other. Imports almost nothing, so that the child starts fast.

Messages are JSON, one a line, on the child's standard output; pictures lie in slots of shared memory, which the
parent gives back by writing their numbers, one byte each, to the child's standard input.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

SLOTS = 6
"""Pictures that may be ahead of the analysis."""


class Transfer(StrEnum):
    """How the levels of a picture stand for light."""

    SDR = "sdr"
    PQ = "pq"  # high dynamic range, ITU-R BT.2100
    HLG = "hlg"  # the same


@dataclass(frozen=True, slots=True)
class Order:
    """What the child is to do."""

    file: int  # file descriptors
    memory: int
    slot_bytes: int
    rate_hz: float | None
    max_pixels: int
    max_duration_s: float
    memory_bytes: int
    cpu_s: int
    threads: int


@dataclass(frozen=True, slots=True)
class Opened:
    """The container could be read, and its video gives pictures."""

    duration_s: float | None
    interval_s: float | None  # from frame to frame, on average
    start_s: float  # time of the first picture in the file's own clock
    first_frame_s: float  # when it is due for a player: sound may begin before it


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture lies in a slot as it is stored: its planes, luma and perhaps two colour differences."""

    slot: int
    index: int
    time_s: float
    planes: list[list[int]]  # of each: width, height, bytes from row to row
    limited: bool  # levels are 16..235, as broadcast
    weights: list[float]  # share of red and of blue in luma
    turns: int  # quarter turns counter-clockwise to stand upright
    mirrored: bool  # after turning
    transfer: str  # a Transfer


@dataclass(frozen=True, slots=True)
class Ended:
    """There is nothing more to come."""

    duration_s: float
    decoded: int
    warnings: list[list[str]]  # code and detail


@dataclass(frozen=True, slots=True)
class Failed:
    """No picture could be had, and why: a code of duygu.shared.errors."""

    code: str
    detail: str | None


Message = Opened | Decoded | Ended | Failed
KINDS = {kind.__name__: kind for kind in (Opened, Decoded, Ended, Failed)}


def write(message: Message) -> bytes:
    """As a line."""
    return json.dumps([type(message).__name__, asdict(message)]).encode() + b"\n"


def read(line: bytes) -> Message:
    """The opposite of `write`. Raises ValueError for anything else."""
    try:
        name, values = json.loads(line)
        message: Any = KINDS[name](**values)
    except (KeyError, TypeError) as error:
        raise ValueError("no message of the decoding process") from error
    return message  # type: ignore[no-any-return]
