"""The task of a rater: what a labelling page needs, without anything of the model."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from pydantic import Field

from duygu.shared.schemas.base import Box, Schema, Seconds
from duygu.shared.schemas.result import Face, Position, Result
from duygu.shared.workbench.labels.sampling import SECONDS_PER_MOMENT, Moment, moments

CONTEXT_S = 1.0
"""Time before and after a moment for which a task has the positions of the face."""


class TaskVideo(Schema):
    """The video to label, as a player shows it."""

    duration_s: Seconds
    width: int
    height: int
    first_frame_s: Seconds = Field(description="presentation time of the first frame, which is the origin of all times")


class TaskPosition(Schema):
    """Where a face is at a time."""

    time_s: Seconds
    box: Box = Field(description="x, y, width, height in pixels of the upright frame")


class TaskFace(Schema):
    """A face to label."""

    face_id: int = Field(ge=1)
    name: str | None
    start_s: Seconds
    end_s: Seconds
    positions: list[TaskPosition] = Field(description="around the moments of the task; all of them without moments")


class LabellingTask(Schema):
    """Moments to label, in random order."""

    video: TaskVideo
    faces: list[TaskFace]
    moments: list[Moment]
    estimated_s: Seconds = Field(description="estimated time to label all moments")


def task(result: Result, minutes: float, seed: int, rater: str) -> LabellingTask:
    """The task of a rater: moments that take `minutes` to label, or the whole faces without moments for 0 minutes."""
    chosen = moments(result, minutes, seed, rater)
    video = {name: getattr(result.video, name) for name in TaskVideo.model_fields}
    return LabellingTask(
        video=TaskVideo(**video),
        faces=[_face(face, chosen, whole=minutes == 0) for face in result.faces if not face.excluded],
        moments=chosen,
        estimated_s=len(chosen) * SECONDS_PER_MOMENT,
    )


def _face(face: Face, chosen: Sequence[Moment], *, whole: bool) -> TaskFace:
    spans = [(one.start_s, one.end_s) for one in chosen if one.face_id == face.face_id]
    positions = face.positions if whole else _around(face.positions, spans)
    return TaskFace(
        face_id=face.face_id,
        name=face.name,
        start_s=face.start_s,
        end_s=face.end_s,
        positions=[TaskPosition(time_s=position.time_s, box=position.box) for position in positions],
    )


def _around(positions: Sequence[Position], spans: Sequence[tuple[float, float]]) -> list[Position]:
    """The positions within CONTEXT_S of spans; also the ones next to them, as positions may be sparse."""
    times = [position.time_s for position in positions]
    kept: set[int] = set()
    for start_s, end_s in spans:
        first, last = bisect_left(times, start_s - CONTEXT_S), bisect_right(times, end_s + CONTEXT_S)
        kept.update(range(max(first - 1, 0), min(last + 1, len(times))))
    return [positions[index] for index in sorted(kept)]
