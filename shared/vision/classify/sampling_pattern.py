"""A repeating choice of sampling times, at which a costly network processes the crop of a face."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SamplingPattern:
    """The places of a period of sampling times.

    The pattern follows the sampling times and not the clip, so that each window of two periods has the same number of
    these crops wherever it begins, and overlapping windows share them.
    """

    period: int
    places: Collection[int]

    def includes(self, tick: int, usual_ticks: float = 1.0) -> bool:
        """Whether the crop at a sampling time is processed.

        usual_ticks  usual number of sampling times between frames; the crop also stands for those until the next frame
        """
        covered = range(tick, tick + max(round(usual_ticks), 1))
        return any(place % self.period in self.places for place in covered[: self.period])
