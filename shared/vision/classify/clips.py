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

STILL_INTERVALS = 2.4
"""Usual times between two pictures of a source for which one picture is taken to be shown; where it stands longer, the
source has stopped."""

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
    made: int = 0  # clips; those of earlier pictures do not count where each is shown for longer than a clip lasts
    stride: int = 0  # crops from the last clip to the next; the recipe's, or more in a crowd

    def __post_init__(self) -> None:
        self.due = self.due or self.recipe.frames
        self.stride = self.stride or self.recipe.stride

    def add(self, crop: Crop, *, missed: bool, usual_ticks: float = 1.0, stretch: int = 1) -> Iterator[Clip]:
        """Take the next crop.

        missed       frames in between were analysed without finding this face
        usual_ticks  ticks from one analysed frame of the source to the next, usually
        stretch      factor of the recipe's stride, up to windows that do not overlap
        """
        if self.crops:
            absent = crop.tick - self.crops[-1].tick - 1
            if absent <= (MAX_GAP if missed else self._longest_fill(usual_ticks)):
                yield from self._fill(absent, missed=missed)
            elif missed or absent + 1 > STILL_INTERVALS * usual_ticks:
                yield from self.end()
            else:
                yield from self._hold(crop.time_s)
            if usual_ticks >= self.recipe.frames:
                self.made = 0
        yield from self._append(crop, stretch)

    def _longest_fill(self, usual_ticks: float) -> int:
        """Ticks without a picture for which its last one is repeated: half a clip, or a whole one if usual."""
        usual = min(self.recipe.frames - 1, int(STILL_INTERVALS * usual_ticks) - 1)
        return max(self.recipe.stride, usual)

    def _hold(self, until_s: float) -> Iterator[Clip]:
        """Answer once for a picture that a slow source shows for longer than a clip lasts, and for all that time."""
        last = self.crops.pop()
        yield from self.end()
        images = np.stack([last.image] * self.recipe.frames)
        yield Clip(last.time_s, until_s, images, tuple(flag for flag in Flag if flag in last.flags))

    def end(self) -> Iterator[Clip]:
        """Break here: the crops that no clip covers yet are answered for, if they are worth it."""
        frames, crops = self.recipe.frames, self.crops
        uncovered = self.stride - self.due
        if len(crops) == frames and uncovered * 2 >= self.recipe.stride:
            yield self._clip(crops)
        elif 0 < len(crops) < frames and (not self.made or len(crops) >= MIN_PADDED):
            yield self._clip(crops, Flag.PADDED)
        self.crops, self.due, self.stride = [], frames, self.recipe.stride

    def _fill(self, absent: int, *, missed: bool) -> Iterator[Clip]:
        """Repeat the last crop for ticks without one, as a player goes on showing the last picture."""
        last = self.crops[-1]
        for tick in range(last.tick + 1, last.tick + 1 + absent):
            flags = last.flags | {Flag.GAP} if missed else last.flags
            yield from self._append(replace(last, tick=tick, time_s=self._time(tick, last), flags=flags), 1)

    def _time(self, tick: int, last: Crop) -> float:
        return tick / self.recipe.rate_hz if self.recipe.rate_hz else last.time_s

    def _append(self, crop: Crop, stretch: int) -> Iterator[Clip]:
        self.crops = [*self.crops, crop][-self.recipe.frames :]
        self.due -= 1
        if self.due <= 0:
            self.stride = max(self.recipe.stride, min(self.recipe.stride * stretch, self.recipe.frames))
            yield self._clip(self.crops)

    def _clip(self, crops: list[Crop], *extra: Flag) -> Clip:
        self.due = self.stride
        self.made += 1
        padding = [crops[-1]] * (self.recipe.frames - len(crops))
        images = np.stack([crop.image for crop in [*crops, *padding]])
        return Clip(crops[0].time_s, crops[-1].time_s, images, (*_common(crops), *extra))


def _common(crops: list[Crop]) -> list[Flag]:
    """Flags of at least half of the crops; a single gap is enough to be told."""
    counts = Counter(flag for crop in crops for flag in crop.flags)
    return [flag for flag in Flag if counts[flag] and (flag is Flag.GAP or counts[flag] * 2 >= len(crops))]
