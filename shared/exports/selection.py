"""Subsets of a result: fewer faces, or fewer windows per face."""

import math

from duygu.shared.exports.spans import Span, each_span
from duygu.shared.schemas.packed import as_stored
from duygu.shared.schemas.result import Face, Result, ResultOptions


def most_seen(result: Result, count: int) -> Result:
    """Keep the `count` faces with the longest time in the picture, in their order."""
    by_time = sorted(result.faces, key=lambda face: face.start_s - face.end_s)
    kept = {face.face_id for face in by_time[:count]}
    faces = [face for face in result.faces if face.face_id in kept]
    return result.model_copy(update={"faces": faces, "options": _with(result.options, faces=count)})


def once_every(result: Result, seconds: float) -> Result:
    """Keep the windows that contain every `seconds`-th second, unchanged.

    A face that is visible only between two of these times keeps its first window, so that no face is lost.
    """
    faces = [_thinned(face, seconds) for face in result.faces]
    return result.model_copy(update={"faces": faces, "options": _with(result.options, every_s=seconds)})


def _with(options: ResultOptions | None, **chosen: float) -> ResultOptions | None:
    return options.model_copy(update=chosen) if options else None


def _thinned(face: Face, seconds: float) -> Face:
    windows = as_stored((span.window for span in each_span(face) if _holds_a_tick(span, seconds)), face.windows)
    return face.model_copy(update={"windows": windows or face.windows[:1]})


def _holds_a_tick(span: Span, seconds: float) -> bool:
    return math.ceil(span.start_s / seconds) * seconds < span.end_s
