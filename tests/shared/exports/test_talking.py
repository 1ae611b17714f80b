"""Figures split by talking and silent, in the report and in subtitles."""

import pytest

from duygu.shared.exports import EXPORTS, ExportName
from duygu.shared.exports.report import html_report
from duygu.shared.exports.spans import is_talking, runs_of, talking_in_words
from duygu.shared.schemas.result import Result
from tests.support.results.known import two_faces, window

RESULT = two_faces()


def talking(*speaking: float | None) -> Result:
    """Return the result in which face 1 has these probabilities of speaking."""
    one, two = RESULT.faces
    windows = [
        window.model_copy(update={"speaking": value}) for window, value in zip(one.windows, speaking, strict=True)
    ]
    return RESULT.model_copy(update={"faces": [one.model_copy(update={"windows": windows}), two]})


def test_shares_are_of_the_time_in_which_speaking_is_known() -> None:
    """Talking and silent windows have shares of their own, and windows without the measure count for neither."""
    assert talking_in_words(talking(0.1, 0.2, 0.9, None).faces[0]) == [
        "talking 37% of the time: happiness 100%",
        "silent 63% of the time: neutral 58%, happiness 42%",
    ]
    assert talking_in_words(talking(0.9, 0.9, 0.5, 0.6).faces[0]) == [
        "talking 100% of the time: happiness 43%, sadness 32%, neutral 25%"
    ]
    assert talking_in_words(RESULT.faces[0]) == []


def test_uncertain_windows_are_named_last() -> None:
    """Uncertain windows count for no emotion in either part."""
    one = talking(0.1, 0.2, 0.9, 0.9).faces[0]
    windows = [one.windows[0].model_copy(update={"uncertain": True}), *one.windows[1:]]
    assert talking_in_words(one.model_copy(update={"windows": windows}))[1].endswith("happiness 42%, uncertain 58%")


@pytest.mark.parametrize(("speaking", "expected"), [(None, False), (0.49, False), (0.5, True), (1.0, True)])
def test_a_person_talks_from_one_half_on(speaking: float | None, expected: bool) -> None:
    """The probability is compared with one half; where it was not measured, nobody talks."""
    assert is_talking(window(0.0, "neutral", 0.5).model_copy(update={"speaking": speaking})) is expected


def test_the_report_has_both_parts() -> None:
    """The report has the shares of both parts and marks windows; without the measure it is as before."""
    report = html_report(talking(0.1, 0.2, 0.9, None))
    assert "<p>Talking 37% of the time: happiness 100%</p>" in report
    assert report.count('<td class="text">talking</td>') == 1
    assert "alking 3" not in html_report(RESULT)


@pytest.mark.parametrize("name", [ExportName.VTT, ExportName.SRT])
def test_subtitles_mark_speech_on_request(name: ExportName) -> None:
    """A cue ends where talking begins, and says so, only if marks were requested."""
    result, export = talking(0.1, 0.2, 0.9, None), EXPORTS[name]
    assert export.write(result) == export.write(RESULT)
    marked = export.write(result, mark_speaking=True).decode()
    assert "Face 1: happiness 80%\n" in marked.replace("<v Face 1>", "")
    assert "Face 1: happiness 90% (talking)" in marked
    assert export.write(RESULT, mark_speaking=True) == export.write(RESULT)
    assert len(list(runs_of(result.faces[0], by_talking=True))) == len(list(runs_of(result.faces[0]))) + 1


def test_other_formats_have_no_marks() -> None:
    """Formats other than subtitles are the same with the option."""
    result = talking(0.1, 0.2, 0.9, None)
    for name in (ExportName.CSV, ExportName.HTML, ExportName.JSON):
        assert EXPORTS[name].write(result, mark_speaking=True) == EXPORTS[name].write(result)
