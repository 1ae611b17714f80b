"""Tables of a study over results with planted values."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from duygu.shared.errors import InvalidStudyError
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.studies.output import write_study
from duygu.shared.workbench.studies.recording import record
from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.sheet import Marker, Sheet, StudyRow, read_sheet
from duygu.shared.workbench.studies.study import Study, outcomes_of
from duygu.shared.workbench.studies.tables.columns import Kind
from duygu.shared.workbench.studies.tables.episodes import episodes_of
from duygu.shared.workbench.studies.tables.study_tables import RESERVED
from duygu.shared.workbench.studies.tables.table import Table
from tests.support.results.study import LENGTH_S, course, face, planted, result, window

ROW = StudyRow(2, Path("a.mp4"), "a.mp4", "P1", "A", "film")


def study(
    results: Mapping[str, Result],
    rows: Sequence[StudyRow] = (ROW,),
    markers: Sequence[Marker] = (),
    settings: StudySettings | None = None,
    free: Sequence[str] = (),
) -> Study:
    """A study over results by path."""
    sheet = Sheet(rows, free)
    outcomes = outcomes_of(sheet, lambda path: results[path.as_posix()])
    return Study(sheet, outcomes, markers, settings or StudySettings())


def rows_of(study: Study, name: str) -> list[dict[str, Any]]:
    """The rows of a table as its CSV has them."""
    return list(csv.DictReader(io.StringIO(table(study, name).csv())))


def table(study: Study, name: str) -> Table:
    """A table by name."""
    return next(one for one in study.tables if one.name == name)


def happy(study: Study) -> list[dict[str, Any]]:
    """The episodes of happiness."""
    return [row for row in rows_of(study, "episodes") if row["emotion"] == "happiness"]


def test_planted_episodes_return_within_one_window() -> None:
    """Starts and ends of episodes differ from the planted ones by less than a window."""
    truth = [(5.0, 9.0), (20.0, 22.0), (40.0, 52.0)]
    found = happy(study({"a.mp4": planted(60.0, *truth)}))
    assert len(found) == len(truth)
    for row, (start_s, end_s) in zip(found, truth, strict=True):
        assert float(row["start_s"]) == pytest.approx(start_s, abs=LENGTH_S)
        assert float(row["end_s"]) == pytest.approx(end_s, abs=LENGTH_S)
        assert float(row["peak"]) == pytest.approx(0.8)
        assert float(row["length_s"]) == pytest.approx(float(row["end_s"]) - float(row["start_s"]))


def test_planted_offsets_return_within_one_window() -> None:
    """An event at the same time of the stimulus has the same time in recordings that start at other times."""
    offsets = {"a.mp4": 0.0, "b.mp4": 7.25, "c.mp4": -3.5}
    results = {name: planted(40.0, (12.0 + offset, 16.0 + offset)) for name, offset in offsets.items()}
    rows = [
        replace(ROW, path=Path(name), participant=name, offset_s=offset, line=line)
        for line, (name, offset) in enumerate(offsets.items(), 2)
    ]
    starts = [float(row["stimulus_start_s"]) for row in happy(study(results, rows))]
    assert starts == pytest.approx([12.0] * 3, abs=LENGTH_S)


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(st.floats(0, 1), min_size=1, max_size=40),
    up=st.floats(0.1, 0.9),
    ratio=st.floats(0.5, 1.0),
    gap_s=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_hysteresis(values: list[float], up: float, ratio: float, gap_s: float) -> None:
    """Episodes are apart by more than the gap, long enough, reach `up`, and hold every span at or above `up`."""
    options = StudySettings(up=up, down=up * ratio, gap_s=gap_s, min_length_s=0.0)
    windows = [window(0.5 * i, {"happiness": value}) for i, value in enumerate(values)]
    spans = record(ROW, result(face(windows), duration_s=0.5 * len(values) + 1)).series.spans
    found = episodes_of(spans, "happiness", options)
    for one, after in pairwise(found):
        assert after.start_s - one.end_s > gap_s
    assert all(one.peak >= up and one.mean >= options.down - 1e-9 for one in found)
    inside = [any(one.start_s <= span.start_s and span.end_s <= one.end_s for one in found) for span in spans]
    assert all(within for within, value in zip(inside, values, strict=True) if value >= up)


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, 2),  # 0.19 continues an episode; it does not start one
        ({"down": 0.20}, 3),
        ({"up": 0.19}, 3),
        ({"min_length_s": 2.0}, 1),
        ({"gap_s": 3.0}, 1),
    ],
)
def test_thresholds_length_and_gap_are_settings(settings: dict[str, float], count: int) -> None:
    """Each setting of the episodes has its effect."""

    def value(time_s: float) -> float:
        if 3 <= time_s < 5 or 7 <= time_s < 8:
            return 0.6
        return 0.19 if 5 <= time_s < 5.5 or 12 <= time_s < 14 else 0.6 if 5.5 <= time_s < 6 else 0.0

    options = {"gap_s": 0.0, "min_length_s": 0.0, **settings}
    assert len(happy(study({"a.mp4": course(20.0, value)}, settings=StudySettings(**options)))) == count  # type: ignore[arg-type]


def test_a_baseline_equal_to_the_film_gives_zeros() -> None:
    """Every difference is 0, with the whole film as a part of itself and as another video."""
    film = planted(30.0, (5.0, 9.0), (20.0, 22.0))
    for baseline in ((0.0, 30.0), Path("rest.mp4")):
        made = study({"a.mp4": film, "rest.mp4": film}, [replace(ROW, baseline=baseline)])
        (row,) = rows_of(made, "summary_relative")
        values = {name: value for name, value in row.items() if name not in ("participant", "group", "stimulus")}
        known = {name: float(value) for name, value in values.items() if value}
        assert set(known.values()) == {0.0}
        assert set(values) - set(known) == {"share_speaking"}


def test_the_baseline_is_subtracted() -> None:
    """The mean of the film less that of the baseline."""
    film, rest = course(20.0, lambda _: 0.5), course(20.0, lambda _: 0.2)
    made = study({"a.mp4": film, "rest.mp4": rest}, [replace(ROW, baseline=Path("rest.mp4"))])
    (row,) = rows_of(made, "summary_relative")
    assert float(row["happiness_mean"]) == pytest.approx(0.3)
    assert float(row["neutral_mean"]) == pytest.approx(-0.3)


def test_missing_is_empty_and_never_zero() -> None:
    """Without a baseline, a face or an episode the fields are empty; the share without a face is 1."""
    rows = [ROW, replace(ROW, path=Path("empty.mp4"), participant="P2", line=3)]
    made = study({"a.mp4": course(10.0, lambda _: 0.0), "empty.mp4": result(duration_s=10.0)}, rows)
    seen, unseen = rows_of(made, "summary")
    assert (seen["happiness_episodes"], seen["happiness_episode_s"], seen["happiness_mean"]) == ("0", "", "0.0")
    filled = {name: value for name, value in unseen.items() if value}
    assert filled == {
        "participant": "P2",
        "group": "A",
        "stimulus": "film",
        "recorded_s": "10.0",
        "face_s": "0.0",
        "share_without_face": "1.0",
    }
    relative = rows_of(made, "summary_relative")[0]
    assert {name for name, value in relative.items() if value} == {"participant", "group", "stimulus"}


def test_shares_of_time_sum_to_one() -> None:
    """The shares of all emotions and of uncertain windows; the share without a face counts the gap."""
    windows = [window(0.5 * i, {"happiness": 0.9 if i % 3 else 0.1}, uncertain=i % 5 == 0) for i in range(20)]
    (row,) = rows_of(study({"a.mp4": result(face(windows), duration_s=20.8)}), "summary")
    shares = [float(value) for name, value in row.items() if name.endswith("_share")]
    assert sum(shares) + float(row["share_uncertain"]) == pytest.approx(1.0)
    assert float(row["face_s"]) == pytest.approx(10.4)
    assert float(row["share_without_face"]) == pytest.approx(0.5)


def test_speaking_is_averaged_where_it_is_known() -> None:
    """Weighted by time, without the windows where it is unknown."""
    windows = [window(0.9 * i, {}).model_copy(update={"speaking": value}) for i, value in enumerate([0.2, 0.6, None])]
    made = study({"a.mp4": result(face(windows), duration_s=3.0)})
    assert float(rows_of(made, "summary")[0]["share_speaking"]) == pytest.approx(0.4)
    assert [row["speaking"] for row in rows_of(made, "windows")] == ["0.2", "0.6", ""]


def test_a_summary_is_split_by_speaking_where_it_is_known() -> None:
    """Planted happiness is found in the windows with speech only; a window of unknown speech is in neither row."""
    spoken = [(0.9, 0.8), (0.7, 0.8), (0.2, 0.1), (None, 0.5)]
    windows = [
        window(0.9 * place, {"happiness": happiness}).model_copy(update={"speaking": speaking})
        for place, (speaking, happiness) in enumerate(spoken)
    ]
    made = study({"a.mp4": result(face(windows), duration_s=4.0)})
    rows = {row["speaking"]: row for row in rows_of(made, "summary_speaking")}
    assert {state: float(row["face_s"]) for state, row in rows.items()} == pytest.approx({"true": 1.8, "false": 0.9})
    means = {state: float(row["happiness_mean"]) for state, row in rows.items()}
    assert means == pytest.approx({"true": 0.8, "false": 0.1})
    assert float(rows["true"]["happiness_share"]) == 1.0
    silent = study({"a.mp4": planted(5.0)})
    assert "summary_speaking" not in {table.name for table in silent.tables}


def test_a_free_column_cannot_be_called_speaking(tmp_path: Path) -> None:
    """The table of windows has a column of this name."""
    path = tmp_path / "study.csv"
    path.write_text("path,participant,speaking\na.mp4,P,yes\n", encoding="utf-8")
    with pytest.raises(InvalidStudyError, match="column speaking"):
        read_sheet(path, RESERVED)


def test_the_part_between_start_and_end_counts() -> None:
    """Windows outside are left out, and parts of spans are cut."""
    made = study({"a.mp4": planted(30.0, (0.0, 10.0))}, [replace(ROW, start_s=5.0, end_s=15.0)])
    (row,) = rows_of(made, "summary")
    assert float(row["recorded_s"]) == 10.0
    assert float(row["happiness_share"]) == pytest.approx(0.5, abs=0.05)
    assert float(happy(made)[0]["start_s"]) == 5.0


def test_markers_are_on_the_clock_of_the_stimulus() -> None:
    """Mean probability before, during and after, shifted by the offset; empty where the film has no face."""
    film = planted(30.0, (15.0, 25.0))
    markers = [
        Marker("cut", 5.0, 0.0, stimulus="film"),
        Marker("scene", 5.0, 4.0, "P1"),
        Marker("late", 40.0, 0.0, "P1"),
    ]
    made = study({"a.mp4": film}, [replace(ROW, offset_s=10.0)], markers)
    rows = {row["marker"]: row for row in rows_of(made, "markers") if row["emotion"] == "happiness"}
    assert float(rows["cut"]["before"]) < 0.2 < 0.6 < float(rows["cut"]["after"])
    assert float(rows["scene"]["during"]) == pytest.approx(0.8, abs=0.1)
    assert float(rows["cut"]["change"]) == pytest.approx(float(rows["cut"]["after"]) - float(rows["cut"]["before"]))
    assert [rows["late"][name] for name in ("before", "during", "after", "change")] == [""] * 4


def test_the_face_is_the_named_or_the_most_present_one() -> None:
    """By id, by name, or by time in the part; an unknown one is an error of the row."""
    short = face([window(0.5 * i, {"anger": 0.9}) for i in range(4)], 1).model_copy(update={"name": "Ann"})
    long = face([window(2 + 0.5 * i, {"sadness": 0.9}) for i in range(12)], 2)
    film = result(short, long, duration_s=12.0)
    choices = [None, 1, "Ann", 9, "Bob"]
    rows = [replace(ROW, face=choice, participant=f"P{i}", line=i) for i, choice in enumerate(choices, 2)]
    rows.append(replace(ROW, end_s=2.0, participant="P9", line=9))
    made = rows_of(study({"a.mp4": film}, rows), "videos")
    assert [row["face"] for row in made] == ["2", "1", "1", "", "", "1"]
    assert [(row["status"], row["error"]) for row in made[3:5]] == [
        ("failed", "unknown_face"),
        ("failed", "invalid_study"),
    ]
    assert made[4]["error_detail"] == "no face has the name `Bob`; known: `Ann`"


def test_two_recordings_of_one_stimulus_are_one_row() -> None:
    """The summary weights them by time; a free column that differs is empty."""
    rows = [
        replace(ROW, free={"age": "31", "camera": "left"}),
        replace(ROW, path=Path("b.mp4"), line=3, free={"age": "31", "camera": "right"}),
    ]
    results = {"a.mp4": course(10.0, lambda _: 0.2), "b.mp4": course(10.0, lambda _: 0.6)}
    made = study(results, rows, free=["age", "camera"])
    (row,) = rows_of(made, "summary")
    assert float(row["happiness_mean"]) == pytest.approx(0.4)
    assert (row["age"], row["camera"]) == ("31", "")
    assert {row["camera"] for row in rows_of(made, "windows")} == {"left", "right"}


def test_a_part_after_the_end_is_an_error_of_the_row() -> None:
    """So is a stimulus that starts there. The error names the value and the length of the video."""
    rows = [
        replace(ROW, start_s=30.0),
        replace(ROW, participant="P2", line=3, baseline=(30.0, 40.0)),
        replace(ROW, participant="P3", line=4, offset_s=1240.0),
    ]
    made = rows_of(study({"a.mp4": planted(20.0)}, rows), "videos")
    assert [row["error_detail"] for row in made] == [
        "start_s 30 is not below the video's length of 20 s",
        "baseline 30 is not below the video's length of 20 s",
        "offset_s 1240 is not below the video's length of 20 s",
    ]


def test_settings_have_bounds() -> None:
    """A value outside is an error with the bound."""
    with pytest.raises(InvalidStudyError, match=r"up 1\.5 is not between 0 and 1"):
        StudySettings(up=1.5)
    with pytest.raises(InvalidStudyError, match=r"down 0\.3 is above up 0\.2"):
        StudySettings(down=0.3)
    with pytest.raises(InvalidStudyError, match="gap_s nan"):
        StudySettings(gap_s=float("nan"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The output of a study with all tables and a failed row."""
    rows = [
        replace(ROW, baseline=(0.0, 3.0), free={"age": "31"}),
        replace(ROW, participant="P2", line=3, face=7, free={"age": ""}),
    ]
    markers = [Marker("cut", 5.0, 0.0, "P1")]
    write_study(study({"a.mp4": planted(30.0, (5.0, 9.0))}, rows, markers, free=["age"]), tmp_path)
    return tmp_path


TABLES = ("videos", "windows", "episodes", "summary", "summary_relative", "markers")


@pytest.mark.parametrize("name", TABLES)
def test_csv_and_parquet_have_the_same_values(folder: Path, name: str) -> None:
    """Typed columns; missing values are null in both."""
    frame = pandas.read_csv(folder / "tables" / f"{name}.csv", keep_default_na=False, na_values=[""])
    typed = parquet.read_table(folder / "tables" / f"{name}.parquet").to_pandas()
    assert list(frame.columns) == list(typed.columns)
    for column in frame.columns:
        assert list(frame[column].isna()) == list(typed[column].isna())
        both = zip(frame[column].dropna(), typed[column].dropna(), strict=True)
        assert all(str(one) == str(other) or float(one) == pytest.approx(float(other)) for one, other in both)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["31", "", "-2.5"], Kind.NUMBER),
        (["1e-3", "+4"], Kind.NUMBER),
        (["31", "n/a"], Kind.TEXT),
        (["007", "12"], Kind.TEXT),
        (["1,5"], Kind.TEXT),
        (["\u0663"], Kind.TEXT),
        (["1" * 20], Kind.TEXT),
        (["nan"], Kind.TEXT),
        (["", ""], Kind.TEXT),
    ],
)
def test_a_free_column_of_numbers_is_described_as_such(cells: list[str], kind: Kind, tmp_path: Path) -> None:
    """If every filled cell is a number; codes with leading zeros are text, and the CSV has the cells as given."""
    rows = [replace(ROW, participant=f"P{i}", line=i + 2, free={"extra": cell}) for i, cell in enumerate(cells)]
    write_study(study({"a.mp4": planted(10.0, (4.0, 7.0))}, rows, free=["extra"]), tmp_path)
    book = json.loads((tmp_path / "codebook.json").read_text(encoding="utf-8"))["tables"]["videos"]
    assert next(one for one in book["columns"] if one["name"] == "extra")["type"] == kind
    typed = parquet.read_table(tmp_path / "tables" / "videos.parquet")["extra"].to_pylist()
    assert typed == [(float(cell) if kind == Kind.NUMBER else cell) if cell else None for cell in cells]
    with (tmp_path / "tables" / "videos.csv").open(encoding="utf-8") as file:
        assert [row["extra"] for row in csv.DictReader(file)] == cells


@pytest.mark.parametrize("name", TABLES)
def test_the_code_book_describes_every_column(folder: Path, name: str) -> None:
    """In JSON and in Markdown, in the order of the table, each with a meaning, and numbers with a unit."""
    book = json.loads((folder / "codebook.json").read_text(encoding="utf-8"))["tables"][name]
    header = (folder / "tables" / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [column["name"] for column in book["columns"]] == header
    assert len(set(header)) == len(header)
    assert all(column["meaning"] and column["type"] in list(Kind) for column in book["columns"])
    assert all(column["unit"] for column in book["columns"] if column["type"] == "number")
    section = (folder / "codebook.md").read_text(encoding="utf-8").split(f"## {name}\n")[1].split("\n## ")[0]
    assert [line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| ")][
        1:
    ] == header


def test_the_settings_are_in_the_output(folder: Path) -> None:
    """In study.json with the versions and hashes, and in the code book."""
    description = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    assert description["settings"] == StudySettings().values()
    assert (description["rows"], description["failed"]) == (2, 1)
    assert description["videos"] == {"a.mp4": "1" * 64}
    assert description["models"] == [{"name": "tiny", "version": "1", "sha256": "0" * 64}]
    assert json.loads((folder / "codebook.json").read_text(encoding="utf-8"))["settings"] == StudySettings().values()
