"""Progress of a video analysis."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Position of the analysis in its video, and numbers of frames."""

    fraction: float | None  # 0..1; None while the length is unknown
    time_s: float  # of the video
    duration_s: float | None
    frames_decoded: int
    frames_analysed: int
