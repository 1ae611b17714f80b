"""Labels as they are stored: with computed faces, so that edits neither move nor orphan them."""

from collections.abc import Iterable, Sequence

from pydantic import TypeAdapter

from duygu.shared.errors import InvalidLabelError, UnknownFaceError
from duygu.shared.schemas.base import Schema
from duygu.shared.workbench.edits.origin import Origin, Tracer
from duygu.shared.workbench.labels.label import Label, LabelEmotion, ordered


class StoredLabel(Schema):
    """A label with the position of a computed face that it belongs to, whatever edits make of that face."""

    face_id: int
    at_s: float
    start_s: float
    end_s: float
    emotion: LabelEmotion

    @property
    def origin(self) -> Origin:
        """The position."""
        return Origin(self.face_id, self.at_s)


STORED: TypeAdapter[list[StoredLabel]] = TypeAdapter(list[StoredLabel])
"""Validates stored labels."""


def to_store(labels: Iterable[Label], tracer: Tracer) -> list[StoredLabel]:
    """Labels of edited faces as labels of computed ones. A label belongs to the position nearest to its middle.

    Raises UnknownFaceError, InvalidLabelError for a label outside the time of its face, and LabelsOverlapError.
    """
    return [_placed(label, tracer) for label in ordered(labels)]


def shown(stored: Sequence[StoredLabel], tracer: Tracer) -> list[Label]:
    """Stored labels as labels of the edited faces, by face and time.

    Merging faces that were labelled separately may make labels overlap, which is accepted here.
    """
    placed = ((tracer.shown_as(one.origin), one) for one in stored)
    found = [
        Label(face_id=face_id, start_s=one.start_s, end_s=one.end_s, emotion=one.emotion)
        for face_id, one in placed
        if face_id is not None
    ]
    return sorted(found, key=lambda label: (label.face_id, label.start_s, label.end_s))


def _placed(label: Label, tracer: Tracer) -> StoredLabel:
    if label.face_id not in tracer.faces:
        raise UnknownFaceError(label.face_id, tracer.faces)
    start_s, end_s = tracer.extent(label.face_id)
    if label.end_s <= start_s or label.start_s > end_s:
        raise InvalidLabelError(
            f"the label from {label.start_s} to {label.end_s} s is outside face {label.face_id}, which is visible from "
            f"{start_s} to {end_s} s"
        )
    origin = tracer.origin(label.face_id, label.middle_s)
    return StoredLabel(
        face_id=origin.face_id, at_s=origin.time_s, start_s=label.start_s, end_s=label.end_s, emotion=label.emotion
    )
