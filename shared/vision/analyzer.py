"""Pipeline from frames to emotions, shared by video files and live sessions."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from duygu.shared.vision.batching import ClassificationQueue, PipelinedQueue, SynchronousQueue
from duygu.shared.vision.classify.clips import Clip, ClipBuilder, Crop, DeferredFeatures
from duygu.shared.vision.classify.crops import crop_of
from duygu.shared.vision.classify.movements import is_processed, pose_of
from duygu.shared.vision.classify.quality import quality_flags
from duygu.shared.vision.classify.second_trunk import CropPattern
from duygu.shared.vision.decode.sampling import Sampler
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import FacePosition, WindowLogits
from duygu.shared.vision.track.track import Track
from duygu.shared.vision.track.tracker import CROWD_FACES, TICK_ROUNDING_S, Tracker
from duygu.shared.vision.types import Floats, Frame, Image

CONFIRM_S, CONFIRM_SCORE, CONFIRM_FOUND = 0.2, 0.9, 2
"""A track is confirmed once it has lasted CONFIRM_S, has reached the O-Net score CONFIRM_SCORE at least once, and has
been detected CONFIRM_FOUND times by the full cascade. O-Net alone follows false positives for longer than the cascade
detects them."""

SLOW_ROUNDING_S = 0.03
"""Tolerance for slow sources. A source is slow if its frame interval is at least the length of a clip, less this
tolerance. In a slow source a face is confirmed by a single frame, which is shown for the length of a clip."""

CONFIRM_SHARE = 0.5
"""At the end of a video, a track is also confirmed if it was seen in this share of all analysed frames, as in a video
of one frame."""

MAX_UNCOUNTED = 10
"""Maximum number of pending clips of an unconfirmed track. Most tracks are confirmed within half a second; a false
positive can be followed for hours."""

TOO_MANY_FACES = "too_many_faces"
"""Warning code: faces beyond `max_faces` were not analysed."""

CROWDED = "crowded"
"""Warning code: windows overlap less than usual because of the number of faces."""


@dataclass(frozen=True, slots=True)
class Step:
    """Results of one frame. The first step of a face includes its earlier positions, from before it was confirmed."""

    time_s: float
    positions: tuple[FacePosition, ...] = ()
    windows: tuple[WindowLogits, ...] = ()
    ended: tuple[int, ...] = ()  # ids of the faces whose tracks ended


Unconfirmed = tuple[float, list[float], float, tuple[float, float, float] | None]
"""Time, box, score and pose of a position."""


@dataclass(slots=True)
class Face:
    """State of a track besides its position. `face_id` is None until the track is confirmed."""

    clips: ClipBuilder
    face_id: int | None = None
    tick: int = -1  # of the last crop
    unconfirmed: list[Unconfirmed] = field(default_factory=list)


class Analyzer:
    """Processes frames in order and returns the positions of faces and the logits of their clips."""

    def __init__(
        self,
        engine: Engine,
        *,
        interval_s: float | None = None,
        batch: int = 1,
        background: Executor | None = None,
        movements: bool = False,
    ) -> None:
        """Create an analyzer without frames.

        interval_s  frame interval of the source, if known
        batch       clips per batch; 1 classifies each clip immediately, larger batches are faster
        movements   whether facial movements are measured, if the engine can
        background  executor in which the network runs during the tracking of later frames; results arrive a batch later
        """
        self.engine = engine
        self.batch = batch
        self.movements = movements
        self.queue: ClassificationQueue = PipelinedQueue(engine, background) if background else SynchronousQueue(engine)
        self._defers = background is not None  # whether features by the second trunk are computed with the clips
        self.sampler = Sampler(engine.recipe.rate_hz, interval_s)
        self.tracker = Tracker(engine.detector, max_faces=engine.max_faces, interval_s=interval_s)
        self.faces: dict[int, Face] = {}  # by track key
        self.waiting: list[tuple[int, Clip]] = []  # by track key
        self.last_id = 0
        self.frames_analysed = 0
        self.was_crowded = False  # more than CROWD_FACES faces were tracked at the same time

    def limit_faces(self, engine: Engine) -> None:
        """Use the limits of this engine, of the same models, from the next frame on."""
        if (engine.min_face, engine.max_faces) != (self.engine.min_face, self.engine.max_faces):
            self.engine = engine
            self.tracker.limit_faces(engine.detector, engine.max_faces)

    def push(self, frame: Frame) -> Step:
        """Process the next frame. A frame that no sampling time selects returns an empty step."""
        before = self.sampler.last
        tick = self.sampler.tick(frame.time_s)
        if tick is None:
            return Step(frame.time_s)
        self.frames_analysed += 1
        ended = self.tracker.update(frame)
        positions = [position for track in ended for position in self._confirm(track)] if self._is_slow() else []
        self._close(ended)
        visible = self.tracker.visible()
        positions += [position for track in visible for position in self._update_face(track, frame, tick, before)]
        windows = self._classify() if self._ready() >= self.batch else []
        return Step(frame.time_s, tuple(positions), tuple(windows), self._release(ended))

    def finish(self) -> Step:
        """End all tracks and classify the remaining clips."""
        ended, self.tracker.tracks = self.tracker.tracks, []
        time_s = max((track.seen_s for track in ended), default=0.0)
        least = 0 if self._is_slow() else CONFIRM_SHARE * self.frames_analysed
        lasting = [track for track in ended if track.sightings >= least]
        positions = [position for track in lasting for position in self._confirm(track)]
        self._close(ended)
        windows = self._classify() + self.queue.flush()
        return Step(time_s, tuple(positions), tuple(windows), self._release(ended))

    def warnings(self) -> list[tuple[str, str]]:
        """Code and detail of each warning about the result."""
        warnings = []
        limit = self.engine.max_faces
        if self.tracker.overflowed:
            detail = f"more faces than max_faces={limit} were visible at the same time; only {limit} were analysed"
            warnings.append((TOO_MANY_FACES, detail))
        if self.was_crowded:
            detail = f"more than {CROWD_FACES} faces were visible at the same time; their windows do not overlap"
            warnings.append((CROWDED, detail))
        return warnings

    def _processed_by_second_trunk(self, crop: Crop, track: Track, frame: Frame) -> Crop:
        """The crop with its features by the second trunk, if that processes it.

        It processes the crops of its pattern, and the first one of each clip, so that no clip is without any.
        """
        trunk = self.engine.second_trunk
        if trunk is None or not (trunk.includes(crop.tick, self._usual_ticks()) or not self._has_second(track)):
            return crop
        pixels = trunk.cut(frame, track.box, track.landmarks)[np.newaxis]
        features = partial(_only_row, trunk, pixels)
        if self._defers:
            return replace(crop, deferred=DeferredFeatures(features))
        return replace(crop, second=features())

    def _has_second(self, track: Track) -> bool:
        """Whether a crop of the open clip of a face has features by the second trunk, now or later."""
        face = self.faces.get(track.key)
        return face is not None and any(crop.second is not None or crop.deferred for crop in face.clips.crops)

    def _usual_ticks(self) -> float:
        """Usual number of sampling times between analysed frames."""
        return self.tracker.usual_s * (self.engine.recipe.rate_hz or 0.0) or 1.0

    def _update_face(self, track: Track, frame: Frame, tick: int, before: int) -> Iterator[FacePosition]:
        """Add the crop of a track to its clips, and yield its position once the track is confirmed."""
        recipe = self.engine.recipe
        face = self.faces.setdefault(track.key, Face(ClipBuilder(recipe)))
        image = crop_of(frame, track.box, track.landmarks, recipe)
        measured = self._measure(frame, track, tick)
        flags = quality_flags(image, track.box, track.landmarks)
        crop = self._processed_by_second_trunk(Crop(tick, frame.time_s, image, flags, measured), track, frame)
        stretch = self.tracker.crowding()
        self.was_crowded |= stretch > 1
        self._enqueue(
            track.key,
            face.clips.add(crop, missed=face.tick != before, usual_ticks=self._usual_ticks(), stretch=stretch),
        )
        face.tick = tick
        pose = None if measured is None else pose_of(measured)
        face.unconfirmed.append((frame.time_s, track.box.tolist(), track.score, pose))
        if face.face_id is not None or self._is_lasting(track):
            yield from self._confirm(track)
        if face.face_id is None:
            self._drop_oldest(track.key, face)

    def _measure(self, frame: Frame, track: Track, tick: int) -> Floats | None:
        """The movements of a face, or None where they are not measured.

        The network processes the crops of its pattern, and the first one of a clip and after a gap, which can end it.
        """
        network = self.engine.movements if self.movements else None
        if network is None:
            return None
        face, usual = self.faces.get(track.key), self._usual_ticks()
        follows = face is not None and tick - face.tick <= max(round(usual), 1) and self._has_movements(face)
        processed = network.includes(tick, usual) or not follows
        return network.measure(frame, track.box, track.landmarks, processed=processed)

    def _has_movements(self, face: Face) -> bool:
        """Whether the movement network processed a crop of the open clip of a face."""
        measured = [crop.movements for crop in face.clips.crops if crop.movements is not None]
        return any(is_processed(values[np.newaxis])[0] for values in measured)

    def _is_lasting(self, track: Track) -> bool:
        """Whether a track has lasted long enough to be confirmed."""
        followed_s = track.seen_s - track.first_s
        return self._is_slow() or (followed_s >= CONFIRM_S - TICK_ROUNDING_S and track.found >= CONFIRM_FOUND)

    def _is_slow(self) -> bool:
        """Whether the frame interval is about the length of a clip or longer."""
        recipe = self.engine.recipe
        return recipe.rate_hz is not None and self.tracker.pace.is_slow(
            recipe.frames / recipe.rate_hz - SLOW_ROUNDING_S
        )

    def _drop_oldest(self, key: int, face: Face) -> None:
        """Drop all but the last MAX_UNCOUNTED clips of an unconfirmed track, and the positions before them."""
        clips = [clip for owner, clip in self.waiting if owner == key]
        if len(clips) <= MAX_UNCOUNTED:
            return
        kept = clips[-MAX_UNCOUNTED:]
        self.waiting = [entry for entry in self.waiting if entry[0] != key] + [(key, clip) for clip in kept]
        face.unconfirmed = [position for position in face.unconfirmed if position[0] >= kept[0].start_s]

    def _confirm(self, track: Track) -> Iterator[FacePosition]:
        """Assign a face id if the score is sufficient, and yield the positions that were recorded before."""
        face = self.faces[track.key]
        if face.face_id is None and track.best >= CONFIRM_SCORE:
            self.last_id += 1
            face.face_id = self.last_id
        if face.face_id is not None:
            for time_s, box, score, pose in face.unconfirmed:
                yield FacePosition(face.face_id, time_s, np.array(box, np.float32), score, pose)
            face.unconfirmed.clear()

    def _close(self, ended: list[Track]) -> None:
        for track in ended:
            self._enqueue(track.key, self.faces[track.key].clips.end())

    def _release(self, ended: list[Track]) -> tuple[int, ...]:
        """Delete the state of ended tracks without pending clips, and return the ids of their faces."""
        ids = [self.faces[track.key].face_id for track in ended]
        alive = {track.key for track in self.tracker.tracks}
        self.waiting = [
            (key, clip) for key, clip in self.waiting if key in alive or self.faces[key].face_id is not None
        ]
        needed = alive | {key for key, _ in self.waiting}
        self.faces = {key: face for key, face in self.faces.items() if key in needed}
        return tuple(face_id for face_id in ids if face_id is not None)

    def _enqueue(self, key: int, clips: Iterable[Clip]) -> None:
        self.waiting.extend((key, clip) for clip in clips)

    def _ready(self) -> int:
        return sum(self.faces[key].face_id is not None for key, _ in self.waiting)

    def _classify(self) -> list[WindowLogits]:
        """Classify all pending clips of confirmed tracks."""
        clips = [(face_id, clip) for key, clip in self.waiting if (face_id := self.faces[key].face_id) is not None]
        self.waiting = [(key, clip) for key, clip in self.waiting if self.faces[key].face_id is None]
        return self.queue.submit(clips) if clips else []


def _only_row(trunk: CropPattern, crop: Image) -> Floats:
    """Features (G,) of a single crop (1, size, size)."""
    return np.asarray(trunk.features(crop)[0], np.float32)
