"""One live session as a worker sees it: the analyzer between two steps, and what its faces last showed."""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from duygu.shared.config import Settings
from duygu.shared.live.messages import LiveFace, Options
from duygu.shared.live.steps import About, Reply
from duygu.shared.schemas import Flag, Position, Window
from duygu.shared.vision import snapshots
from duygu.shared.vision.analyzer import Analyzer, Step
from duygu.shared.vision.decode.images import decode_frame
from duygu.shared.vision.decode.sampling import Sampler
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import Answer, Reader, Seen
from duygu.shared.vision.types import Frame

SPARING_S = 2.0
"""Seconds of a session for which work is spared after frames had to go, so that it does not swing to and fro."""

LONGEST_SPARED = 4
"""While work is spared, the whole picture is searched rarer by as much as frames are, and at most by this factor."""

VERSION = 1
"""Of a saved state. A state of another version is not restored; change it with whatever `save` writes."""

Decode = Callable[[bytes, int, float], Frame]
"""Makes a frame of an encoded picture, its number and its time in seconds. Raises UndecodablePictureError."""

LENGTH = struct.Struct(">I")


@dataclass(slots=True)
class KnownFace:
    """A face that has its id."""

    start_s: float
    end_s: float
    answer: Answer | None = None  # the newest


@dataclass(slots=True)
class News:
    """What one step brought for one face."""

    answers: list[Answer] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)


class LiveSession:
    """Takes the pictures of a session one after the other."""

    def __init__(
        self, engine: Engine, settings: Settings, *, decode: Decode | None = None, last_face_id: int = 0
    ) -> None:
        """Begin.

        decode        makes frames of pictures; None decodes them in this process, which is for trusted senders alone
        last_face_id  the first face has the id after this one
        """
        self._engine = engine
        self._decode = decode or partial(decode_frame, min_face=settings.min_face)
        self._analyzer = Analyzer(engine)
        self._analyzer.last_id = last_face_id
        self._faces: dict[int, KnownFace] = {}
        self._present: list[int] = []  # ids of the faces in the last analysed picture
        self._size = (0, 0)
        self._time_s = self._sparing_until_s = 0.0
        self._crowded = 0

    @property
    def sparing(self) -> bool:
        """Whether there was too much to do a moment ago, so that of the frames that wait the newest is enough.

        One at a time lets all sessions have their turn sooner than several in a row, and leaves even gaps.
        """
        return self._time_s < self._sparing_until_s

    @property
    def last_face_id(self) -> int:
        """The highest id that a face of this session has had; 0 for none."""
        return self._analyzer.last_id

    def take(self, seq: int, about: About, picture: bytes) -> Reply:
        """What the next picture shows. Raises UndecodablePictureError."""
        self._note(about)
        frame = self._decode(picture, seq, about.time_s)
        width, height = frame.size
        ended = self._begin_again() if self._size not in ((0, 0), (width, height)) else Step(about.time_s)
        self._size = (width, height)
        before = self._analyzer.frames_analysed
        step = self._push(frame)
        analysed = self._analyzer.frames_analysed > before
        for seen in ended.seen:  # in pixels of the size before, so it is not told where
            self._meet(seen)
        both = replace(step, answers=ended.answers + step.answers, ended=ended.ended + step.ended)
        return Reply(
            seq=seq, width=width, height=height, faces=tuple(self._tell(both, about.options, analysed=analysed))
        )

    def finish(self, seq: int, about: About) -> Reply:
        """The last windows, once no picture follows."""
        width, height = self._size
        faces = self._tell(self._analyzer.finish(), about.options, analysed=True)
        return Reply(seq=seq, width=width, height=height, faces=tuple(faces))

    def save(self) -> bytes:
        """Everything that the next answer depends on."""
        faces = {face_id: _save_face(face) for face_id, face in self._faces.items()}
        crowd = self._time_s, self._sparing_until_s, self._crowded
        saved = {
            "version": VERSION,
            "size": self._size,
            "present": self._present,
            "faces": faces,
            "crowd": crowd,
        }
        story = json.dumps(saved).encode()
        return LENGTH.pack(len(story)) + story + snapshots.save(self._analyzer)

    @classmethod
    def restore(cls, engine: Engine, settings: Settings, data: bytes, *, decode: Decode | None = None) -> "LiveSession":
        """The session that was saved. Raises ValueError when it was not saved by this version and recipe."""
        try:
            (length,) = LENGTH.unpack_from(data)
            story = json.loads(data[LENGTH.size : LENGTH.size + length])
            version = story.get("version")
        except snapshots.UNREADABLE as error:
            raise ValueError("the state is damaged") from error
        if version != VERSION:
            raise ValueError(f"the state is of version {version}, and this is version {VERSION}")
        session = cls(engine, settings, decode=decode)
        session._analyzer = snapshots.restore(engine, data[LENGTH.size + length :])
        try:
            session._load(story)
        except snapshots.UNREADABLE as error:
            raise ValueError("the state is damaged") from error
        return session

    def _load(self, story: dict[str, Any]) -> None:
        width, height = story["size"]
        self._size, self._present = (width, height), story["present"]
        self._time_s, self._sparing_until_s, self._crowded = story["crowd"]
        self._faces = {int(face_id): _load_face(int(face_id), saved) for face_id, saved in story["faces"].items()}

    def _note(self, about: About) -> None:
        """Remember how late it is, and that there is too much to do."""
        self._time_s = about.time_s
        if about.crowded > self._crowded:
            self._crowded, self._sparing_until_s = about.crowded, about.time_s + SPARING_S

    def _push(self, frame: Frame) -> Step:
        """What the frame brings. Searching costs by the second, the rest by the frame: where frames go, so must it."""
        tracker, sampler = self._analyzer.tracker, self._analyzer.sampler
        tick, searched_s = sampler.last, tracker.searched_s
        step = self._analyzer.push(frame)
        if self.sparing and tracker.searched_s != searched_s:
            tracker.postpone(min(max(sampler.last - tick, 1), LONGEST_SPARED))
        return step

    def _begin_again(self) -> Step:
        """The pictures have another size from here on: no face is followed from one to the other."""
        before = self._analyzer
        step = before.finish()
        self._analyzer = Analyzer(self._engine)
        self._analyzer.last_id = before.last_id
        self._analyzer.sampler = Sampler(self._engine.recipe.rate_hz, None, before.sampler.last)
        return step

    def _tell(self, step: Step, options: Options, *, analysed: bool) -> list[LiveFace]:
        reader = self._reader(options)
        news: dict[int, News] = {}
        for seen in step.seen:
            news.setdefault(seen.face_id, News()).positions.append(reader.position(seen))
            self._meet(seen)
        for answer in step.answers:
            news.setdefault(answer.face_id, News()).answers.append(answer)
            self._faces[answer.face_id].answer = answer
        if analysed:
            self._present = [face_id for face_id, brought in news.items() if brought.positions]
        told = sorted({*news, *self._present})
        faces = [_live_face(face_id, self._faces[face_id], news.get(face_id, News()), reader) for face_id in told]
        for face_id in step.ended:
            self._faces.pop(face_id, None)
        self._present = [face_id for face_id in self._present if face_id in self._faces]
        smallest = options.smallest_face * min(self._size)
        return [face for face in faces if all(max(position.box[2:]) >= smallest for position in face.positions[-1:])]

    def _meet(self, seen: Seen) -> None:
        """Remember since when, and until when, a face has been there."""
        known = self._faces.setdefault(seen.face_id, KnownFace(seen.time_s, seen.time_s))
        known.end_s = max(known.end_s, seen.time_s)

    def _reader(self, options: Options) -> Reader:
        reported = None if options.labels is None else tuple(options.labels)
        return Reader(self._engine.recipe, tuple(self._engine.model.labels), reported)


def _live_face(face_id: int, face: KnownFace, news: News, reader: Reader) -> LiveFace:
    newest: Window | None = reader.window(face.answer) if face.answer else None
    return LiveFace(
        face_id=face_id,
        state="known" if newest else "warming_up",
        start_s=round(face.start_s, 3),
        end_s=round(face.end_s, 3),
        emotion=newest.emotion if newest else None,
        confidence=newest.confidence if newest else None,
        probabilities=newest.probabilities if newest else None,
        uncertain=newest.uncertain if newest else None,
        windows=[reader.window(answer) for answer in news.answers],
        positions=news.positions,
    )


def _save_face(face: KnownFace) -> dict[str, Any]:
    answer = face.answer
    newest = answer and [answer.start_s, answer.end_s, answer.logits.tolist(), list(answer.flags)]
    return {"start_s": face.start_s, "end_s": face.end_s, "newest": newest}


def _load_face(face_id: int, saved: dict[str, Any]) -> KnownFace:
    face = KnownFace(saved["start_s"], saved["end_s"])
    if saved["newest"]:
        start_s, end_s, logits, flags = saved["newest"]
        face.answer = Answer(face_id, start_s, end_s, np.array(logits, np.float32), tuple(map(Flag, flags)))
    return face
