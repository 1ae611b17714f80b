"""A live session in a worker: the analyzer, and the newest window of each face."""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from duygu.services.worker.live.baseline import LiveBaseline
from duygu.shared.errors import BaselineError
from duygu.shared.live.messages import LiveFace, SessionOptions
from duygu.shared.live.steps import FrameInfo, Refusal, Reply
from duygu.shared.schemas.options import MOVEMENTS
from duygu.shared.schemas.result import Flag, Position, Warning, Window  # noqa: A004
from duygu.shared.vision import snapshots
from duygu.shared.vision.analyzer import Analyzer, Step
from duygu.shared.vision.decode.pictures.decoding import decode_frame
from duygu.shared.vision.decode.sampling import Sampler
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import FacePosition, ResultConverter, WindowLogits
from duygu.shared.vision.types import Frame

SHEDDING_S = 2.0
"""Load shedding lasts for so many seconds of the session after the last dropped frame; this damps oscillation."""

MOST_POSTPONED = 4
"""During load shedding the detector searches less often, by the factor of dropped frames and at most by this."""

VERSION = 3
"""Version of the saved state. A state of another version is not restored; change it with what `save` writes."""

Decode = Callable[[bytes, int, float], Frame]
"""Makes a frame of an encoded picture, its number and its time in seconds. Raises UndecodablePictureError."""

LENGTH = struct.Struct(">I")


@dataclass(slots=True)
class KnownFace:
    """A face that has an id."""

    start_s: float
    end_s: float
    newest: WindowLogits | None = None


@dataclass(slots=True)
class FaceUpdate:
    """New windows and positions of one face in one step."""

    windows: list[WindowLogits] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)


class LiveSession:
    """Analyses the pictures of a session in order."""

    def __init__(self, engine: Engine, *, decode: Decode | None = None, last_face_id: int = 0) -> None:
        """Start before the first picture.

        decode        decodes pictures; None decodes in this process, which is for trusted input only
        last_face_id  the first face gets the next id
        """
        self._engine = engine
        self._decode = decode or partial(decode_frame, min_face=engine.min_face)
        self._analyzer = Analyzer(engine)
        self._analyzer.last_id = last_face_id
        self._faces: dict[int, KnownFace] = {}
        self._present: list[int] = []  # ids of the faces in the last analysed picture
        self._size = (0, 0)
        self._time_s = self._shedding_until_s = 0.0
        self._overload_drops = 0
        self._baseline = LiveBaseline()

    @property
    def shedding(self) -> bool:
        """Whether frames were dropped recently, so that only the newest of the waiting frames is analysed.

        One frame a step lets the other sessions proceed sooner and leaves even gaps.
        """
        return self._time_s < self._shedding_until_s

    @property
    def last_face_id(self) -> int:
        """The highest face id of this session so far; 0 for none."""
        return self._analyzer.last_id

    def analyse(self, seq: int, info: FrameInfo, picture: bytes) -> Reply:
        """Analyse the next picture. Raises UndecodablePictureError."""
        self._note(info)
        frame = self._decode(picture, seq, info.time_s)
        width, height = frame.size
        ended = self._begin_again() if self._size not in ((0, 0), (width, height)) else Step(info.time_s)
        self._size = (width, height)
        self._use_baseline(info.options)
        self._analyzer.movements = _measures_movements(info.options) or self._baseline.is_measuring(info.time_s)
        self._limit_faces(info.options)
        before = self._analyzer.frames_analysed
        step = self._push(frame)
        analysed = self._analyzer.frames_analysed > before
        for position in ended.positions:  # its positions are in pixels of the previous size
            self._meet(position)
        both = replace(step, windows=ended.windows + step.windows, ended=ended.ended + step.ended)
        warnings, refused = self._take_baseline(both, info)
        faces = tuple(self._faces_of(both, info.options, analysed=analysed))
        return Reply(seq=seq, width=width, height=height, faces=faces, warnings=tuple(warnings), refused=refused)

    def finish(self, seq: int, info: FrameInfo) -> Reply:
        """The last windows, after the last picture."""
        width, height = self._size
        faces = self._faces_of(self._analyzer.finish(), info.options, analysed=True)
        return Reply(seq=seq, width=width, height=height, faces=tuple(faces))

    def save(self) -> bytes:
        """The complete state as bytes."""
        faces = {face_id: _save_face(face) for face_id, face in self._faces.items()}
        overload = self._time_s, self._shedding_until_s, self._overload_drops
        saved = {
            "version": VERSION,
            "size": self._size,
            "present": self._present,
            "faces": faces,
            "crowd": overload,
            "baseline": self._baseline.save(),
        }
        header = json.dumps(saved).encode()
        return LENGTH.pack(len(header)) + header + snapshots.save(self._analyzer)

    @classmethod
    def restore(cls, engine: Engine, data: bytes, *, decode: Decode | None = None) -> "LiveSession":
        """Restore a saved session. Raises ValueError for a state of another version or another recipe."""
        try:
            (length,) = LENGTH.unpack_from(data)
            header = json.loads(data[LENGTH.size : LENGTH.size + length])
            version = header.get("version")
        except snapshots.UNREADABLE as error:
            raise ValueError("the state is damaged") from error
        if version != VERSION:
            raise ValueError(f"the state is of version {version}; version {VERSION} is required")
        session = cls(engine, decode=decode)
        session._analyzer = snapshots.restore(engine, data[LENGTH.size + length :])
        try:
            session._load(header)
        except snapshots.UNREADABLE as error:
            raise ValueError("the state is damaged") from error
        return session

    def _load(self, header: dict[str, Any]) -> None:
        width, height = header["size"]
        self._size, self._present = (width, height), header["present"]
        self._time_s, self._shedding_until_s, self._overload_drops = header["crowd"]
        self._baseline = LiveBaseline.load(header["baseline"])
        self._faces = {int(face_id): _load_face(int(face_id), saved) for face_id, saved in header["faces"].items()}

    def _note(self, info: FrameInfo) -> None:
        """Update the time and the end of load shedding."""
        self._time_s = info.time_s
        if info.overload_drops > self._overload_drops:
            self._overload_drops, self._shedding_until_s = info.overload_drops, info.time_s + SHEDDING_S

    def _use_baseline(self, options: SessionOptions) -> None:
        """Begin to take the resting face that the options name, in place of an earlier one."""
        if options.baseline != self._baseline.requested:
            self._baseline = LiveBaseline(options.baseline, is_open=options.baseline is not None)

    def _take_baseline(self, step: Step, info: FrameInfo) -> tuple[list[Warning], Refusal | None]:
        """Add the step to the resting face, which is accepted, with warnings, or refused once its span has passed."""
        smallest = info.options.smallest_face * min(self._size)
        seen = [
            (position.face_id, position.time_s)
            for position in step.positions
            if max(position.box[2:] - position.box[:2]) >= smallest
        ]
        self._baseline.add(seen, step.windows)
        try:
            return self._baseline.conclude(info.time_s, self._engine.recipe, self._engine.model.relative), None
        except BaselineError as error:
            return [], Refusal(code=error.code, detail=error.detail)

    def _limit_faces(self, options: SessionOptions) -> None:
        """Apply the options. Pictures are decoded for faces of the setting's size, so smaller ones are not detected."""
        smallest = max(options.min_face or 0.0, self._engine.min_face)
        self._analyzer.limit_faces(self._engine.with_options(smallest, options.max_faces))

    def _push(self, frame: Frame) -> Step:
        """Analyse a frame. The detector searches by time; load shedding reduces its rate as that of frames."""
        tracker, sampler = self._analyzer.tracker, self._analyzer.sampler
        tick, searched_s = sampler.last, tracker.searched_s
        step = self._analyzer.push(frame)
        if self.shedding and tracker.searched_s != searched_s:
            tracker.postpone(min(max(sampler.last - tick, 1), MOST_POSTPONED))
        return step

    def _begin_again(self) -> Step:
        """The picture size has changed: tracks end here."""
        before = self._analyzer
        step = before.finish()
        self._analyzer = Analyzer(self._engine)
        self._analyzer.last_id = before.last_id
        self._analyzer.sampler = Sampler(self._engine.recipe.rate_hz, None, before.sampler.last)
        return step

    def _faces_of(self, step: Step, options: SessionOptions, *, analysed: bool) -> list[LiveFace]:
        converter = self._converter(options)
        # Clips that began before the measure was switched off have movements, and so have those of a resting face.
        measured = _measures_movements(options) or options.baseline is None
        updates: dict[int, FaceUpdate] = {}
        for seen in step.positions:
            position = converter.position(seen if measured else replace(seen, pose=None))
            updates.setdefault(seen.face_id, FaceUpdate()).positions.append(position)
            self._meet(seen)
        for classified in step.windows:
            logits = classified if measured else replace(classified, movements=None, speaking=None)
            updates.setdefault(logits.face_id, FaceUpdate()).windows.append(logits)
            self._faces[logits.face_id].newest = logits
        if analysed:
            self._present = [face_id for face_id, brought in updates.items() if brought.positions]
        reported = sorted({*updates, *self._present})
        faces = [self._live_face(face_id, updates.get(face_id, FaceUpdate()), converter) for face_id in reported]
        for face_id in step.ended:
            self._faces.pop(face_id, None)
        self._present = [face_id for face_id in self._present if face_id in self._faces]
        smallest = options.smallest_face * min(self._size)
        return [face for face in faces if all(max(position.box[2:]) >= smallest for position in face.positions[-1:])]

    def _live_face(self, face_id: int, updates: FaceUpdate, converter: ResultConverter) -> LiveFace:
        face = self._faces[face_id]
        newest = self._window(face.newest, converter) if face.newest else None
        return LiveFace(
            face_id=face_id,
            state="known" if newest else "warming_up",
            start_s=round(face.start_s, 3),
            end_s=round(face.end_s, 3),
            emotion=newest.emotion if newest else None,
            confidence=newest.confidence if newest else None,
            probabilities=newest.probabilities if newest else None,
            uncertain=newest.uncertain if newest else None,
            relative=newest.relative if newest else None,
            baseline=self._baseline.of(face_id),
            windows=[self._window(logits, converter) for logits in updates.windows],
            positions=updates.positions,
        )

    def _window(self, logits: WindowLogits, converter: ResultConverter) -> Window:
        """The window, with its prediction relative to the resting face."""
        window, layer = converter.window(logits), self._engine.model.relative
        return self._baseline.with_predictions(logits.face_id, window, layer, converter.names)

    def _meet(self, seen: FacePosition) -> None:
        """Update the time span of a face."""
        known = self._faces.setdefault(seen.face_id, KnownFace(seen.time_s, seen.time_s))
        known.end_s = max(known.end_s, seen.time_s)

    def _converter(self, options: SessionOptions) -> ResultConverter:
        reported = None if options.labels is None else tuple(options.labels)
        names = self._engine.movement_names  # also of clips that began before the measure was switched off
        return ResultConverter(self._engine.recipe, tuple(self._engine.model.labels), reported, names)


def _measures_movements(options: SessionOptions) -> bool:
    return MOVEMENTS in (options.measures or ())


def _save_face(face: KnownFace) -> dict[str, Any]:
    logits = face.newest
    newest = logits and [
        *(logits.start_s, logits.end_s, logits.logits.tolist(), list(logits.flags)),
        None if logits.relative is None else logits.relative.tolist(),
    ]
    return {"start_s": face.start_s, "end_s": face.end_s, "newest": newest}


def _load_face(face_id: int, saved: dict[str, Any]) -> KnownFace:
    face = KnownFace(saved["start_s"], saved["end_s"])
    if saved["newest"]:
        start_s, end_s, logits, flags, relative = saved["newest"]
        outputs = None if relative is None else np.array(relative, np.float32)
        face.newest = WindowLogits(
            face_id, start_s, end_s, np.array(logits, np.float32), tuple(map(Flag, flags)), relative=outputs
        )
    return face
