"""The results of the tools have the figures of the result, with the notes that belong to them."""

import pytest

from duygu.services.mcp.tool_results import MEANING, WindowRow, compare, notes_of, summarize, windows_page
from duygu.shared.errors import InvalidRequestError, UnknownFaceError
from duygu.shared.exports.spans import shares_of, uncertain_share
from duygu.shared.schemas.result import Result
from tests.support.results.known import face, two_faces, window


def pair() -> Result:
    """Two faces over ten seconds that agree in the first half; the last window of the second is uncertain."""
    one = face(1, [window(float(second), "happiness", 0.9) for second in range(10)])
    moods = [("happiness", 0.8)] * 5 + [("sadness", 0.8)] * 4 + [("sadness", 0.4)]
    two = face(2, [window(float(second), *mood) for second, mood in enumerate(moods)])
    known = two_faces()
    video = known.video.model_copy(update={"duration_s": 10.0})
    return known.model_copy(update={"faces": [one, two], "video": video})


def test_a_summary_has_the_shares_of_the_exports() -> None:
    """Shares and the uncertain share are those of the exports, and sum to 1."""
    result = two_faces()
    for found, original in zip(summarize("a1", result, 0, None).faces, result.faces, strict=True):
        assert found.shares == pytest.approx(shares_of(original), abs=1e-3)
        assert found.uncertain == pytest.approx(uncertain_share(original), abs=1e-3)
        assert sum(found.shares.values()) + found.uncertain == pytest.approx(1, abs=2e-3)


def test_peaks_are_certain_and_not_neutral() -> None:
    """The strongest moments are in order of confidence; neutral and uncertain windows are none."""
    one, two = summarize("a1", two_faces(), 0, None).faces
    assert [(peak.emotion, peak.confidence) for peak in one.peaks] == [
        ("happiness", 0.9),
        ("happiness", 0.8),
        ("sadness", 0.7),
    ]
    assert two.peaks == []


def test_a_span_selects_windows_by_their_middle() -> None:
    """A window belongs to the span that contains its middle, so that adjacent spans share none."""
    whole = summarize("a1", pair(), 0, None).faces[0].classified_s
    parts = [summarize("a1", pair(), start, end).faces[0].classified_s for start, end in ((0, 5), (5, None))]
    assert sum(parts) == pytest.approx(whole, abs=0.2)
    assert summarize("a1", pair(), 5, None).faces[1].shares.keys() == {"sadness"}
    with pytest.raises(InvalidRequestError):
        summarize("a1", pair(), 3, 3)


def test_pairs_agree_where_both_are_certain() -> None:
    """Agreement is counted over the common windows that are certain for both."""
    [found] = compare("a1", pair(), [], 0, None).pairs
    assert (found.face_ids, found.compared_windows) == ((1, 2), 9)
    assert found.same_emotion == pytest.approx(5 / 9, abs=1e-3)
    assert found.mean_probability_difference["happiness"] > 0.4
    with pytest.raises(UnknownFaceError):
        compare("a1", pair(), [1, 9], 0, None)


def test_faces_that_never_meet_have_no_agreement() -> None:
    """Without common time, agreement is null and not 0."""
    apart = pair()
    late = face(2, [window(60.0, "happiness", 0.9)])
    [found] = compare("a1", apart.model_copy(update={"faces": [apart.faces[0], late]}), [], 0, None).pairs
    assert (found.same_emotion, found.together_s, found.compared_windows) == (None, 0, 0)


def test_pages_cover_all_windows_once() -> None:
    """Pages follow one another without gap or repetition, in order of time."""
    rows: list[WindowRow] = []
    offset: int | None = 0
    while offset is not None:
        page = windows_page("a1", pair(), face_id=None, start_s=0, end_s=None, offset=offset, limit=7)
        rows += page.windows
        offset = page.next_offset
    assert len(rows) == len({(row.face_id, row.start_s) for row in rows}) == 20
    assert [row.start_s for row in rows] == sorted(row.start_s for row in rows)


def test_excluded_faces_are_left_out() -> None:
    """A face that an edit excluded is in no result."""
    result = pair()
    hidden = result.faces[1].model_copy(update={"excluded": True})
    edited = result.model_copy(update={"faces": [result.faces[0], hidden]})
    assert [found.face_id for found in summarize("a1", edited, 0, None).faces] == [1]
    with pytest.raises(UnknownFaceError):
        windows_page("a1", edited, face_id=2, start_s=0, end_s=None, offset=0, limit=5)


def test_notes_have_the_limits_of_the_result() -> None:
    """Notes state the meaning, the rate of the model, faces with few windows, and the warnings of the result."""
    result = two_faces()
    known = result.model_copy(update={"model": result.model.model_copy(update={"certain_means": 0.73})})
    notes = notes_of(known, known.faces)
    assert notes[0] == MEANING
    assert "73%" in notes[1]
    assert notes[2:] == ["Face 1 has 4 windows only", "Face 2 has 1 windows only", "The file breaks off <early>."]
    assert "unknown" in notes_of(result, [])[1]
