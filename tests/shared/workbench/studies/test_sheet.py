"""study.csv and the table of markers."""

from pathlib import Path

import pytest

from duygu.shared.errors import InvalidStudyError, UnreadableFileError
from duygu.shared.workbench.sheets import columns
from duygu.shared.workbench.studies.sheet import Marker, read_markers, read_sheet
from duygu.shared.workbench.studies.tables.study_tables import RESERVED


def written(folder: Path, content: str, name: str = "study.csv") -> Path:
    """A table of this content."""
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_all_columns_are_read(tmp_path: Path, separator: str) -> None:
    """Paths are relative to the table, free columns are kept, and a spreadsheet's separators and BOM are accepted."""
    lines = [
        ["path", "Participant", "group", "stimulus", "offset_s", "start_s", "end_s", "baseline", "face", "Age"],
        ["a.mp4", "P1", "A", "film", "-1.5", "2", "10", "0-2", "3", "31"],
        ["b/c.mp4", "P2", "B", "film", "", "", "", "rest.mp4", "Ann", ""],
    ]
    table = "\ufeff" + "\n".join(separator.join(line) for line in lines) + "\n\n"
    sheet = read_sheet(written(tmp_path, table))
    one, other = sheet.rows
    assert (one.line, one.path, one.participant, one.group, one.stimulus) == (2, tmp_path / "a.mp4", "P1", "A", "film")
    assert (one.offset_s, one.start_s, one.end_s, one.baseline, one.face) == (-1.5, 2.0, 10.0, (0.0, 2.0), 3)
    assert (other.line, other.path) == (3, tmp_path / "b" / "c.mp4")
    assert (other.offset_s, other.start_s, other.end_s) == (0.0, 0.0, None)
    assert (other.baseline, other.face) == (tmp_path / "rest.mp4", "Ann")
    assert list(sheet.free) == ["Age"]
    assert [dict(row.free) for row in sheet.rows] == [{"Age": "31"}, {"Age": ""}]


def test_the_decimal_sign_may_be_a_comma(tmp_path: Path) -> None:
    """Spreadsheets of many languages write 0,5 for 0.5, in numbers of seconds and in baselines."""
    table = "path;participant;offset_s;end_s;baseline\na.mp4;P1;-0,5;12,25;0,5-3\nb.mp4;P2;1e-1;7;0 – 2,5\n"
    one, other = read_sheet(written(tmp_path, table)).rows
    assert (one.offset_s, one.end_s, one.baseline) == (-0.5, 12.25, (0.5, 3.0))
    assert (other.offset_s, other.end_s, other.baseline) == (0.1, 7.0, (0.0, 2.5))


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("path\na.mp4\n", "column participant is missing"),
        ("path,participant\n", "the table has no rows"),
        ("path,participant,age,age\na,P,1,2\n", "column age occurs twice"),
        ("path,participant\na,P,1\n", "row 2 has 3 fields, but the header has 2"),
        ("path,participant\n,P\n", "row 2, column path: a value is required"),
        ("path,participant\na,P\nb,\n", "row 3, column participant: a value is required"),
        (
            "path,participant,start_s\na,P,soon\n",
            "row 2, column start_s: `soon` is not a number of seconds, such as 12.5",
        ),
        (
            "path,participant,start_s\na,P,1_000\n",
            "row 2, column start_s: `1_000` is not a number of seconds, such as 12.5",
        ),
        (
            'path,participant,start_s\na,P,"1,000.5"\n',
            "row 2, column start_s: `1,000.5` is not a number of seconds, such as 12.5",
        ),
        ("path,participant,start_s\na,P,-1\n", "row 2, column start_s: `-1` is below the minimum of 0"),
        ("path,participant,offset_s\na,P,nan\n", "row 2, column offset_s: `nan` is not a finite number of seconds"),
        ("path,participant,offset_s\na,P,inf\n", "row 2, column offset_s: `inf` is not a finite number of seconds"),
        ("path,participant,start_s,end_s\na,P,5,5\n", "row 2, column end_s: `5` is not above start_s 5"),
        ("path,participant,baseline\na,P,4-2\n", "row 2, column baseline: `4-2` does not end after its start"),
        ("path,participant,face\na,P,0\n", "row 2, column face: `0` is below the lowest face_id of 1"),
        (
            "path,participant\na,P\na,P\n",
            "row 3 repeats row 2: the same participant, stimulus and part of the same video",
        ),
        (
            "path,participant,group\na,P,A\nb,P,B\n",
            "row 3, column group: participant `P` is in group `B`, but in row 2 in group `A`",
        ),
        (
            "path,participant,happiness_mean\na,P,1\n",
            "column happiness_mean: the name is a column of the output; rename it",
        ),
        ('path,participant\n"a,P\n', "the table is not CSV: unexpected end of data"),
    ],
)
def test_a_fault_names_row_column_value_and_bound(tmp_path: Path, table: str, fault: str) -> None:
    """The error has a stable code and a line for the fault."""
    with pytest.raises(InvalidStudyError) as caught:
        read_sheet(written(tmp_path, table), RESERVED)
    assert fault in caught.value.detail
    assert caught.value.code == "invalid_study"


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    """The first twenty are listed, and the others counted."""
    rows = "".join(f"v{index}.mp4,P{index},x\n" for index in range(23))
    with pytest.raises(InvalidStudyError) as caught:
        read_sheet(written(tmp_path, f"path,participant,start_s\n{rows}"))
    assert caught.value.detail.count("`x` is not a number") == 20
    assert caught.value.detail.endswith("… and 3 more")


def test_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and one in another encoding are errors with different codes."""
    with pytest.raises(UnreadableFileError, match=r"study\.csv"):
        read_sheet(tmp_path / "study.csv")
    (tmp_path / "study.csv").write_bytes("path,participant\na,Ay\u015fe\n".encode("iso8859-9"))
    with pytest.raises(InvalidStudyError, match="not UTF-8"):
        read_sheet(tmp_path / "study.csv")


def test_markers(tmp_path: Path) -> None:
    """A marker belongs to a participant, a stimulus, or both, which the study must have."""
    sheet = read_sheet(written(tmp_path, "path,participant,stimulus\na,P1,film\nb,P2,film\n"))
    table = "participant,stimulus,time_s,duration_s,name\n,film,3,1.5,joke\nP2,,-1,,cough\n"
    assert read_markers(written(tmp_path, table, "markers.csv"), sheet) == [
        Marker("joke", 3.0, 1.5, "", "film"),
        Marker("cough", -1.0, 0.0, "P2", ""),
    ]
    wrong = "participant,stimulus,time_s,name\nP3,,1,a\n,,2,b\nP1,,,c\nP1,,1,\n"
    with pytest.raises(InvalidStudyError) as caught:
        read_markers(written(tmp_path, wrong, "markers.csv"), sheet)
    assert caught.value.detail.splitlines()[1:] == [
        "row 2, column participant: `P3` is not in study.csv",
        "row 3: a participant or a stimulus is required",
        "row 4, column time_s: a value is required",
        "row 5, column name: a value is required",
    ]


def test_the_reserved_names_are_those_of_the_tables() -> None:
    """The service, which does not import the tables, rejects the same names of free columns as `duygu study`."""
    assert RESERVED | set(columns.INPUTS) == columns.RESERVED
