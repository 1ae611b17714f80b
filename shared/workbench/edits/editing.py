"""Application of edits to a computed result, which is never changed itself."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from duygu.shared.baselines.predictions import layer_of, with_predictions
from duygu.shared.errors import FacesOverlapError, InvalidEditError, UnknownFaceError
from duygu.shared.schemas.emotions import OTHER
from duygu.shared.schemas.options import joined_spans
from duygu.shared.schemas.result import Face, Position, Result, Window
from duygu.shared.workbench.edits.baselines import (
    Resting,
    chosen_resting,
    joined_baseline,
    recorded_resting,
    require_outputs,
    resting_of,
    warnings_of,
)
from duygu.shared.workbench.edits.operations import Edit, Exclude, Include, Merge, Rename, SetBaseline, Split, Threshold
from duygu.shared.workbench.edits.overall import overall

T = TypeVar("T")

Spans = list[tuple[float, float]]
"""Starts and ends in seconds."""


def apply_edits(result: Result, edits: Sequence[Edit]) -> Result:
    """The result with edits applied in order; the same object without edits.

    Raises UnknownFaceError for a face that does not exist at that point, FacesOverlapError when faces to merge are
    visible in the same picture, BaselineNoFaceError, BaselineTooShortError or BaselineUnsupportedError for a baseline
    that cannot be used, and InvalidEditError for an edit that has no effect or leaves a face without windows.
    """
    if not edits:
        return result
    editor = _Editor(result)
    for edit in edits:
        editor.apply(edit)
    return result.model_copy(update=editor.changes())


def visible(result: Result) -> Result:
    """The result without the faces that edits excluded, as exports other than JSON show it."""
    if not any(face.excluded for face in result.faces):
        return result
    return result.model_copy(update={"faces": [face for face in result.faces if not face.excluded]})


class _Editor:
    """The faces while edits are applied. Exclusions are kept apart, so that including a part restores its windows."""

    def __init__(self, result: Result) -> None:
        self._result = result
        self._faces = {face.face_id: face for face in result.faces}
        self._excluded: dict[int, Spans] = {}
        self._layer = layer_of(result.model)
        self._resting: dict[int, Resting] = {
            face.face_id: found for face in result.faces if (found := resting_of(face, self._layer))
        }
        self._recomputed: set[int] = set()
        self._last_id = max(self._faces, default=0)
        self._uncertain_below: float | None = None

    def apply(self, edit: Edit) -> None:
        match edit:
            case Rename():
                self._set(self._face(edit.face_id), name=edit.name)
            case Merge():
                self._merge(self._face(edit.face_id), self._face(edit.into))
            case Split():
                self._split(self._face(edit.face_id), edit.at_s)
            case Exclude():
                self._exclude(self._face(edit.face_id), edit.span)
            case Include():
                self._include(self._face(edit.face_id), edit.span)
            case SetBaseline():
                self._set_baseline(self._face(edit.face_id), edit)
            case Threshold():
                self._set_threshold(edit.uncertain_below)

    def changes(self) -> dict[str, object]:
        """The fields of the result that the edits change."""
        below, faces = self._uncertain_below, self.faces()
        warnings = [*self._result.warnings, *warnings_of(self._resting)]
        if below is None:
            return {"faces": faces, "warnings": warnings}
        return {
            "warnings": warnings,
            "faces": [with_threshold(face, below) for face in faces],
            "model": self._result.model.model_copy(update={"certain_means": None}),
            "uncertain_below": below,
        }

    def faces(self) -> list[Face]:
        """The edited faces in the order of their ids."""
        return [self._shown(self._faces[face_id]) for face_id in sorted(self._faces)]

    def _face(self, face_id: int) -> Face:
        if face_id not in self._faces:
            raise UnknownFaceError(face_id, sorted(self._faces))
        return self._faces[face_id]

    def _set(self, face: Face, **changes: object) -> None:
        self._faces[face.face_id] = face.model_copy(update=changes)

    def _merge(self, face: Face, into: Face) -> None:
        times = {position.time_s for position in face.positions}
        if shared := sorted(times.intersection(position.time_s for position in into.positions)):
            raise FacesOverlapError(face.face_id, into.face_id, shared[0])
        spans = joined_spans([*self._spans(into), *self._spans(face)])
        if not _remaining([*into.windows, *face.windows], spans):
            raise InvalidEditError(
                f"no window of faces {face.face_id} and {into.face_id} would remain; include a part first"
            )
        del self._faces[face.face_id]
        self._excluded[into.face_id] = spans
        joined = [*self._relative_windows(into, face), *self._relative_windows(face, into)]
        self._join_resting(face.face_id, into.face_id)
        self._replace(
            into,
            name=into.name or face.name,
            baseline=joined_baseline(into.baseline, face.baseline),
            windows=sorted(joined, key=lambda window: window.start_s),
            positions=sorted([*into.positions, *face.positions], key=lambda position: position.time_s),
        )

    def _relative_windows(self, face: Face, other: Face) -> list[Window]:
        """The windows of a face that is merged: one without a baseline takes that of the other."""
        resting = self._resting.get(other.face_id)
        if face.baseline or not resting or not self._layer:
            return face.windows
        return with_predictions(face.windows, resting.mean, self._layer, self._result.model.labels)

    def _join_resting(self, face_id: int, into: int) -> None:
        both = [self._resting.pop(one) for one in (into, face_id) if one in self._resting]
        if both:
            doubts = {code for resting in both for code in resting.doubts}
            self._resting[into] = replace(both[0], doubts=tuple(sorted(doubts)))

    def _set_baseline(self, face: Face, edit: SetBaseline) -> None:
        span, recording, model = edit.span, edit.recording, self._result.model
        if recording is not None:
            layer = require_outputs(face, model)
            resting = recorded_resting(face, recording, model)
        elif span is not None:
            layer = require_outputs(face, model)
            resting = chosen_resting(face, span, layer)
        else:
            self._resting.pop(face.face_id, None)
            windows = [window.model_copy(update={"relative": None}) for window in face.windows]
            self._set(face, baseline=None, windows=windows)
            return
        self._resting[face.face_id] = resting
        self._set(
            face, baseline=resting.baseline, windows=with_predictions(face.windows, resting.mean, layer, model.labels)
        )

    def _split(self, face: Face, at_s: float) -> None:
        positions = _parted(face.positions, at_s, lambda position: position.time_s)
        windows = _parted(face.windows, at_s, _middle)
        included = _parted(_remaining(face.windows, self._spans(face)), at_s, _middle)
        if not all((*positions, *included)):
            raise InvalidEditError(
                f"face {face.face_id} cannot be split at {at_s} s: each part needs at least one window that is not "
                f"excluded, and the face is visible from {face.start_s} to {face.end_s} s"
            )
        self._last_id += 1
        self._excluded[self._last_id] = _clipped(self._spans(face), at_s, math.inf)
        self._excluded[face.face_id] = _clipped(self._spans(face), 0.0, at_s)
        new = face.model_copy(update={"face_id": self._last_id, "name": None})
        if resting := self._resting.get(face.face_id):
            self._resting[self._last_id] = resting
        for part, seen, classified in zip((face, new), positions, windows, strict=True):
            self._replace(part, windows=classified, positions=seen)

    def _replace(self, face: Face, *, windows: list[Window], positions: list[Position], **changes: object) -> None:
        """Set the windows, positions and times of a face; its overall emotion is computed from them later."""
        self._recomputed.add(face.face_id)
        times = {"start_s": positions[0].time_s, "end_s": positions[-1].time_s}
        self._set(face, windows=windows, positions=positions, **times, **changes)

    def _exclude(self, face: Face, span: tuple[float, float] | None) -> None:
        if span is None:
            self._set(face, excluded=True)
            return
        inside = _clipped([span], face.start_s, face.end_s)
        if not inside:
            raise InvalidEditError(
                f"face {face.face_id} is not visible from {span[0]} to {span[1]} s, but from {face.start_s} to "
                f"{face.end_s} s"
            )
        spans = joined_spans([*self._spans(face), span])
        if not _remaining(face.windows, spans):
            raise InvalidEditError(f"no window of face {face.face_id} would remain; exclude the whole face instead")
        self._excluded[face.face_id] = spans

    def _include(self, face: Face, span: tuple[float, float] | None) -> None:
        if span is None:
            self._excluded.pop(face.face_id, None)
            self._set(face, excluded=False)
        else:
            self._excluded[face.face_id] = _without(self._spans(face), *span)

    def _set_threshold(self, uncertain_below: float | None) -> None:
        if uncertain_below is not None and OTHER in self._result.model.labels:
            raise InvalidEditError(
                "the result reports selected labels, and a threshold applies to the confidence over all labels"
            )
        self._uncertain_below = uncertain_below

    def _spans(self, face: Face) -> Spans:
        return self._excluded.get(face.face_id, [])

    def _shown(self, face: Face) -> Face:
        """The face without its excluded parts, with the overall emotion of the windows that remain."""
        spans = self._spans(face)
        if not spans and face.face_id not in self._recomputed:
            return face
        windows = _remaining(face.windows, spans)
        # The only position of a long window, as in a time-lapse, can lie in an excluded part.
        positions = [seen for seen in face.positions if not _holds(spans, seen.time_s)] or face.positions
        probabilities = overall(windows, self._result.model)
        emotion = max(probabilities, key=probabilities.__getitem__)
        return face.model_copy(
            update={
                "start_s": positions[0].time_s,
                "end_s": positions[-1].time_s,
                "emotion": emotion,
                "confidence": probabilities[emotion],
                "probabilities": probabilities,
                "windows": windows,
                "positions": positions,
                "excluded_spans": spans,
            }
        )


def with_threshold(face: Face, uncertain_below: float) -> Face:
    """The face with the windows whose confidence is below a threshold marked as uncertain, and no others."""
    windows = [window.model_copy(update={"uncertain": window.confidence < uncertain_below}) for window in face.windows]
    return face.model_copy(update={"windows": windows})


def _parted(items: Sequence[T], at_s: float, time_of: Callable[[T], float]) -> tuple[list[T], list[T]]:
    """The items before a time, and those from it on."""
    return [item for item in items if time_of(item) < at_s], [item for item in items if time_of(item) >= at_s]


def _middle(window: Window) -> float:
    return (window.start_s + window.end_s) / 2


def _remaining(windows: Sequence[Window], spans: Spans) -> list[Window]:
    """The windows whose middle is outside the spans."""
    return [window for window in windows if not _holds(spans, _middle(window))]


def _holds(spans: Spans, time_s: float) -> bool:
    return any(start_s <= time_s < end_s for start_s, end_s in spans)


def _clipped(spans: Spans, start_s: float, end_s: float) -> Spans:
    """The parts of spans between two times."""
    clipped = [(max(one, start_s), min(other, end_s)) for one, other in spans]
    return [span for span in clipped if span[0] < span[1]]


def _without(spans: Spans, start_s: float, end_s: float) -> Spans:
    """The parts of spans outside two times."""
    return sorted([*_clipped(spans, 0.0, start_s), *_clipped(spans, end_s, math.inf)])
