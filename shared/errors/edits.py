"""Edits of a result, labels of raters, and studies."""

from collections.abc import Mapping, Sequence

from duygu.shared.errors.base import RequestError

LISTED_FACES = 20
"""Faces that an error lists."""


class InvalidEditError(RequestError):
    """The edit does not apply to the result."""

    code = "invalid_edit"
    title = "The edit does not apply to this result"
    status = 422


class UnknownFaceError(InvalidEditError):
    """The edit or label refers to a face that the result does not have, or no longer has after earlier edits."""

    code = "unknown_face"
    title = "The result has no such face"

    def __init__(self, face_id: int | str | None = None, known: Sequence[int] = ()) -> None:
        """`face_id`: the unknown face, or what a file has in its place. `known`: the faces of the result."""
        ids = ", ".join(map(str, known[:LISTED_FACES])) + (", …" if len(known) > LISTED_FACES else "")
        super().__init__(None if face_id is None else f"unknown face {face_id}; known: {ids or 'none'}")


class FacesOverlapError(InvalidEditError):
    """Two faces that are visible in the same picture cannot be one person."""

    code = "faces_overlap"
    title = "The faces are visible at the same time"
    status = 409

    def __init__(self, face_id: int = 0, into: int = 0, time_s: float = 0.0) -> None:
        """`time_s`: the first time at which both faces are visible."""
        super().__init__(
            f"faces {face_id} and {into} are both visible at {time_s} s; split one of them first" if face_id else None
        )


class TooManyEditsError(InvalidEditError):
    """The result has the maximum number of edits."""

    code = "too_many_edits"
    title = "The result has too many edits"
    status = 409


class NoEditError(InvalidEditError):
    """There is no edit to undo."""

    code = "no_edit"
    title = "There is no edit to undo"
    status = 409


class InvalidLabelError(RequestError):
    """A label does not apply to the result, or a file of labels violates its format."""

    code = "invalid_label"
    title = "The label does not apply to this result"
    status = 422


class LabelsOverlapError(InvalidLabelError):
    """Two labels of one rater for the same face overlap in time."""

    code = "labels_overlap"
    title = "Two labels of a face overlap"

    def __init__(
        self, face_id: int = 0, one: tuple[float, float] = (0.0, 0.0), other: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """`one`, `other`: starts and ends of the labels in seconds."""
        super().__init__(
            f"two labels of face {face_id} overlap: {one[0]} to {one[1]} s and {other[0]} to {other[1]} s"
            if face_id
            else None
        )


class TooManyLabelsError(InvalidLabelError):
    """The result has the maximum number of labels or raters."""

    code = "too_many_labels"
    title = "The result has too many labels"
    status = 409


class EditConflictError(RequestError):
    """The edits or labels were changed since the version that `If-Match` names."""

    code = "edit_conflict"
    title = "The edits have been changed meanwhile"
    status = 412


class OtherVideoError(RequestError):
    """The edits or labels were made for another video or another analysis of it."""

    code = "other_video"
    title = "The file belongs to another video or analysis"
    status = 422


class InvalidStudyError(RequestError):
    """The table of a study, of its markers, or a setting of the study is invalid."""

    code = "invalid_study"
    title = "The study is invalid"
    status = 422
    errors: Sequence[Mapping[str, object]] = ()
    """Each fault with its table, row, column, code and message, where a service found it."""


class StudyNotFoundError(RequestError):
    """The study was never created, was deleted, or belongs to another API key."""

    code = "study_not_found"
    title = "The study does not exist"
    status = 404


class StudyConflictError(RequestError):
    """The study was changed since the version that `If-Match` names."""

    code = "study_conflict"
    title = "The study has been changed meanwhile"
    status = 412


class TooManyStudiesError(RequestError):
    """The caller has the maximum number of studies."""

    code = "too_many_studies"
    title = "Too many studies are kept"
    status = 409
