import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duygu.shared.errors import FacesOverlapError, InvalidEditError, UnknownFaceError
from duygu.shared.schemas.model import Temperatures
from duygu.shared.schemas.result import Baseline, Face, Position, RelativePrediction, Result
from duygu.shared.workbench.edits.editing import apply_edits, visible
from duygu.shared.workbench.edits.operations import EDIT, EDITS, Edit, Exclude, Include, Merge, Rename, Split, Threshold
from tests.support.results.known import face, two_faces, window


def seen(face_id: int, start_s: float, moods: list[tuple[str, float]]) -> Face:
    """Return a face with a window every half second and a position every tenth of a second."""
    made = face(face_id, [window(start_s + index / 2, *mood) for index, mood in enumerate(moods)])
    ticks = range(round(start_s * 10), round(made.end_s * 10) + 1)
    positions = [Position(time_s=tick / 10, box=(10, 20, 30, 40), score=0.9) for tick in ticks]
    return made.model_copy(update={"positions": positions})


def three_faces() -> Result:
    """Return a result in which face 3 appears after face 1 has left, while face 2 is always visible."""
    one = seen(1, 0.0, [("neutral", 0.6), ("happiness", 0.8), ("happiness", 0.9)])
    two = seen(2, 0.0, [("surprise", 0.5)] * 10)
    three = seen(3, 3.0, [("sadness", 0.7), ("anger", 0.6)])
    result = two_faces().model_copy(update={"faces": [one, two, three]})
    model = result.model.model_copy(update={"temperatures": Temperatures(window=2.0, face=1.0)})
    return result.model_copy(update={"model": model})


RESULT = three_faces()


def by_id(result: Result) -> dict[int, Face]:
    """Return the faces by their ids."""
    return {face.face_id: face for face in result.faces}


def test_without_edits_the_result_is_the_same_object() -> None:
    """No edit costs nothing and changes nothing."""
    assert apply_edits(RESULT, []) is RESULT


def test_the_computed_result_does_not_change() -> None:
    """Edits create a new result; the computed one keeps every byte."""
    before = RESULT.model_dump_json()
    apply_edits(RESULT, [Rename(face_id=1, name="Ann"), Merge(face_id=3, into=1), Split(face_id=2, at_s=2.0)])
    assert RESULT.model_dump_json() == before


def test_rename() -> None:
    """A name is set, replaced and removed, and nothing else of the face changes."""
    named = by_id(apply_edits(RESULT, [Rename(face_id=1, name=" Ann ")]))[1]
    assert named == RESULT.faces[0].model_copy(update={"name": "Ann"})
    assert apply_edits(RESULT, [Rename(face_id=1, name="Ann"), Rename(face_id=1, name=None)]) == RESULT


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0", "x" * 81])
def test_names_that_cannot_be_shown_are_refused(name: str) -> None:
    """Empty names, control characters and more than 80 characters are invalid."""
    with pytest.raises(ValueError, match="name"):
        EDIT.validate_python({"op": "rename", "face_id": 1, "name": name})


def test_merge_joins_windows_positions_and_name() -> None:
    """The merged face has everything of both in order of time, the name of either, and the removed id is unknown."""
    edits: list[Edit] = [Rename(face_id=3, name="Ann"), Merge(face_id=3, into=1)]
    result = apply_edits(RESULT, edits)
    merged = by_id(result)[1]
    assert [*by_id(result)] == [1, 2]
    assert merged.name == "Ann"
    assert (merged.start_s, merged.end_s) == (0.0, 4.4)
    assert merged.windows == [*RESULT.faces[0].windows, *RESULT.faces[2].windows]
    assert merged.positions == [*RESULT.faces[0].positions, *RESULT.faces[2].positions]
    with pytest.raises(UnknownFaceError, match="unknown face 3; known: 1, 2"):
        apply_edits(RESULT, [*edits, Rename(face_id=3, name="Bob")])


def test_faces_that_are_visible_together_are_not_merged() -> None:
    """Two faces in one picture are two people; the error names the time."""
    with pytest.raises(FacesOverlapError, match=r"both visible at 0\.0 s"):
        apply_edits(RESULT, [Merge(face_id=2, into=1)])


def test_a_face_is_not_merged_into_itself() -> None:
    """Merging needs two faces."""
    with pytest.raises(ValueError, match="cannot be merged into itself"):
        EDIT.validate_python({"op": "merge", "face_id": 1, "into": 1})


def test_the_overall_emotion_is_the_softmax_of_the_mean_logits() -> None:
    """The probabilities of a merged face equal those that the analysis computes from its logits."""
    merged = by_id(apply_edits(RESULT, [Merge(face_id=3, into=1)]))[1]
    logits = [{label: 2.0 * math.log(p) for label, p in one.probabilities.items()} for one in merged.windows]
    means = {label: sum(one[label] for one in logits) / len(logits) for label in RESULT.model.labels}
    total = sum(math.exp(mean) for mean in means.values())
    assert merged.probabilities == pytest.approx(
        {label: math.exp(mean) / total for label, mean in means.items()}, abs=5e-4
    )
    assert sum(merged.probabilities.values()) == pytest.approx(1, abs=1e-9)
    assert merged.confidence == merged.probabilities[merged.emotion] == max(merged.probabilities.values())


def test_split_gives_the_later_part_a_new_id() -> None:
    """Windows are divided by their middle, positions by their time; the new id is above every earlier one."""
    result = apply_edits(RESULT, [Merge(face_id=3, into=1), Split(face_id=1, at_s=2.5)])
    assert [*by_id(result)] == [1, 2, 4]
    early, late = by_id(result)[1], by_id(result)[4]
    assert early.windows == RESULT.faces[0].windows
    assert late.windows == RESULT.faces[2].windows
    assert (late.start_s, late.end_s, late.name) == (3.0, 4.4, None)


def test_merge_reverts_split() -> None:
    """Joining the two parts of a face gives its windows, its positions and, within rounding, its emotion."""
    whole, again = (
        RESULT.faces[0],
        by_id(apply_edits(RESULT, [Split(face_id=1, at_s=0.8), Merge(face_id=4, into=1)]))[1],
    )
    assert (again.windows, again.positions) == (whole.windows, whole.positions)


def relative_to(made: Face, spans: list[tuple[float, float]]) -> Face:
    """Return the face with a baseline, to which its windows have relative predictions."""
    prediction = RelativePrediction(emotion="neutral", confidence=0.9, probabilities={"neutral": 0.9}, uncertain=False)
    return made.model_copy(
        update={
            "baseline": Baseline(source="span", spans=spans, windows=2),
            "windows": [window.model_copy(update={"relative": prediction}) for window in made.windows],
        }
    )


def test_edits_keep_the_relative_predictions() -> None:
    """Parts of a split face keep the baseline of their predictions; a merged face has the parts of both baselines."""
    one, two, three = RESULT.faces
    faces = [relative_to(one, [(0.0, 1.4)]), two, relative_to(three, [(3.0, 3.9)])]
    result = RESULT.model_copy(update={"faces": faces})
    parts = by_id(apply_edits(result, [Split(face_id=1, at_s=0.8)]))
    assert parts[1].baseline == parts[4].baseline == faces[0].baseline
    again = by_id(apply_edits(result, [Split(face_id=1, at_s=0.8), Merge(face_id=4, into=1)]))[1]
    assert (again.baseline, again.windows) == (faces[0].baseline, faces[0].windows)
    merged = by_id(apply_edits(result, [Merge(face_id=3, into=1)]))[1]
    assert merged.baseline == Baseline(source="span", spans=[(0.0, 1.4), (3.0, 3.9)], windows=4)
    assert all(window.relative for window in merged.windows)


@pytest.mark.parametrize("at_s", [0.0, 0.1, 1.9, 5.0])
def test_a_part_without_windows_is_refused(at_s: float) -> None:
    """A split at or outside the ends of a face is invalid."""
    with pytest.raises(InvalidEditError, match="cannot be split"):
        apply_edits(RESULT, [Split(face_id=1, at_s=at_s)])


def test_an_excluded_face_is_marked_and_not_visible() -> None:
    """An excluded face stays in the JSON with a mark, is left out elsewhere, and can be included again."""
    result = apply_edits(RESULT, [Exclude(face_id=2)])
    assert [face.excluded for face in result.faces] == [False, True, False]
    assert [face.face_id for face in visible(result).faces] == [1, 3]
    assert apply_edits(RESULT, [Exclude(face_id=2), Include(face_id=2)]) == RESULT


def test_an_excluded_part_has_no_windows_and_positions() -> None:
    """The excluded part is listed, and windows and positions in it are removed."""
    cut = by_id(apply_edits(RESULT, [Exclude(face_id=2, start_s=1.0, end_s=2.0)]))[2]
    assert cut.excluded_spans == [(1.0, 2.0)]
    assert not [one for one in cut.windows if 1.0 <= (one.start_s + one.end_s) / 2 < 2.0]
    assert not [one for one in cut.positions if 1.0 <= one.time_s < 2.0]
    assert len(cut.windows) == len(RESULT.faces[1].windows) - 2


def test_excluded_parts_are_joined_and_included_in_part() -> None:
    """Overlapping exclusions form one span; including its middle leaves two."""
    edits: list[Edit] = [Exclude(face_id=2, start_s=1.0, end_s=2.0), Exclude(face_id=2, start_s=1.5, end_s=3.0)]
    assert by_id(apply_edits(RESULT, edits))[2].excluded_spans == [(1.0, 3.0)]
    edits.append(Include(face_id=2, start_s=1.5, end_s=2.5))
    assert by_id(apply_edits(RESULT, edits))[2].excluded_spans == [(1.0, 1.5), (2.5, 3.0)]
    assert apply_edits(RESULT, [*edits, Include(face_id=2)]) == apply_edits(RESULT, [Include(face_id=2)])


def test_excluded_parts_follow_a_split_and_a_merge() -> None:
    """An exclusion belongs to the time of its face, whatever its id becomes."""
    edits: list[Edit] = [Exclude(face_id=2, start_s=1.0, end_s=2.0), Split(face_id=2, at_s=1.5)]
    result = by_id(apply_edits(RESULT, edits))
    assert (result[2].excluded_spans, result[4].excluded_spans) == ([(1.0, 1.5)], [(1.5, 2.0)])
    assert by_id(apply_edits(RESULT, [*edits, Merge(face_id=4, into=2)]))[2].excluded_spans == [(1.0, 2.0)]


def test_a_part_of_a_merged_face_can_be_excluded() -> None:
    """The time of a merged face is that of both."""
    edits: list[Edit] = [Merge(face_id=3, into=1), Exclude(face_id=1, start_s=3.4, end_s=9.0)]
    assert by_id(apply_edits(RESULT, edits))[1].excluded_spans == [(3.4, 9.0)]


def test_an_edit_that_leaves_only_excluded_windows_is_refused() -> None:
    """A split or a merge that would leave a face without a window fails as an exclusion of all of it does."""
    excluded: Edit = Exclude(face_id=2, start_s=0.0, end_s=3.0)
    with pytest.raises(InvalidEditError, match="not excluded"):
        apply_edits(RESULT, [excluded, Split(face_id=2, at_s=2.0)])
    parts: list[Edit] = [Exclude(face_id=1, start_s=0.5, end_s=9.0), Exclude(face_id=3, start_s=0.0, end_s=3.5)]
    with pytest.raises(InvalidEditError, match="would remain"):
        apply_edits(RESULT, [*parts, Merge(face_id=3, into=1)])


@pytest.mark.parametrize(("start_s", "end_s", "reason"), [(0.0, 9.0, "no window"), (7.0, 9.0, "is not visible")])
def test_an_exclusion_without_effect_or_remainder_is_refused(start_s: float, end_s: float, reason: str) -> None:
    """A part outside the face, or all of it, is no part to exclude."""
    with pytest.raises(InvalidEditError, match=reason):
        apply_edits(RESULT, [Exclude(face_id=1, start_s=start_s, end_s=end_s)])


@pytest.mark.parametrize(
    "span", [{"start_s": 1.0}, {"end_s": 1.0}, {"start_s": 2.0, "end_s": 1.0}, {"start_s": -1.0, "end_s": 1.0}]
)
def test_incomplete_parts_are_invalid(span: dict[str, float]) -> None:
    """A part needs a start and a later end, neither negative."""
    with pytest.raises(ValueError, match=r"start_s|end_s"):
        EDIT.validate_python({"op": "exclude", "face_id": 1, **span})


def windows_of(result: Result) -> list[tuple[float, str, float]]:
    """Return the windows of all faces, sorted."""
    return sorted((one.start_s, one.emotion, one.confidence) for face in result.faces for one in face.windows)


operations = st.one_of(
    st.builds(Rename, face_id=st.integers(1, 5), name=st.sampled_from(["Ann", "Bob", None])),
    st.tuples(st.integers(1, 5), st.integers(1, 5))
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: Merge(face_id=pair[0], into=pair[1])),
    st.builds(Split, face_id=st.integers(1, 5), at_s=st.integers(0, 50).map(lambda tick: tick / 10)),
    st.builds(Exclude, face_id=st.integers(1, 5)),
    st.builds(Include, face_id=st.integers(1, 5)),
    st.builds(Exclude, face_id=st.integers(1, 5), start_s=st.just(0.5), end_s=st.integers(1, 6).map(float)),
    st.builds(Include, face_id=st.integers(1, 5), start_s=st.just(0.7), end_s=st.integers(1, 6).map(float)),
)


@given(st.lists(operations, max_size=12))
def test_edits_keep_every_window_once(edits: list[Edit]) -> None:
    """Valid edits never lose or repeat a window, and their list round-trips through JSON."""
    accepted: list[Edit] = []
    for edit in edits:
        try:
            apply_edits(RESULT, [*accepted, edit])
        except InvalidEditError:
            continue
        accepted.append(edit)
    result = apply_edits(
        RESULT, [*accepted, *(Include(face_id=one.face_id) for one in apply_edits(RESULT, accepted).faces)]
    )
    assert windows_of(result) == windows_of(RESULT)
    assert EDITS.validate_json(json.dumps([one.model_dump() for one in accepted])) == accepted
    assert Result.model_validate_json(result.model_dump_json()) == result


def test_a_threshold_marks_the_windows_below_it() -> None:
    """Exactly the windows below the threshold are uncertain, in the faces that other edits made too."""
    edits: list[Edit] = [Threshold(uncertain_below=0.65), Split(face_id=2, at_s=2.0), Merge(face_id=3, into=1)]
    result = apply_edits(RESULT, edits)
    assert result.uncertain_below == 0.65
    marked = [(window.confidence, window.uncertain) for face in result.faces for window in face.windows]
    assert {uncertain for _, uncertain in marked} == {True, False}
    assert all(uncertain == (confidence < 0.65) for confidence, uncertain in marked)
    without = apply_edits(RESULT, edits[1:])
    assert [face.probabilities for face in result.faces] == [face.probabilities for face in without.faces]


def test_a_threshold_replaces_the_published_rate() -> None:
    """The published share of right windows belongs to the model's own threshold; null returns to both."""
    known = RESULT.model_copy(update={"model": RESULT.model.model_copy(update={"certain_means": 0.9})})
    assert apply_edits(known, [Threshold(uncertain_below=0.9)]).model.certain_means is None
    assert apply_edits(known, [Threshold(uncertain_below=0.9), Threshold(uncertain_below=None)]) == known


def test_a_threshold_needs_all_labels() -> None:
    """With selected labels the confidence is not that over all labels, so that a threshold is refused."""
    model = RESULT.model.model_copy(update={"labels": ["happiness", "other"]})
    with pytest.raises(InvalidEditError, match="selected labels"):
        apply_edits(RESULT.model_copy(update={"model": model}), [Threshold(uncertain_below=0.5)])
