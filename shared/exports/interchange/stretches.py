"""Stretches of one emotion per face, which annotation and editing programs show as annotations and markers."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from duygu.shared.exports.spans import Span, runs_of
from duygu.shared.exports.titles import face_title
from duygu.shared.schemas.result import Face, Result

MILLISECONDS = 1000

UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Adjacent windows of a face with one emotion, either all uncertain or all certain. They do not overlap."""

    start_ms: int
    end_ms: int
    """At least a millisecond after the start."""
    emotion: str
    confidence: float
    """Mean of the windows, weighted equally."""
    uncertain: bool

    @property
    def start_s(self) -> float:
        """Start in seconds."""
        return self.start_ms / MILLISECONDS

    @property
    def end_s(self) -> float:
        """End in seconds."""
        return self.end_ms / MILLISECONDS

    @property
    def words(self) -> str:
        """The emotion, with `?` if it is uncertain, and the confidence."""
        return f"{self.emotion}{'?' if self.uncertain else ''} {self.confidence:.0%}"


@dataclass(frozen=True, slots=True)
class Tier:
    """The stretches of one face."""

    face: Face
    title: str
    """Unique among the faces: the name, with the number of the face if several have it, or `Face` and its number."""
    stretches: list[Stretch]


def tiers_of(result: Result, origin_s: float = 0.0) -> list[Tier]:
    """The faces that have windows, in their order.

    origin_s  time of the first frame on the clock of the file: `first_frame_s` for players, 0 for editors, whose clock
              starts with the first frame
    """
    faces = [face for face in result.faces if face.windows]
    titles = _titles(faces)
    return [Tier(face, title, [*_stretches(face, origin_s)]) for face, title in zip(faces, titles, strict=True)]


def end_ms(result: Result, tiers: list[Tier], origin_s: float = 0.0) -> int:
    """End of the video or, if it is later, of the last stretch; at least 1."""
    last = max((stretch.end_ms for tier in tiers for stretch in tier.stretches), default=1)
    return max(round((origin_s + result.video.duration_s) * MILLISECONDS), last)


def _titles(faces: list[Face]) -> list[str]:
    names = [face_title(face) for face in faces]
    counts = Counter(name.casefold() for name in names)
    return [
        name if counts[name.casefold()] == 1 else f"{name} (face {face.face_id})"
        for name, face in zip(names, faces, strict=True)
    ]


def _stretches(face: Face, origin_s: float) -> Iterator[Stretch]:
    last = 0
    for run in runs_of(face):
        first = run[0].window
        start = max(_milliseconds(origin_s + run[0].start_s), last)
        last = max(_milliseconds(origin_s + run[-1].end_s), start + 1)
        yield Stretch(start, last, first.emotion, _confidence(run), first.uncertain)


def _confidence(run: list[Span]) -> float:
    return sum(span.window.confidence for span in run) / len(run)


def _milliseconds(time_s: float) -> int:
    return round(time_s * MILLISECONDS)
