"""Baselines from another recording: what is taken, to which faces it applies, and what is refused."""

import numpy as np
import pytest

from duygu.shared.baselines.recordings import recorded_baseline, with_recorded_baseline
from duygu.shared.errors import (
    BaselineNoFaceError,
    BaselineSeveralFacesError,
    BaselineTooShortError,
    BaselineUnsupportedError,
    UnknownFaceError,
)
from duygu.shared.schemas.result import Flag, Result
from duygu.shared.workbench.edits.editing import apply_edits
from duygu.shared.workbench.edits.operations import Exclude, SetBaseline
from tests.shared.workbench.edits.test_editing import by_id, three_faces
from tests.support.results.layer import with_layer

RESULT = with_layer(three_faces())


def only(face_id: int) -> Result:
    """Return a recording of one face."""
    return apply_edits(RESULT, [Exclude(face_id=face.face_id) for face in RESULT.faces if face.face_id != face_id])


def test_the_baseline_is_the_mean_over_the_recording() -> None:
    """It has the mean output of the layer, the number of windows, and which recording and model it is of."""
    recorded = recorded_baseline(only(2))
    rows = [window.relative_logits or [] for window in RESULT.faces[1].windows]
    assert np.allclose(recorded.logits, np.mean(rows, axis=0))
    assert (recorded.windows, recorded.model_sha256) == (len(rows), RESULT.model.sha256)
    assert recorded_baseline(RESULT, 2) == recorded


def test_windows_with_a_gap_are_not_taken() -> None:
    """Windows without ten different crops do not count; a recording without any other is too short."""
    face = RESULT.faces[1]
    gap, *rest = [window.model_copy(update={"flags": [Flag.GAP]}) for window in face.windows]
    video = RESULT.model_copy(update={"faces": [face.model_copy(update={"windows": [gap, *face.windows[1:]]})]})
    assert recorded_baseline(video).windows == len(rest)
    unusable = RESULT.model_copy(update={"faces": [face.model_copy(update={"windows": [gap, *rest]})]})
    with pytest.raises(BaselineTooShortError):
        recorded_baseline(unusable)


def test_a_recording_without_one_person_is_refused() -> None:
    """Nobody, several people, an unknown face, and a result without the output of the layer have a code each."""
    with pytest.raises(BaselineNoFaceError):
        recorded_baseline(RESULT.model_copy(update={"faces": []}))
    with pytest.raises(BaselineSeveralFacesError):
        recorded_baseline(RESULT)
    with pytest.raises(UnknownFaceError):
        recorded_baseline(RESULT, 9)
    with pytest.raises(BaselineUnsupportedError):
        recorded_baseline(three_faces(), 2)


def test_a_result_made_elsewhere_is_refused_with_a_code() -> None:
    """A model without a valid hash is no baseline; a long name is shortened."""
    odd = RESULT.model.model_copy(update={"sha256": "mine"})
    with pytest.raises(BaselineUnsupportedError, match="model_sha256"):
        recorded_baseline(RESULT.model_copy(update={"model": odd}), 2)
    video = RESULT.video.model_copy(update={"name": "x" * 300})
    assert recorded_baseline(RESULT.model_copy(update={"video": video}), 2).name == "x" * 255


def test_a_video_of_one_person_gets_the_baseline() -> None:
    """Its faces, which are never visible at the same time, have the predictions that the edit of each would give."""
    recorded = recorded_baseline(only(2))
    video = RESULT.model_copy(update={"faces": [RESULT.faces[0], RESULT.faces[2]]})
    result = with_recorded_baseline(video, recorded)
    edited = apply_edits(video, [SetBaseline(face_id=face_id, recording=recorded) for face_id in (1, 3)])
    assert result.faces == edited.faces
    assert all(window.relative for face in result.faces for window in face.windows)
    assert {warning.code for warning in result.warnings} == {warning.code for warning in edited.warnings}


def test_a_video_of_several_people_keeps_its_predictions() -> None:
    """If faces are visible at the same time, nobody gets the baseline, and a warning names the edit."""
    result = with_recorded_baseline(RESULT, recorded_baseline(only(2)))
    assert result.faces == RESULT.faces
    assert [warning.code for warning in result.warnings][len(RESULT.warnings) :] == ["baseline_several_faces"]
    assert "edit" in result.warnings[-1].detail


def test_a_recording_by_another_model_is_refused() -> None:
    """The outputs of two models do not compare: both the analysis and the edit refuse them."""
    recorded = recorded_baseline(only(2)).model_copy(update={"model_sha256": "1" * 64})
    with pytest.raises(BaselineUnsupportedError):
        with_recorded_baseline(RESULT, recorded)
    with pytest.raises(BaselineUnsupportedError):
        apply_edits(RESULT, [SetBaseline(face_id=1, recording=recorded)])


def test_the_baseline_of_a_recording_is_joined_and_removed_as_any_other() -> None:
    """A face that is joined takes it, and an edit without a part removes it."""
    recorded = recorded_baseline(only(2))
    choice = SetBaseline(face_id=1, recording=recorded)
    assert by_id(apply_edits(RESULT, [choice, SetBaseline(face_id=1)])) == by_id(RESULT)
    computed = apply_edits(RESULT, [choice])
    again = apply_edits(computed, [SetBaseline(face_id=3, recording=recorded)])
    assert by_id(again)[3].baseline == by_id(computed)[1].baseline
