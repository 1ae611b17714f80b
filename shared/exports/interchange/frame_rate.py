"""Frame rate of a video, which editing programs count times in."""

from fractions import Fraction

from duygu.shared.schemas.result import Result

RATES = (
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(48),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
)
"""Frame rates of editing programs."""

USUAL = Fraction(25)

TOLERANCE = 0.03
"""Relative difference up to which a rate counts as one of `RATES`."""


def frame_rate(result: Result) -> Fraction:
    """The nearest usual rate; `USUAL` for a video of another or a variable rate."""
    video, options = result.video, result.options
    start_s, end_s = (options.start_s, options.end_s) if options else (None, None)
    length_s = min(end_s or video.duration_s, video.duration_s) - (start_s or 0.0)
    measured = video.frames_decoded / length_s if length_s > 0 else 0.0
    nearest = min(RATES, key=lambda rate: abs(float(rate) - measured))
    return nearest if abs(float(nearest) - measured) <= TOLERANCE * float(nearest) else USUAL
