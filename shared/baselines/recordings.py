"""Baselines from another recording of the same person, such as one in which the person sits at rest."""

from collections.abc import Sequence

from pydantic import ValidationError

from duygu.shared.baselines.predictions import layer_of, mean_logits, outputs_of_windows, with_predictions
from duygu.shared.baselines.windows import SEVERAL_FACES, UNUSABLE, baseline_warning, doubts_about
from duygu.shared.errors import (
    BaselineNoFaceError,
    BaselineSeveralFacesError,
    BaselineTooShortError,
    BaselineUnsupportedError,
    UnknownFaceError,
)
from duygu.shared.model.recipe import explain
from duygu.shared.schemas.model import ModelDescription, ModelInfo
from duygu.shared.schemas.result import MAX_NAME, Baseline, Face, RecordedBaseline, Result, Warning  # noqa: A004


def recorded_baseline(result: Result, face_id: int | None = None) -> RecordedBaseline:
    """The resting face in a recording: the mean over all windows of ten crops without a gap.

    face_id  whose, where the recording has several faces

    Raises BaselineNoFaceError without a face, BaselineSeveralFacesError for several ones without `face_id`,
    UnknownFaceError for a face that does not exist, BaselineTooShortError without a window, and
    BaselineUnsupportedError for a result without the output of the layer for relative predictions.
    """
    face = _only(result, face_id)
    layer = layer_of(result.model)
    windows = [window for window in face.windows if not UNUSABLE.intersection(window.flags)]
    if not windows:
        raise BaselineTooShortError(f"no window of ten frames without a gap is in the recording of face {face.face_id}")
    rows = outputs_of_windows(windows, layer) if layer else []
    if len(rows) < len(windows):
        model = result.model
        raise BaselineUnsupportedError(
            f"the result of the recording by model {model.name} {model.version} has no `relative_logits`; analyse it "
            "again"
        )
    name = result.video.name or result.job_id
    try:
        return RecordedBaseline(
            name=name and name[:MAX_NAME],
            sha256=result.video.sha256,
            model_sha256=result.model.sha256,
            windows=len(windows),
            logits=mean_logits(rows),
            doubts=list(doubts_about(windows)),
        )
    except ValidationError as error:  # of a result that was made elsewhere
        raise BaselineUnsupportedError(f"the result of the recording has no baseline: {explain(error)}") from error


def _only(result: Result, face_id: int | None) -> Face:
    faces = [face for face in result.faces if not face.excluded]
    if face_id is not None:
        found = next((face for face in faces if face.face_id == face_id), None)
        if found is None:
            raise UnknownFaceError(face_id, [face.face_id for face in faces])
        return found
    if not faces:
        raise BaselineNoFaceError("no face is visible in the recording of the baseline")
    if len(faces) > 1:
        raise BaselineSeveralFacesError(
            f"the recording of the baseline has {len(faces)} faces; exclude or join those that are not the person's, "
            "or choose one"
        )
    return faces[0]


def baseline_of(recorded: RecordedBaseline) -> Baseline:
    """The baseline of a face that has it from another recording."""
    return Baseline(source="recording", spans=[], windows=recorded.windows, recording=recorded)


def require_same_model(recorded: RecordedBaseline, model: ModelInfo | ModelDescription) -> None:
    """Raise BaselineUnsupportedError unless the model analysed both recordings."""
    layer = layer_of(model)
    if recorded.model_sha256 != model.sha256 or layer is None or len(recorded.logits) != len(layer.labels):
        raise BaselineUnsupportedError(
            f"the recording of the baseline was analysed by another model than {model.name} {model.version}: analyse "
            "it again"
        )


def with_recorded_baseline(result: Result, recorded: RecordedBaseline) -> Result:
    """Add the baseline to the faces of a result, with the predictions relative to it, and warnings.

    Faces that are never visible at the same time can be one person, who left the picture and came back. If two faces
    are visible at the same time, nothing says whose baseline it is: the result then has a warning and no baseline.

    Raises BaselineUnsupportedError for a recording by another model.
    """
    require_same_model(recorded, result.model)
    layer, result = layer_of(result.model), _requested(result, recorded)
    if layer is None or not result.faces:
        return result
    face_ids = [face.face_id for face in result.faces]
    if _meet(result.faces):
        return _with_warnings(result, [baseline_warning(SEVERAL_FACES, face_ids)])
    baseline, reported = baseline_of(recorded), result.model.labels
    faces = [
        face.model_copy(
            update={"baseline": baseline, "windows": with_predictions(face.windows, recorded.logits, layer, reported)}
        )
        for face in result.faces
    ]
    warnings = [baseline_warning(code, face_ids) for code in recorded.doubts]
    return _with_warnings(result.model_copy(update={"faces": faces}), warnings)


def _requested(result: Result, recorded: RecordedBaseline) -> Result:
    """The result whose options name the recording as the baseline that was requested."""
    if result.options is None or result.options.baseline is not None:
        return result
    options = result.options.model_copy(update={"baseline": recorded.name or recorded.sha256})
    return result.model_copy(update={"options": options})


def _with_warnings(result: Result, warnings: Sequence[Warning]) -> Result:
    return result.model_copy(update={"warnings": [*result.warnings, *warnings]})


def _meet(faces: Sequence[Face]) -> bool:
    """Whether two faces have positions at the same time."""
    times: set[float] = set()
    for face in faces:
        own = {position.time_s for position in face.positions}
        if not times.isdisjoint(own):
            return True
        times |= own
    return False
