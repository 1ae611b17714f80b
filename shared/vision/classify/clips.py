"""From the crops of one face to clips: ten of them, evenly spaced in time, none across a gap."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas import Flag
from duygu.shared.vision.types import Image

MAX_GAP = 2
"""Ticks in a row for which a face may be out of sight before its clip breaks; shorter gaps repeat the last crop."""

MAX_HOLD = 600
"""Ticks for which one picture may stand still, as in a video of one frame a minute. Where a slower one, or a faster one
that pauses, still shows the same face is for the tracker to say; of such a picture one clip is made."""

MIN_PADDED = 3
"""Crops that a piece of a track must have to be answered with a padded clip, where the face has another answer."""


@dataclass(frozen=True, slots=True)
class Crop:
    """One face in one frame."""

    tick: int
    time_s: float
    image: Image  # (size, size) grey
    flags: frozenset[Flag]


@dataclass(frozen=True, slots=True)
class Clip:
    """What the network sees at once."""

    start_s: float
    end_s: float
    images: Image  # (frames, size, size)
    flags: tuple[Flag, ...]


@dataclass(slots=True)
class ClipBuilder:
    """Collects the crops of one face. `crops` never holds more than one clip's worth."""

    recipe: Recipe
    crops: list[Crop] = field(default_factory=list)
    due: int = 0  # crops to come until the next clip
    made: int = 0

    def __post_init__(self) -> None:
        self.due = self.due or self.recipe.frames

    def add(self, crop: Crop, *, missed: bool) -> Iterator[Clip]:
        """Take the next crop; `missed` says that frames in between were analysed without finding this face."""
        if self.crops:
            absent = crop.tick - self.crops[-1].tick - 1
            if absent <= (MAX_GAP if missed else MAX_HOLD):
                yield from self._fill(absent, missed=missed)
            else:
                if not missed:
                    yield from self._fill(self.recipe.frames, missed=False)
                yield from self.end()
        yield from self._append(crop)

    def end(self) -> Iterator[Clip]:
        """Break here: the crops that no clip covers yet are answered for, if they are worth it."""
        frames, crops = self.recipe.frames, self.crops
        uncovered = self.recipe.stride - self.due
        if len(crops) == frames and uncovered * 2 >= self.recipe.stride:
            yield self._clip(crops)
        elif 0 < len(crops) < frames and (not self.made or len(crops) >= MIN_PADDED):
            yield self._clip(crops, Flag.PADDED)
        self.crops, self.due = [], frames

    def _fill(self, absent: int, *, missed: bool) -> Iterator[Clip]:
        """Repeat the last crop for ticks without one, as a player goes on showing the last picture."""
        last = self.crops[-1]
        for tick in range(last.tick + 1, last.tick + 1 + absent):
            flags = last.flags | {Flag.GAP} if missed else last.flags
            yield from self._append(replace(last, tick=tick, time_s=self._time(tick, last), flags=flags))

    def _time(self, tick: int, last: Crop) -> float:
        return tick / self.recipe.rate_hz if self.recipe.rate_hz else last.time_s

    def _append(self, crop: Crop) -> Iterator[Clip]:
        self.crops = [*self.crops, crop][-self.recipe.frames :]
        self.due -= 1
        if self.due <= 0:
            yield self._clip(self.crops)

    def _clip(self, crops: list[Crop], *extra: Flag) -> Clip:
        self.due = self.recipe.stride
        self.made += 1
        padding = [crops[-1]] * (self.recipe.frames - len(crops))
        images = np.stack([crop.image for crop in [*crops, *padding]])
        return Clip(crops[0].time_s, crops[-1].time_s, images, (*_common(crops), *extra))


def _common(crops: list[Crop]) -> list[Flag]:
    """Flags of at least half of the crops; a single gap is enough to be told."""
    counts = Counter(flag for crop in crops for flag in crop.flags)
    return [flag for flag in Flag if counts[flag] and (flag is Flag.GAP or counts[flag] * 2 >= len(crops))]
