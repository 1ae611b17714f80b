"""Checks of a result that a client sends: what the schema cannot say, and every reader of results relies on."""

import re
from collections.abc import Sequence
from itertools import pairwise

from duygu.shared.errors import InvalidResultError
from duygu.shared.schemas.result import Face, Result, Window

SHA256 = re.compile(r"[0-9a-f]{64}")

SUM_TOLERANCE = 0.01
"""Accepted difference of a sum of probabilities from 1; they are rounded to four decimals."""


def check_result(result: Result) -> None:
    """Raises InvalidResultError for a result that violates an invariant, with the face concerned."""
    video = result.video
    if video.width < 1 or video.height < 1:
        raise InvalidResultError(f"the size of the video is {video.width} × {video.height}; at least 1 × 1 is needed")
    if video.sha256 is not None and not SHA256.fullmatch(video.sha256):
        raise InvalidResultError("the sha256 of the video does not have 64 lower-case hexadecimal digits")
    if not result.model.labels:
        raise InvalidResultError("the model has no labels")
    ids = [face.face_id for face in result.faces]
    if len(set(ids)) < len(ids):
        raise InvalidResultError("two faces have the same face_id")
    for face in result.faces:
        _check_face(face, result.model.labels)


def _check_face(face: Face, labels: Sequence[str]) -> None:
    about = f"face {face.face_id}"
    if not face.windows or not face.positions:
        raise InvalidResultError(f"{about} has no windows or no positions")
    if any(one.time_s >= other.time_s for one, other in pairwise(face.positions)):
        raise InvalidResultError(f"the positions of {about} are not in order of time")
    if any(one.start_s > other.start_s for one, other in pairwise(face.windows)):
        raise InvalidResultError(f"the windows of {about} are not in order of time")
    predictions: list[Face | Window] = [face, *face.windows]
    for prediction in predictions:
        if prediction.end_s < prediction.start_s:
            raise InvalidResultError(
                f"{about} ends at {prediction.end_s} s, before it starts at {prediction.start_s} s"
            )
        if prediction.emotion not in labels or set(prediction.probabilities) != set(labels):
            raise InvalidResultError(f"the emotions of {about} are not those of the model: {', '.join(labels)}")
        if abs(sum(prediction.probabilities.values()) - 1) > SUM_TOLERANCE:
            raise InvalidResultError(f"the probabilities of {about} do not sum to 1 at {prediction.start_s} s")
