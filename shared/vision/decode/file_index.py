"""The index of a video file: its length and its key frames, read in the decoding process."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from duygu.shared.errors import UndecodableVideoError
from duygu.shared.vision.decode.messages import Opened
from duygu.shared.vision.decode.video import Child, make_order
from duygu.shared.vision.options import DecodeLimits


@dataclass(frozen=True, slots=True)
class FileIndex:
    """What a file states about its pictures. Times are in seconds from the first picture."""

    duration_s: float | None
    interval_s: float | None  # average frame interval
    key_frames_s: list[float] | None  # None where the decoder cannot seek


def read_index(path: Path, limits: DecodeLimits, should_stop: Callable[[], bool] | None = None) -> FileIndex:
    """Open a file and decode its first picture.

    Raises a VideoError for a file without pictures, and CancelledError once `should_stop` returns True.
    """
    with path.open("rb") as file:
        order = replace(make_order(limits, None, file), lists_key_frames=True)
        with Child(order, None, should_stop or (lambda: False)) as child:
            opened = child.receive()
    if not isinstance(opened, Opened):
        raise UndecodableVideoError
    return FileIndex(opened.duration_s, opened.interval_s, opened.key_frames_s)
