"""Collects the messages of live sessions into one result, as if the stream had been uploaded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from duygu.shared.live.messages import FrameResult, LiveFace, SessionClosed, SessionCreated
from duygu.shared.schemas.model import ModelInfo, ProgramInfo
from duygu.shared.schemas.result import Baseline, Face, Position, Result, VideoInfo, Warning, Window  # noqa: A004
from duygu.shared.version import VERSION
from duygu.shared.workbench.edits.overall import overall

RECONNECTED = "reconnected"


@dataclass
class Track:
    """What is known of one face."""

    windows: list[Window] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    baseline: Baseline | None = None


class Recording:
    """Faces over several sessions of one camera: ids go on where the previous session ended, times too."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._model: ModelInfo | None = None
        self._tracks: dict[int, Track] = {}
        self._first_id = 0
        self._origin: float | None = None
        self._session_s = 0.0
        self._last_s = 0.0
        self._size = (0, 0)
        self._sessions = self.analysed = self.sent = 0
        self._begun = False
        self.last_captured_at = 0.0

    @property
    def sessions(self) -> int:
        """Number of sessions so far."""
        return self._sessions

    def begin(self, message: SessionCreated) -> None:
        """Begin a session."""
        self._sessions += 1
        self._model = message.model
        self._first_id = max(self._tracks, default=0)
        self._begun = False

    def add(self, message: FrameResult) -> Iterator[tuple[int, Window]]:
        """Add a result; yields the face and each window that it added, with ids and times of the recording."""
        if not self._begun:
            self._begun = True
            self._origin = message.captured_at if self._origin is None else self._origin
            self._session_s = message.captured_at - self._origin
        self.analysed += 1
        self.last_captured_at = message.captured_at
        self._size = message.width, message.height
        self._last_s = max(self._last_s, message.captured_at - (self._origin or 0.0))
        yield from self._faces(message.faces)

    def end(self, message: SessionClosed) -> Iterator[tuple[int, Window]]:
        """Add the last windows of a session."""
        yield from self._faces(message.faces)

    def result(self) -> Result | None:
        """Everything so far as a result; None before the first session. Faces without a window are left out."""
        if self._model is None:
            return None
        faces = [self._face(face_id, track) for face_id, track in self._tracks.items() if track.windows]
        width, height = self._size
        warnings = []
        if self._sessions > 1:
            detail = f"The session was opened {self._sessions} times; a person has another face_id in each session."
            warnings = [Warning(code=RECONNECTED, detail=detail)]
        return Result(
            job_id=None,
            model=self._model,
            video=VideoInfo(
                duration_s=round(self._last_s, 3),
                width=width,
                height=height,
                rotation=0,
                frames_decoded=self.sent,
                frames_analysed=self.analysed,
                name=self._name,
            ),
            faces=faces,
            warnings=warnings,
            program=ProgramInfo(version=VERSION),
            analysed_at=datetime.now(UTC),
        )

    def _faces(self, faces: list[LiveFace]) -> Iterator[tuple[int, Window]]:
        for face in faces:
            face_id = self._first_id + face.face_id
            track = self._tracks.setdefault(face_id, Track())
            track.positions += [_later(position, self._session_s) for position in face.positions]
            if face.baseline:
                track.baseline = self._placed(face.baseline)
            for window in face.windows:
                placed = window.model_copy(
                    update={
                        "start_s": round(window.start_s + self._session_s, 3),
                        "end_s": round(window.end_s + self._session_s, 3),
                    }
                )
                track.windows.append(placed)
                yield face_id, placed

    def _placed(self, baseline: Baseline) -> Baseline:
        spans = [(round(a + self._session_s, 3), round(b + self._session_s, 3)) for a, b in baseline.spans]
        return baseline.model_copy(update={"spans": spans})

    def _face(self, face_id: int, track: Track) -> Face:
        assert self._model is not None  # noqa: S101 - `result` checks it
        labels = list(track.windows[0].probabilities)
        probabilities = overall(track.windows, self._model.model_copy(update={"labels": labels}))
        emotion = max(probabilities, key=probabilities.__getitem__)
        times = [position.time_s for position in track.positions]
        return Face(
            face_id=face_id,
            start_s=min([track.windows[0].start_s, *times]),
            end_s=max([track.windows[-1].end_s, *times]),
            emotion=emotion,
            confidence=probabilities[emotion],
            probabilities=probabilities,
            baseline=track.baseline,
            windows=track.windows,
            positions=track.positions,
        )


def _later(position: Position, offset_s: float) -> Position:
    return position.model_copy(update={"time_s": round(position.time_s + offset_s, 3)})
