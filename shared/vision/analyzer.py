"""The one path from frames to emotions, for a file and for a live stream."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from duygu.shared.vision.batching import Answering, AtOnce, InBackground
from duygu.shared.vision.classify.clips import Clip, ClipBuilder, Crop
from duygu.shared.vision.classify.crops import crop_of
from duygu.shared.vision.classify.quality import judge
from duygu.shared.vision.decode.sampling import Sampler
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import Answer, Seen
from duygu.shared.vision.track.track import Track
from duygu.shared.vision.track.tracker import CROWD_FACES, TICK_ROUNDING_S, Tracker
from duygu.shared.vision.types import Frame

CONFIRM_S, CONFIRM_SCORE, CONFIRM_FOUND = 0.2, 0.9, 2
"""A face counts once it has been followed for so long, O-Net has been so sure of it at least once, and the whole
cascade has found it this often: O-Net alone follows what is no face for longer than the cascade finds it."""

SLOW_ROUNDING_S = 0.03
"""A source is slow when its frames are a clip apart, or less by no more than this. There a face counts in one frame,
which is in sight for as long as a clip."""

CONFIRM_SHARE = 0.5
"""At the very end, a face also counts that is in this share of all frames, as in a video of one frame."""

MAX_UNCOUNTED = 10
"""Clips that wait for a face to count. Most count within half a second; what never does may be followed for hours."""

TOO_MANY_FACES = "too_many_faces"
"""Code of the warning that faces beyond `max_faces` were left out."""

CROWDED = "crowded"
"""Code of the warning that there were so many faces that windows do not overlap as usual."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one frame brought. The first step of a face also tells where it was before it counted."""

    time_s: float
    seen: tuple[Seen, ...] = ()
    answers: tuple[Answer, ...] = ()
    ended: tuple[int, ...] = ()  # ids of the faces that are over


@dataclass(slots=True)
class Face:
    """What is kept of a track besides where it is. It has no id until it counts."""

    clips: ClipBuilder
    face_id: int | None = None
    tick: int = -1  # of the last crop
    seen: list[tuple[float, list[float], float]] = field(default_factory=list)  # time, box, score before it counted


class Analyzer:
    """Takes frames in order and tells who is seen where, and what the network says of each clip."""

    def __init__(
        self,
        engine: Engine,
        *,
        interval_s: float | None = None,
        batch: int = 1,
        background: Executor | None = None,
    ) -> None:
        """Start before the first frame.

        interval_s  time between the frames of the source, where it is known
        batch       clips that wait for each other; 1 answers at once, more is faster
        background  where the network thinks while the next frames are followed; its answers come a batch later
        """
        self.engine = engine
        self.batch = batch
        self.answering: Answering = InBackground(engine, background) if background else AtOnce(engine)
        self.sampler = Sampler(engine.recipe.rate_hz, interval_s)
        self.tracker = Tracker(engine.detector, max_faces=engine.max_faces, interval_s=interval_s)
        self.faces: dict[int, Face] = {}  # by key of the track
        self.waiting: list[tuple[int, Clip]] = []  # by key of the track
        self.last_id = 0
        self.frames_analysed = 0
        self.was_crowded = False  # more than CROWD_FACES faces were followed at the same time

    def push(self, frame: Frame) -> Step:
        """Take the next frame; one that falls between two ticks of the recipe's clock brings nothing."""
        before = self.sampler.last
        tick = self.sampler.tick(frame.time_s)
        if tick is None:
            return Step(frame.time_s)
        self.frames_analysed += 1
        over = self.tracker.update(frame)
        seen = [news for track in over for news in self._confirm(track)] if self._is_slow() else []
        self._close(over)
        seen += [news for track in self.tracker.seen() for news in self._see(track, frame, tick, before)]
        answers = self._classify() if self._ready() >= self.batch else []
        return Step(frame.time_s, tuple(seen), tuple(answers), self._release(over))

    def finish(self) -> Step:
        """The frames are over: whatever is still open is answered for."""
        over, self.tracker.tracks = self.tracker.tracks, []
        time_s = max((track.seen_s for track in over), default=0.0)
        least = 0 if self._is_slow() else CONFIRM_SHARE * self.frames_analysed
        lasting = [track for track in over if track.sightings >= least]
        seen = [news for track in lasting for news in self._confirm(track)]
        self._close(over)
        answers = self._classify() + self.answering.rest()
        return Step(time_s, tuple(seen), tuple(answers), self._release(over))

    def warnings(self) -> list[tuple[str, str]]:
        """Code and detail of each thing that a reader of the result should know."""
        warnings = []
        limit = self.engine.max_faces
        if self.tracker.overflowed:
            detail = f"more faces than max_faces={limit} were visible at the same time; only {limit} were analysed"
            warnings.append((TOO_MANY_FACES, detail))
        if self.was_crowded:
            detail = f"more than {CROWD_FACES} faces were visible at the same time; their windows do not overlap"
            warnings.append((CROWDED, detail))
        return warnings

    def _see(self, track: Track, frame: Frame, tick: int, before: int) -> Iterator[Seen]:
        """Take one face of a frame: its crop goes to its clips, its place is told once it counts."""
        recipe = self.engine.recipe
        face = self.faces.setdefault(track.key, Face(ClipBuilder(recipe)))
        image = crop_of(frame, track.box, track.landmarks, recipe)
        crop = Crop(tick, frame.time_s, image, judge(image, track.box, track.landmarks))
        usual_ticks = self.tracker.usual_s * (recipe.rate_hz or 0.0) or 1.0
        stretch = self.tracker.crowding()
        self.was_crowded |= stretch > 1
        self._wait(
            track.key,
            face.clips.add(crop, missed=face.tick != before, usual_ticks=usual_ticks, stretch=stretch),
        )
        face.tick = tick
        face.seen.append((frame.time_s, track.box.tolist(), track.score))
        if face.face_id is not None or self._is_lasting(track):
            yield from self._confirm(track)
        if face.face_id is None:
            self._drop_oldest(track.key, face)

    def _is_lasting(self, track: Track) -> bool:
        """Whether a face has been followed for long enough to count."""
        followed_s = track.seen_s - track.first_s
        return self._is_slow() or (followed_s >= CONFIRM_S - TICK_ROUNDING_S and track.found >= CONFIRM_FOUND)

    def _is_slow(self) -> bool:
        """Whether the frames of the source are a clip apart."""
        recipe = self.engine.recipe
        return recipe.rate_hz is not None and self.tracker.pace.is_slow(
            recipe.frames / recipe.rate_hz - SLOW_ROUNDING_S
        )

    def _drop_oldest(self, key: int, face: Face) -> None:
        """Keep of a face that does not count yet no more than MAX_UNCOUNTED clips, and where it was meanwhile."""
        clips = [clip for owner, clip in self.waiting if owner == key]
        if len(clips) <= MAX_UNCOUNTED:
            return
        kept = clips[-MAX_UNCOUNTED:]
        self.waiting = [entry for entry in self.waiting if entry[0] != key] + [(key, clip) for clip in kept]
        face.seen = [seen for seen in face.seen if seen[0] >= kept[0].start_s]

    def _confirm(self, track: Track) -> Iterator[Seen]:
        """Give the face its id, if it deserves one, and tell where it has been."""
        face = self.faces[track.key]
        if face.face_id is None and track.best >= CONFIRM_SCORE:
            self.last_id += 1
            face.face_id = self.last_id
        if face.face_id is not None:
            for time_s, box, score in face.seen:
                yield Seen(face.face_id, time_s, np.array(box, np.float32), score)
            face.seen.clear()

    def _close(self, over: list[Track]) -> None:
        for track in over:
            self._wait(track.key, self.faces[track.key].clips.end())

    def _release(self, over: list[Track]) -> tuple[int, ...]:
        """Forget what no track and no waiting clip needs any more; the ids of the faces that are over."""
        ids = [self.faces[track.key].face_id for track in over]
        alive = {track.key for track in self.tracker.tracks}
        self.waiting = [
            (key, clip) for key, clip in self.waiting if key in alive or self.faces[key].face_id is not None
        ]
        needed = alive | {key for key, _ in self.waiting}
        self.faces = {key: face for key, face in self.faces.items() if key in needed}
        return tuple(face_id for face_id in ids if face_id is not None)

    def _wait(self, key: int, clips: Iterable[Clip]) -> None:
        self.waiting.extend((key, clip) for clip in clips)

    def _ready(self) -> int:
        return sum(self.faces[key].face_id is not None for key, _ in self.waiting)

    def _classify(self) -> list[Answer]:
        """Ask the network about all waiting clips of faces that count."""
        questions = [(face_id, clip) for key, clip in self.waiting if (face_id := self.faces[key].face_id) is not None]
        self.waiting = [(key, clip) for key, clip in self.waiting if self.faces[key].face_id is None]
        return self.answering.ask(questions) if questions else []
