"""How far the analysis of a video has come."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """The position of the analysis in its video."""

    fraction: float | None  # 0..1; None while the length is unknown
    time_s: float  # of the video
    duration_s: float | None
    frames_decoded: int
    frames_analysed: int
