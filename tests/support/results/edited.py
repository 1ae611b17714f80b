"""A result with a named, an unnamed and an excluded face, with certain and uncertain windows."""

from duygu.shared.schemas.result import Result
from duygu.shared.workbench.edits.editing import apply_edits
from duygu.shared.workbench.edits.operations import Exclude, Rename
from tests.support.results.known import face, two_faces, window

NAME = 'Ayşe "A" <b>&'

MOODS = [("neutral", 0.0, 0.7), ("happiness", 0.7, 1.9), ("sadness", 4.0, 4.9)]
"""Emotion, start and end of the stretches of face 1."""


def edited(first_frame_s: float = 0.0, name: str | None = "Interview 1.mp4") -> Result:
    """Face 1 is named and certain, face 2 is uncertain, face 3 is excluded."""
    result = two_faces()
    video = result.video.model_copy(update={"name": name, "first_frame_s": first_frame_s})
    result = result.model_copy(update={"video": video, "faces": [*result.faces, face(3, [window(1.0, "anger", 0.9)])]})
    return apply_edits(result, [Rename(face_id=1, name=NAME), Exclude(face_id=3)])


def without_faces() -> Result:
    """A video in which nobody is seen."""
    return two_faces().model_copy(update={"faces": []})
