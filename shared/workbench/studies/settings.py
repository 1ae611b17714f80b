"""Settings of a study. They are written into its output."""

from dataclasses import asdict, dataclass

from duygu.shared.errors import InvalidStudyError


@dataclass(frozen=True, slots=True)
class StudySettings:
    """How the tables of a study are computed. Raises InvalidStudyError for a value outside its bounds."""

    up: float = 0.20
    """Probability from which an episode of an emotion starts."""

    down: float = 0.18
    """Probability below which an episode ends; at most `up`."""

    min_length_s: float = 0.5
    """Shortest episode, in seconds."""

    gap_s: float = 0.5
    """Longest interruption within an episode, in seconds."""

    around_s: float = 2.0
    """Length of the intervals before and after a marker, in seconds."""

    step_s: float = 0.5
    """Width of the bins of time courses, in seconds."""

    window_s: float = 10.0
    """Length of the windows of synchrony, in seconds."""

    lag_s: float = 2.0
    """Longest lag of synchrony, in seconds."""

    resamples: int = 2000
    """Bootstrap resamples of an interval."""

    permutations: int = 1000
    """Random permutations of the comparison of two groups, and random pairings of synchrony."""

    seed: int = 0
    """Seed of resamples and permutations."""

    def __post_init__(self) -> None:
        for name, low, high in BOUNDS:
            value = getattr(self, name)
            if not low <= value <= high:
                raise InvalidStudyError(f"{name} {value:g} is not between {low:g} and {high:g}")
        if self.down > self.up:
            raise InvalidStudyError(f"down {self.down:g} is above up {self.up:g}")

    def values(self) -> dict[str, float]:
        """The settings by name."""
        return asdict(self)


BOUNDS = (
    ("up", 0.0, 1.0),
    ("down", 0.0, 1.0),
    ("min_length_s", 0.0, 3600.0),
    ("gap_s", 0.0, 3600.0),
    ("around_s", 0.01, 3600.0),
    ("step_s", 0.05, 3600.0),
    ("window_s", 0.5, 3600.0),
    ("lag_s", 0.0, 60.0),
    ("resamples", 100, 100_000),
    ("permutations", 100, 100_000),
    ("seed", 0, 2**32 - 1),
)
"""Lowest and highest value of each setting. NaN is outside."""


DEFAULTS = StudySettings()
