"""Baselines of edited faces: those of the computed result, and those that an edit chooses."""

from collections.abc import Mapping
from dataclasses import dataclass

from duygu.shared.baselines.predictions import layer_of, mean_logits, outputs_of_windows
from duygu.shared.baselines.recordings import baseline_of, require_same_model
from duygu.shared.baselines.windows import EXPRESSIVE, SPEAKING, baseline_warning, doubts_about, windows_within
from duygu.shared.errors import BaselineNoFaceError, BaselineTooShortError, BaselineUnsupportedError
from duygu.shared.schemas.model import ModelInfo, RelativeModel
from duygu.shared.schemas.options import joined_spans
from duygu.shared.schemas.result import Baseline, Face, RecordedBaseline, Warning  # noqa: A004


@dataclass(frozen=True, slots=True)
class Resting:
    """A resting face: the baseline, the mean output of the layer over its windows, and doubts about it."""

    baseline: Baseline
    mean: list[float]
    doubts: tuple[str, ...] = ()
    """Codes of warnings about a baseline that an edit chose; the computed result has those about its own."""


def resting_of(face: Face, layer: RelativeModel | None) -> Resting | None:
    """The resting face of a computed face; None without a baseline, or without what a merge needs of it."""
    if face.baseline is None or layer is None:
        return None
    if face.baseline.recording is not None:
        return Resting(face.baseline, face.baseline.recording.logits)
    rows = outputs_of_windows(windows_within(face.windows, face.baseline.spans), layer)
    return Resting(face.baseline, mean_logits(rows)) if rows else None


def require_outputs(face: Face, model: ModelInfo) -> RelativeModel:
    """The layer for relative predictions. Raises BaselineUnsupportedError where the result lacks it, or its outputs."""
    layer = layer_of(model)
    if layer is None or len(outputs_of_windows(face.windows, layer)) < len(face.windows):
        raise BaselineUnsupportedError(
            f"face {face.face_id} of the result by model {model.name} {model.version} has no `relative_logits`, which "
            "predictions relative to a baseline need; analyse the video again"
        )
    return layer


def chosen_resting(face: Face, span: tuple[float, float], layer: RelativeModel) -> Resting:
    """The resting face in a part of a face's time. Raises BaselineNoFaceError or BaselineTooShortError."""
    windows, (start_s, end_s) = windows_within(face.windows, [span]), span
    if not windows:
        if not any(start_s <= position.time_s <= end_s for position in face.positions):
            raise BaselineNoFaceError(
                f"face {face.face_id} is not visible from {start_s} to {end_s} s, but from {face.start_s} to "
                f"{face.end_s} s"
            )
        raise BaselineTooShortError(
            f"no window of ten frames without a gap is inside {start_s} to {end_s} s of face {face.face_id}"
        )
    spans = joined_spans((window.start_s, window.end_s) for window in windows)
    baseline = Baseline(source="span", spans=spans, windows=len(windows))
    return Resting(baseline, mean_logits(outputs_of_windows(windows, layer)), doubts_about(windows))


def recorded_resting(face: Face, recorded: RecordedBaseline, model: ModelInfo) -> Resting:
    """The resting face in another recording. Raises BaselineUnsupportedError for one by another model."""
    require_same_model(recorded, model)
    return Resting(baseline_of(recorded), recorded.logits, tuple(sorted(recorded.doubts)))


def joined_baseline(one: Baseline | None, other: Baseline | None) -> Baseline | None:
    """The baseline of merged faces. Windows keep the predictions relative to their own baseline, if they had one."""
    if one is None or other is None or one == other:
        return one or other
    spans = joined_spans([*one.spans, *other.spans])
    return one.model_copy(update={"spans": spans, "windows": one.windows + other.windows})


def warnings_of(resting: Mapping[int, Resting]) -> list[Warning]:
    """The warnings about baselines that edits chose."""
    doubtful = {
        code: [face_id for face_id, one in sorted(resting.items()) if code in one.doubts]
        for code in (SPEAKING, EXPRESSIVE)
    }
    return [baseline_warning(code, face_ids) for code, face_ids in doubtful.items() if face_ids]
