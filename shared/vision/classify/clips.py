"""Assembly of clips from the crops of one face: `recipe.frames` crops at equal time steps, without long gaps."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.result import Flag
from duygu.shared.vision.types import Floats, Image

MAX_GAP = 2
"""Maximum number of consecutive sampling times at which a face can be undetected within a clip. Shorter gaps repeat the
last crop; longer ones end the clip."""

STILL_INTERVALS = 2.4
"""Maximum duration of a picture, in frame intervals of the source. After a longer pause the source is taken to have
stopped."""

FeatureCache = dict[bool, Floats]
"""Features (F,) of a crop (False) and of its mirror image (True), each after it was computed."""

MIN_PADDED = 3
"""Minimum number of crops for a padded clip, if the track has other clips."""


class DeferredFeatures:
    """Features (G,) of a crop by the second trunk, computed when they are first needed."""

    def __init__(self, compute: Callable[[], Floats]) -> None:
        """`compute` and the pixels that it holds are released after the first result."""
        self._compute: Callable[[], Floats] | None = compute
        self._features: Floats | None = None

    def result(self) -> Floats:
        """The features. Only one thread may need them."""
        if self._features is None:
            assert self._compute is not None  # noqa: S101 - one of both is there
            self._features, self._compute = self._compute(), None
        return self._features


@dataclass(frozen=True, slots=True)
class Crop:
    """Crop of a face in one frame."""

    tick: int
    time_s: float
    image: Image  # (size, size) grey
    flags: frozenset[Flag]
    movements: Floats | None = None  # (MEASURED,), as `MovementNetwork.measure` returns them
    second: Floats | None = None  # (G,) features by the second trunk, if it processed the crop
    features: FeatureCache = field(default_factory=dict, compare=False, repr=False)
    deferred: DeferredFeatures | None = field(default=None, compare=False, repr=False)
    """`second` in place of an array, where it is computed with the clip."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Input of the network for one window."""

    start_s: float
    end_s: float
    images: Image  # (frames, size, size)
    flags: tuple[Flag, ...]
    movements: Floats | None = None  # (n, MEASURED) of the crops whose movements were measured
    mirrored: bool = False
    """Whether the first half of the clip is mirrored in place of the second one, as in every second window of a face.
    Each crop has then the same orientation in both windows that contain it."""
    features: tuple[FeatureCache, ...] = field(default=(), compare=False, repr=False)
    """The cache of each crop; empty for a clip that was restored from a saved state."""
    second: Floats | None = None  # (n, G) features by the second trunk of the crops that it processed
    deferred: tuple[Floats | DeferredFeatures, ...] = field(default=(), compare=False, repr=False)
    """`second` in place of an array, until its rows are computed."""

    def complete(self) -> "Clip":
        """The clip with `second` as an array, computed now if it was deferred."""
        if not self.deferred:
            return self
        rows = [row.result() if isinstance(row, DeferredFeatures) else row for row in self.deferred]
        return replace(self, second=_distinct(rows), deferred=())

    @property
    def still(self) -> bool:
        """Whether the clip repeats one picture."""
        return bool((self.images[1:] == self.images[0]).all())


@dataclass(slots=True)
class ClipBuilder:
    """Collects the crops of one face. `crops` holds at most one clip."""

    recipe: Recipe
    crops: list[Crop] = field(default_factory=list)
    due: int = 0  # crops until the next clip
    made: int = 0  # number of clips; reset for each picture if pictures are shown for longer than a clip
    stride: int = 0  # crops between clips: the recipe's stride, or a larger one in a crowd

    def __post_init__(self) -> None:
        self.due = self.due or self.recipe.frames
        self.stride = self.stride or self.recipe.stride

    def add(self, crop: Crop, *, missed: bool, usual_ticks: float = 1.0, stretch: int = 1) -> Iterator[Clip]:
        """Add the next crop, and yield the clips that it completes.

        missed       whether frames since the last crop were analysed without detecting this face
        usual_ticks  usual number of sampling times between analysed frames
        stretch      factor for the recipe's stride, limited to windows that do not overlap
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
        """Maximum gap to fill with the last crop: half a clip, or up to a clip if the source often has such gaps."""
        usual = min(self.recipe.frames - 1, int(STILL_INTERVALS * usual_ticks) - 1)
        return max(self.recipe.stride, usual)

    def _hold(self, until_s: float) -> Iterator[Clip]:
        """Yield a clip of the last picture alone, for the whole time that a slow source shows it."""
        last = self.crops.pop()
        yield from self.end()
        images = np.stack([last.image] * self.recipe.frames)
        flags = tuple(flag for flag in Flag if flag in last.flags)
        features = (last.features,) * self.recipe.frames
        clip = Clip(last.time_s, until_s, images, flags, _measured([last]), features=features)
        yield _with_second_trunk(clip, [last])

    def end(self) -> Iterator[Clip]:
        """End the current clip. Crops that no clip contains yet form a last clip if there are enough of them."""
        frames, crops = self.recipe.frames, self.crops
        uncovered = self.stride - self.due
        if len(crops) == frames and uncovered * 2 >= self.recipe.stride:
            yield self._clip(crops)
        elif 0 < len(crops) < frames and (not self.made or len(crops) >= MIN_PADDED):
            yield self._clip(crops, Flag.PADDED)
        self.crops, self.due, self.stride = [], frames, self.recipe.stride

    def _fill(self, absent: int, *, missed: bool) -> Iterator[Clip]:
        """Repeat the last crop for each sampling time of the gap, as a player repeats the last picture."""
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
        mirrored = self.made % 2 == 1
        self.made += 1
        padded = [*crops, *[crops[-1]] * (self.recipe.frames - len(crops))]
        images, flags = np.stack([crop.image for crop in padded]), (*_common(crops), *extra)
        features = tuple(crop.features for crop in padded)
        clip = Clip(crops[0].time_s, crops[-1].time_s, images, flags, _measured(crops), mirrored, features)
        return _with_second_trunk(clip, crops)


def _measured(crops: list[Crop]) -> Floats | None:
    """The movements of the crops, without the repetitions that fill gaps; None where none was measured.

    Crops that were stored by another version, with another number of values, are left out.
    """
    distinct = {id(crop.movements): crop.movements for crop in crops if crop.movements is not None}
    rows = list(distinct.values())
    return np.stack([row for row in rows if len(row) == len(rows[-1])]) if rows else None


def _with_second_trunk(clip: Clip, crops: list[Crop]) -> Clip:
    """The clip with the features by the second trunk of the crops that it processed."""
    rows = [row for crop in crops if (row := crop.second if crop.deferred is None else crop.deferred) is not None]
    known = [row for row in rows if not isinstance(row, DeferredFeatures)]
    return replace(clip, second=_distinct(known)) if len(known) == len(rows) else replace(clip, deferred=tuple(rows))


def _distinct(rows: list[Floats]) -> Floats | None:
    """Features (n, G) without repetitions, which fill gaps and count once.

    They are compared by their values, since a crop that was stored and read again is another object.
    """
    distinct = {row.tobytes(): row for row in rows}
    return np.stack(list(distinct.values())) if distinct else None


def _common(crops: list[Crop]) -> list[Flag]:
    """Flags of at least half of the crops; GAP is set by a single crop."""
    counts = Counter(flag for crop in crops for flag in crop.flags)
    return [flag for flag in Flag if counts[flag] and (flag is Flag.GAP or counts[flag] * 2 >= len(crops))]
