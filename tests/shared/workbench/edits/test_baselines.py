"""Edits of resting faces: which windows are taken, the relative predictions, and what is refused."""

from pathlib import Path

import pytest

from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import BaselineNoFaceError, BaselineTooShortError, BaselineUnsupportedError
from duygu.shared.exports.tables import csv_table
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import Baseline, Face, Flag, Result
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.engine import Engine, load_engine
from duygu.shared.workbench.edits.editing import apply_edits
from duygu.shared.workbench.edits.operations import EDIT, Edit, Merge, SetBaseline, Split
from tests.shared.workbench.edits.test_editing import by_id, three_faces
from tests.support.media.videos import STILL, VideoMaker
from tests.support.results.layer import with_layer

RESULT = with_layer(three_faces())

CHOICE = SetBaseline(face_id=2, start_s=1.0, end_s=3.0)


def analysed(path: Path, options: AnalysisOptions, engine: Engine) -> Result:
    """Return the result of a video."""
    return analyze_video(path, engine, decode_limits(Settings()), options)


@pytest.mark.parametrize("settings", [Settings(threads=1), Settings(threads=1, neutral="off")])
@pytest.mark.parametrize("labels", [None, ("happiness",)])
def test_an_edit_gives_the_predictions_of_the_option(
    settings: Settings, labels: tuple[str, ...] | None, video_maker: VideoMaker
) -> None:
    """A span that an edit chooses later gives the same baseline and predictions as the same option of the analysis."""
    engine, path = load_engine(engine_options(settings)), video_maker.make(STILL)
    chosen = analysed(path, AnalysisOptions(baseline="0-1.6", labels=labels), engine)
    plain = analysed(path, AnalysisOptions(labels=labels), engine)
    (expected,) = chosen.faces
    (edited,) = apply_edits(plain, [SetBaseline(face_id=1, start_s=0.0, end_s=1.6)]).faces
    assert expected.baseline is not None
    assert edited == expected


def test_the_windows_of_the_face_get_predictions_and_no_others() -> None:
    """The baseline names the windows inside the part; the other predictions and faces stay as they are."""
    faces = by_id(apply_edits(RESULT, [CHOICE]))
    one, two, three = RESULT.faces
    assert faces[2].baseline is not None
    assert faces[2].baseline == Baseline(source="span", spans=[(1.0, 2.9)], windows=3)
    assert all(window.relative for window in faces[2].windows)
    stripped = [window.model_copy(update={"relative": None}) for window in faces[2].windows]
    assert faces[2].model_copy(update={"baseline": None, "windows": stripped}) == two
    assert (faces[1], faces[3]) == (one, three)


def test_a_baseline_is_replaced_and_removed() -> None:
    """A later choice replaces an earlier one; without a part, the result is as computed."""
    later = SetBaseline(face_id=2, start_s=0.0, end_s=2.0)
    assert apply_edits(RESULT, [CHOICE, later]) == apply_edits(RESULT, [later])
    assert apply_edits(RESULT, [CHOICE, SetBaseline(face_id=2)]) == RESULT


def test_a_baseline_applies_to_what_the_user_joined() -> None:
    """A face without a baseline takes that of the face to which it is joined, in either direction, and when split."""
    choice = SetBaseline(face_id=1, start_s=0.0, end_s=1.5)
    for merge, joined in ((Merge(face_id=3, into=1), 1), (Merge(face_id=1, into=3), 3)):
        before = by_id(apply_edits(RESULT, [choice, merge]))[joined]
        after = by_id(apply_edits(RESULT, [merge, SetBaseline(face_id=joined, start_s=0.0, end_s=1.5)]))[joined]
        assert before == after
        assert all(window.relative for window in before.windows)
    edits: list[Edit] = [choice, Split(face_id=1, at_s=0.8), Merge(face_id=3, into=4)]
    late = by_id(apply_edits(RESULT, edits))[4]
    assert late.windows[-1] == by_id(apply_edits(RESULT, [choice, Merge(face_id=3, into=1)]))[1].windows[-1]


def test_a_computed_baseline_applies_to_what_the_user_joined() -> None:
    """The baseline of an analysis, as of its option `baseline`, applies to a face that is joined later."""
    computed = apply_edits(RESULT, [SetBaseline(face_id=1, start_s=0.0, end_s=1.5)])
    merged = by_id(apply_edits(computed, [Merge(face_id=3, into=1)]))[1]
    assert all(window.relative for window in merged.windows)


def flagged(face: Face, flags: list[Flag]) -> Face:
    """Return the face with flags on all windows."""
    return face.model_copy(update={"windows": [one.model_copy(update={"flags": flags}) for one in face.windows]})


def with_faces(faces: list[Face]) -> Result:
    """Return the result with other faces."""
    return RESULT.model_copy(update={"faces": faces})


@pytest.mark.parametrize(
    ("result", "edit", "error"),
    [
        (RESULT, SetBaseline(face_id=3, start_s=0.0, end_s=2.0), BaselineNoFaceError),
        (RESULT, SetBaseline(face_id=2, start_s=1.1, end_s=1.9), BaselineTooShortError),
        (with_faces([flagged(RESULT.faces[1], [Flag.GAP])]), CHOICE, BaselineTooShortError),
        (three_faces(), CHOICE, BaselineUnsupportedError),
        (RESULT.model_copy(update={"model": three_faces().model}), CHOICE, BaselineUnsupportedError),
        (
            RESULT.model_copy(update={"model": RESULT.model.model_copy(update={"labels": ["joy"]})}),
            CHOICE,
            BaselineUnsupportedError,
        ),
    ],
)
def test_what_cannot_be_a_resting_face_is_refused(result: Result, edit: Edit, error: type[Exception]) -> None:
    """A part without the face, without whole windows, or a result without the layer's outputs, is an error."""
    with pytest.raises(error):
        apply_edits(result, [edit])


def test_outputs_of_another_layer_are_no_error_elsewhere() -> None:
    """A face whose outputs do not fit the layer, as made by hand, can be merged, without relative predictions."""
    one, two, three = RESULT.faces
    odd = three.model_copy(
        update={"windows": [window.model_copy(update={"relative_logits": [1.0]}) for window in three.windows]}
    )
    edits: list[Edit] = [SetBaseline(face_id=1, start_s=0.0, end_s=1.5), Merge(face_id=3, into=1)]
    merged = by_id(apply_edits(with_faces([one, two, odd]), edits))[1]
    assert [window.relative is None for window in merged.windows] == [False] * 3 + [True] * 2


def test_a_doubtful_choice_has_warnings() -> None:
    """A part in which the person speaks, or shows an emotion that is not uncertain, is taken with a warning."""
    talking = [window.model_copy(update={"speaking": 0.8, "uncertain": False}) for window in RESULT.faces[1].windows]
    result = with_faces([RESULT.faces[1].model_copy(update={"windows": talking})])
    added = apply_edits(result, [CHOICE]).warnings[len(result.warnings) :]
    assert [(one.code, one.detail.partition(":")[0]) for one in added] == [
        ("baseline_speaking", "face 2"),
        ("baseline_expressive", "face 2"),
    ]
    assert apply_edits(result, [CHOICE, SetBaseline(face_id=2)]).warnings == result.warnings


def test_tables_contain_relative_predictions() -> None:
    """The table of an edited result has the columns of relative predictions, which that of the computed one lacks."""
    assert "relative_emotion" in csv_table(apply_edits(RESULT, [CHOICE])).splitlines()[0]
    assert "relative_emotion" not in csv_table(RESULT)


@pytest.mark.parametrize("fields", [{"start_s": 1.0}, {"start_s": 2.0, "end_s": 1.0}, {"start_s": -1.0, "end_s": 2.0}])
def test_an_invalid_part_is_refused(fields: dict[str, float]) -> None:
    """A part needs a start and a later end, none below 0."""
    with pytest.raises(ValueError, match=r"end_s|start_s"):
        EDIT.validate_python({"op": "baseline", "face_id": 1, **fields})
