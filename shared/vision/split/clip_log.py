"""The crops of faces that were there before a part began, for the classification after the parts are joined.

Windows of a face begin at every fifth crop since its track began. For a track that began before the part, only the
earlier parts know when; its windows are computed once the parts are joined.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from duygu.shared.vision.classify.clips import Clip, ClipBuilder, Crop


@dataclass(frozen=True, slots=True)
class Addition:
    """The arguments of one call of `ClipBuilder.add`, besides the crop."""

    key: int  # of the track
    missed: bool
    usual_ticks: float
    stretch: int


Record = Callable[[Addition, Crop], None]


@dataclass(slots=True)
class DeferredClips(ClipBuilder):
    """A ClipBuilder that passes its input to `record` instead of yielding clips."""

    key: int = 0
    record: Record = field(default=lambda addition, crop: None)

    def add(self, crop: Crop, *, missed: bool, usual_ticks: float = 1.0, stretch: int = 1) -> Iterator[Clip]:
        """Record the next crop. Yields nothing."""
        for _ in ClipBuilder.add(self, crop, missed=missed, usual_ticks=usual_ticks, stretch=stretch):
            pass
        self.record(Addition(self.key, missed, usual_ticks, stretch), crop)
        return iter(())

    def end(self) -> Iterator[Clip]:
        """End the current clip. Yields nothing."""
        for _ in ClipBuilder.end(self):
            pass
        return iter(())

    @classmethod
    def of(cls, builder: ClipBuilder, key: int, record: Record) -> "DeferredClips":
        """Continue a builder."""
        return cls(builder.recipe, builder.crops, builder.due, builder.made, builder.stride, key, record)
