"""Baselines of edited faces: those of the computed result, and those that an edit chooses."""

from collections.abc import Mapping
from dataclasses import dataclass

from duygu.shared.baselines.answers import mean_logits, outputs_of
from duygu.shared.baselines.windows import EXPRESSIVE, SPEAKING, baseline_warning, is_speaking, windows_within
from duygu.shared.errors import BaselineNoFaceError, BaselineTooShortError, BaselineUnsupportedError
from duygu.shared.schemas.emotions import NEUTRAL, OTHER
from duygu.shared.schemas.model import ModelInfo, RelativeModel
from duygu.shared.schemas.options import joined_spans
from duygu.shared.schemas.result import Baseline, Face, Warning, Window  # noqa: A004


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
    rows = _outputs(windows_within(face.windows, face.baseline.spans), layer)
    return Resting(face.baseline, mean_logits(rows)) if rows else None


def layer_of(model: ModelInfo) -> RelativeModel | None:
    """The layer for relative answers; None for a model without it, or whose labels are not those of the layer."""
    layer, labels = model.relative, set(model.labels)
    if layer is None or not labels - {OTHER} <= set(layer.candidates):
        return None
    return layer if OTHER in labels or labels == set(layer.candidates) else None


def require_outputs(face: Face, model: ModelInfo) -> RelativeModel:
    """The layer for relative answers. Raises BaselineUnsupportedError where the result lacks it, or its outputs."""
    layer = layer_of(model)
    if layer is None or len(_outputs(face.windows, layer)) < len(face.windows):
        raise BaselineUnsupportedError(
            f"face {face.face_id} of the result by model {model.name} {model.version} has no `relative_logits`, which "
            "answers relative to a baseline need; analyse the video again"
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
    return Resting(baseline, mean_logits(_outputs(windows, layer)), _doubts(windows))


def joined_baseline(one: Baseline | None, other: Baseline | None) -> Baseline | None:
    """The baseline of merged faces. Windows keep the answers relative to their own baseline, if they had one."""
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


def _outputs(windows: list[Window], layer: RelativeModel) -> list[list[float]]:
    """The outputs of the layer for the windows that have them."""
    return [row for window in windows if (row := outputs_of(window, layer)) is not None]


def _doubts(windows: list[Window]) -> tuple[str, ...]:
    """Codes of the warnings about a baseline of these windows."""
    speaks = is_speaking(window.speaking for window in windows)
    expressive = [not window.uncertain and window.emotion not in (NEUTRAL, OTHER) for window in windows]
    return (*([SPEAKING] if speaks else []), *([EXPRESSIVE] if 2 * sum(expressive) > len(windows) else []))
