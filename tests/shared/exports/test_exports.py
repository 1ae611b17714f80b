import io
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pandas
import pytest
from pydantic import ValidationError

from duygu.shared.exports import EXPORTS, ExportName
from duygu.shared.exports.palette import PALETTE
from duygu.shared.exports.spans import (
    is_uncertain,
    overall_in_words,
    runs_of,
    shares_in_words,
    shares_of,
    spans_of,
    uncertain_share,
)
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.model import ProgramInfo
from duygu.shared.schemas.result import Flag, Result, ResultOptions
from tests.support.results.known import face, two_faces, window

RESULT = two_faces()


def test_spans_share_the_time_of_windows_that_overlap() -> None:
    """Overlapping windows share their time, touching windows leave no gap, and a real gap stays."""
    spans = spans_of(RESULT.faces[0])
    assert [(span.start_s, span.end_s) for span in spans] == [
        pytest.approx(pair) for pair in [(0.0, 0.7), (0.7, 1.2), (1.2, 1.9), (4.0, 4.9)]
    ]


def test_runs_join_spans_of_one_emotion_but_not_over_a_gap() -> None:
    """Consecutive windows of one emotion form a run, and a gap ends it."""
    runs = [[span.window.emotion for span in run] for run in runs_of(RESULT.faces[0])]
    assert runs == [["neutral"], ["happiness", "happiness"], ["sadness"]]


def test_shares_sum_to_one_largest_first() -> None:
    """Shares of time sum to one, are weighted by duration, and are sorted in descending order."""
    shares = shares_of(RESULT.faces[0])
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares) == ["happiness", "sadness", "neutral"]


def test_the_uncertain_share_counts_time() -> None:
    """One of two windows of the same length counts as half of the time."""
    half = face(1, [window(0.0, "neutral", 0.8), window(4.0, "neutral", 0.3)])
    assert uncertain_share(half) == pytest.approx(0.5)
    assert [uncertain_share(other) for other in RESULT.faces] == [0.0, 1.0]


@pytest.mark.parametrize(("confidence", "words"), [(0.8, "neutral 100%"), (0.3, "uncertain 100%")])
def test_a_window_without_length_is_all_of_the_time(confidence: float, words: str) -> None:
    """The window of a video of one picture starts and ends with it, and still has the whole time."""
    picture = face(1, [window(0.0, "neutral", confidence).model_copy(update={"end_s": 0.0})])
    assert shares_in_words(picture) == words


def test_emotions_that_only_uncertain_windows_show() -> None:
    """An emotion that only uncertain windows have is marked; a face is uncertain when all its windows are."""
    torn = face(1, [window(0.0, "neutral", 0.8), window(2.0, "neutral", 0.3), window(4.0, "fear", 0.3)])
    assert shares_in_words(torn) == "neutral 33%, uncertain 67%"
    assert not is_uncertain(torn)
    assert overall_in_words(torn) == "neutral"
    assert overall_in_words(torn.model_copy(update={"emotion": "fear"})) == "fear?"
    assert overall_in_words(RESULT.faces[1]) == "uncertain"
    assert [is_uncertain(other) for other in RESULT.faces] == [False, True]


def test_uncertain_time_is_counted_apart() -> None:
    """Shares of time and subtitles separate uncertain windows from the others, whatever their emotion."""
    windows = [window(0.0, "sadness", 0.9), *(window(at, "sadness", 0.4) for at in (0.9, 1.8, 2.7))]
    torn = face(1, windows)
    assert shares_of(torn)["sadness"] + uncertain_share(torn) == pytest.approx(1)
    assert uncertain_share(torn) > 0.7
    result = RESULT.model_copy(update={"faces": [torn]})
    cues = [line for line in EXPORTS[ExportName.VTT].write(result).decode().splitlines() if "sadness" in line]
    assert [cue.partition("sadness")[2] for cue in cues] == [" 90%", "? 40%"]


def test_csv_opens_in_pandas() -> None:
    """The CSV has one row per window, typed columns, and a probability for each label."""
    table = pandas.read_csv(io.BytesIO(EXPORTS[ExportName.CSV].write(RESULT)))
    assert len(table) == 5
    assert list(table.columns[-7:]) == list(EMOTIONS)
    assert table["uncertain"].tolist() == [False, False, False, False, True]
    assert table["flags"].iloc[-1] == "small|dark"
    assert table[list(EMOTIONS)].sum(axis=1).to_numpy() == pytest.approx(1)


def test_csv_has_the_same_types_with_and_without_flags() -> None:
    """The columns of the CSV have the same types with and without flags; `flags` is text when read as text."""
    none = RESULT.model_copy(update={"faces": RESULT.faces[:1]})
    contents = [EXPORTS[ExportName.CSV].write(result) for result in (RESULT, none)]
    with_flags, without = (pandas.read_csv(io.BytesIO(content)) for content in contents)
    others = [name for name in with_flags.columns if name != "flags"]
    assert with_flags[others].dtypes.equals(without[others].dtypes)
    assert with_flags["flag_dark"].tolist() == [False, False, False, False, True]
    assert {without[f"flag_{flag}"].dtype.kind for flag in Flag} == {"b"}
    text = pandas.read_csv(io.BytesIO(contents[1]), dtype={"flags": str}, keep_default_na=False)
    assert text["flags"].tolist() == [""] * 4


@pytest.mark.parametrize(("name", "title"), [("holiday.mp4", "holiday.mp4"), (None, "0123")])
def test_csv_names_the_video(name: str | None, title: str) -> None:
    """Each row of the CSV has the file name or else the job id, after the earlier columns."""
    result = RESULT.model_copy(update={"video": RESULT.video.model_copy(update={"name": name})})
    table = pandas.read_csv(io.BytesIO(EXPORTS[ExportName.CSV].write(result)), dtype=str)
    assert set(table["video"]) == {title}
    columns = ["face_id", "start_s", "end_s", "emotion", "confidence", "uncertain", "flags"]
    assert list(table.columns[:7]) == columns


def test_ndjson_is_one_object_a_line() -> None:
    """NDJSON has one object per line: the video first, then each window with its face id."""
    lines = [json.loads(line) for line in EXPORTS[ExportName.NDJSON].write(RESULT).splitlines()]
    assert lines[0]["type"] == "video"
    assert lines[0]["video"]["duration_s"] == 5.0
    assert [line["face_id"] for line in lines[1:]] == [1, 1, 1, 1, 2]


def test_json_reads_back_as_the_same_result() -> None:
    """The JSON export is parsed to an equal result."""
    assert Result.model_validate_json(EXPORTS[ExportName.JSON].write(RESULT)) == RESULT


@pytest.mark.parametrize("number", ["1e999", "Infinity", "NaN"])
def test_numbers_that_json_cannot_hold_are_refused(number: str) -> None:
    """A result with a number that JSON cannot represent is rejected."""
    text = RESULT.model_dump_json().replace('"duration_s":5.0', f'"duration_s":{number}')
    with pytest.raises(ValidationError, match="finite number"):
        Result.model_validate_json(text)


def test_vtt_has_the_form_that_browsers_read() -> None:
    """WebVTT has its header, then cues in order of time with the face as voice."""
    blocks = EXPORTS[ExportName.VTT].write(RESULT).decode().split("\n\n")
    assert blocks[0] == "WEBVTT"
    assert blocks[1] == "00:00:00.000 --> 00:00:00.700\n<v Face 1>Face 1: neutral 60%"
    assert blocks[2] == "00:00:00.500 --> 00:00:01.400\n<v Face 2>Face 2: surprise? 40%"


def test_subtitles_follow_the_clock_of_players() -> None:
    """Cues use the player's clock: they are shifted where sound starts before the first picture."""
    video = RESULT.video.model_copy(update={"first_frame_s": 1.0})
    early, late = (
        EXPORTS[ExportName.VTT].write(result).decode()
        for result in (RESULT, RESULT.model_copy(update={"video": video}))
    )
    assert "00:00:00.000 --> " in early
    assert "00:00:00.000 --> " not in late
    assert "00:00:01.000 --> " in late


def test_srt_numbers_its_cues() -> None:
    """SRT numbers its cues from one and has a comma before the milliseconds."""
    blocks = EXPORTS[ExportName.SRT].write(RESULT).decode().split("\n\n")
    assert blocks[0].splitlines() == ["1", "00:00:00,000 --> 00:00:00,700", "Face 1: neutral 60%"]
    assert [block.splitlines()[0] for block in blocks] == ["1", "2", "3", "4"]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows = 0
        self.links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.rows += tag == "tr"
        self.links += [value for name, value in attrs if name in {"src", "href"}]


def test_the_report_needs_nothing_from_elsewhere() -> None:
    """The HTML report has no script and no link, lists every window, and escapes texts."""
    text = EXPORTS[ExportName.HTML].write(RESULT).decode()
    page = _Page()
    page.feed(text)
    assert page.rows == 5 + 2
    assert page.links == []
    assert "<script" not in text
    assert "&lt;early&gt;" in text


def test_labels_of_another_model_are_shown() -> None:
    """A label of another model is escaped and has the colour of `other`."""
    strange = face(1, [window(0.0, "neutral", 0.8).model_copy(update={"emotion": "<b>joy"})])
    model = RESULT.model.model_copy(update={"labels": ["<b>joy", "neutral"]})
    result = RESULT.model_copy(update={"faces": [strange], "model": model})
    text = EXPORTS[ExportName.HTML].write(result).decode()
    assert "&lt;b&gt;joy" in text
    assert "<b>joy" not in text
    assert PALETTE["other"] in text


def test_the_report_calls_uncertain_what_is_uncertain() -> None:
    """In the report, a face without a certain window has no overall emotion, and its shares carry question marks."""
    certain, uncertain = re.findall(r"<h2>Face \d.*?</h2><p>(.*?)</p>", EXPORTS[ExportName.HTML].write(RESULT).decode())
    assert certain.startswith("neutral over all (60%); share of time: happiness ")
    assert "uncertain" not in certain
    assert uncertain.startswith("Uncertain throughout: ")
    assert uncertain.endswith("by the most probable emotion: surprise? 100%")


def test_the_report_shows_its_origin() -> None:
    """The report has the escaped name of the video, the model, the version, the time and the options."""
    result = RESULT.model_copy(
        update={
            "video": RESULT.video.model_copy(update={"name": "<b>.mp4"}),
            "program": ProgramInfo(version="2.1"),
            "analysed_at": datetime(2026, 11, 25, 9, 5, tzinfo=UTC),
            "options": ResultOptions(engine="onnx", labels=["anger", "fear"], min_face=0.06, faces=3),
        }
    )
    text = EXPORTS[ExportName.HTML].write(result).decode()
    assert "<title>Duygu report: &lt;b&gt;.mp4</title>" in text
    assert "<h1>&lt;b&gt;.mp4</h1>" in text
    assert "<br>model tiny 1 (000000000000), duygu 2.1, analysed at 2026-11-25 09:05 UTC<br>" in text
    assert "smallest face 0.06 of the shorter side, emotions: anger, fear, only the 3 faces seen longest" in text
    assert "<h1>0123</h1>" in EXPORTS[ExportName.HTML].write(RESULT).decode()
