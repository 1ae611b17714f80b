"""The analyzer of one part of a video."""

import math
from collections.abc import Iterator
from concurrent.futures import Executor

import numpy as np

from duygu.shared.vision.analyzer import CONFIRM_SCORE, Analyzer, Face, Step
from duygu.shared.vision.classify.clips import Crop
from duygu.shared.vision.decode.sampling import ROUNDING_S, Sampler
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import FacePosition
from duygu.shared.vision.split.clip_log import Addition, DeferredClips
from duygu.shared.vision.split.part_file import BuilderState, PartTrack, PartWriter
from duygu.shared.vision.split.plan import VideoPart
from duygu.shared.vision.track.track import Track
from duygu.shared.vision.types import Frame


class PartAnalyzer(Analyzer):
    """Tracks faces from before a part begins, and writes what belongs to the part.

    Every track that goes on at one of the ends of the part has a face id, also if it is not confirmed: the confirmation
    can be in another part.
    """

    def __init__(
        self,
        engine: Engine,
        part: VideoPart,
        writer: PartWriter,
        *,
        interval_s: float | None,
        batch: int,
        background: Executor | None = None,
        movements: bool = False,
    ) -> None:
        """Create an analyzer for the frames from `part.decoded_from_s` to before `part.end_s`."""
        super().__init__(engine, interval_s=interval_s, batch=batch, background=background, movements=movements)
        self._defers = False  # the crops that a part writes have their features
        self.owned_from: tuple[float, int] | None = None  # time and index of the first frame after the warm-up
        self._part, self._writer = part, writer
        self._interval_s = interval_s
        self._owns = not part.number
        self._before: list[FacePosition] = []
        self._deferred: set[int] = set()  # track keys
        self._keys: dict[int, int] = {}  # of tracks, by face id
        self._confirmed_s: dict[int, float] = {}  # by track key
        self._time_s = 0.0

    def push(self, frame: Frame) -> Step:
        """Process the next frame, and write its positions and windows."""
        self._time_s = frame.time_s
        if not self._owns and self._is_owned(frame):
            self._begin()
        if self._owns and self.owned_from is None:
            self.owned_from = frame.time_s, frame.index
        step = super().push(frame)
        if self._owns:
            self._write(step)
        else:
            self._before += step.positions
            self._defer_new()
        return step

    def close(self) -> list[PartTrack]:
        """End the part, and with the last one all tracks; returns the tracks."""
        if self._part.is_last:
            self._finish_video()
            alive = []
        else:
            alive = [track for track in self.tracker.tracks if track.key in self.faces]
            for track in alive:
                self._write(Step(self._time_s, tuple(self._number(track))))
            self._write(Step(self._time_s, (), tuple(self._classify() + self.queue.flush())))
        going_on = {track.key for track in alive}
        return [self._described(face_id, key, alive=key in going_on) for face_id, key in sorted(self._keys.items())]

    def _finish_video(self) -> None:
        analysed, self.frames_analysed = self.frames_analysed, 10**9  # no track is confirmed by its share of the frames
        self._write(self.finish())
        self.frames_analysed = analysed

    def _is_owned(self, frame: Frame) -> bool:
        rate_hz = self.engine.recipe.rate_hz
        tick = Sampler(rate_hz, self._interval_s).tick(frame.time_s)
        return tick is not None and tick / (rate_hz or math.inf) >= self._part.start_s - ROUNDING_S

    def _begin(self) -> None:
        """End the warm-up: the tracks that go on are deferred, all others belong to the part before."""
        self._owns = True
        tracks = [track for track in self.tracker.tracks if track.key in self.faces]
        self._deferred = {track.key for track in tracks}
        for track in tracks:
            self._before += self._number(track)
        known = {self.faces[track.key].face_id for track in tracks}
        for position in self._before:
            if position.face_id in known:
                self._writer.before.add(position)
        self._before, self._keys = [], {face_id: key for face_id, key in self._keys.items() if key in self._deferred}
        self.waiting = []
        self.frames_analysed, self.was_crowded, self.tracker.overflowed = 0, False, False

    def _defer_new(self) -> None:
        """Let the clips of all faces be recorded, from their first crop on."""
        for key, face in self.faces.items():
            if not isinstance(face.clips, DeferredClips):
                face.clips = DeferredClips.of(face.clips, key, self._log)

    def _log(self, addition: Addition, crop: Crop) -> None:
        if self._owns:
            self._writer.log(addition, crop)

    def _confirm(self, track: Track) -> Iterator[FacePosition]:
        """As of an analyzer; a face that has its id from an end of the part is confirmed at the same time."""
        face = self.faces[track.key]
        numbered = face.face_id is not None
        yield from super()._confirm(track)
        if face.face_id is None:
            return
        self._keys[face.face_id] = track.key
        if track.best >= CONFIRM_SCORE and (not numbered or self._is_lasting(track)):
            self._confirmed_s.setdefault(track.key, self._time_s)

    def _number(self, track: Track) -> list[FacePosition]:
        """Assign a face id to a track that is not confirmed; returns its earlier positions."""
        face = self.faces[track.key]
        if face.face_id is None:
            self.last_id += 1
            face.face_id = self.last_id
            self._keys[face.face_id] = track.key
        return _released(face.face_id, face)

    def _write(self, step: Step) -> None:
        for position in step.positions:
            self._writer.positions.add(position)
        for window in step.windows:
            self._writer.windows.add(window)

    def _described(self, face_id: int, key: int, *, alive: bool) -> PartTrack:
        deferred = key in self._deferred
        state = None
        if alive and not deferred:
            clips = self.faces[key].clips
            state = BuilderState(len(clips.crops), clips.due, clips.made, clips.stride)
            for crop in clips.crops:
                self._writer.builders.add(crop)
        return PartTrack(face_id, key, deferred, alive, self._confirmed_s.get(key), state)


def _released(face_id: int, face: Face) -> list[FacePosition]:
    """The positions from before a face had its id."""
    positions = [
        FacePosition(face_id, time_s, np.array(box, np.float32), score, pose)
        for time_s, box, score, pose in face.unconfirmed
    ]
    face.unconfirmed.clear()
    return positions
