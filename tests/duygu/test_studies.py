"""`duygu.study`, and the tables of a study in pandas, SPSS and R."""

import csv
import re
from pathlib import Path

import pandas
import pyreadstat
import pytest

from docs.generate import DOCS
from duygu import study
from duygu.shared.errors import ConfigurationError, InvalidOptionError, InvalidStudyError
from duygu.studies import StudyAnalysis
from tests.support.media.videos import Scene, VideoMaker
from tests.support.results.study import planted, write_result

BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)

R_LOGICAL = {"T", "F", "TRUE", "FALSE", "true", "false", "True", "False", ""}
"""What type.convert() of R reads as logical; an empty field is NA."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of ten participants in two groups with results; b4 has no result."""
    folder = tmp_path_factory.mktemp("study")
    lines = ["path,participant,group,stimulus,baseline,age,remark"]
    for group, high in (("a", 0.9), ("b", 0.4)):
        for number in range(5):
            name = f"{group}{number}"
            lines.append(f'{name}.mp4,{name},{group},film,0-2,{20 + number},"said ""no"", twice"')
            if name != "b4":
                write_result(folder / "results", name, planted(10.0, (4.0, 7.0), high=high))
    (folder / "study.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> StudyAnalysis:
    """The study in this process, with few resamples."""
    return study(folder / "study.csv", results=folder / "results", resamples=100, permutations=100)


@pytest.fixture(scope="module")
def saved(found: StudyAnalysis, folder: Path) -> Path:
    """The files of the study."""
    found.save(folder / "saved")
    return folder / "saved"


def test_tables_are_data_frames_with_types(found: StudyAnalysis) -> None:
    """Numbers, whole numbers and truths have types in which a missing value is missing; columns are described."""
    assert set(found.tables) >= {"videos", "windows", "episodes", "summary", "summary_relative", "group_means"}
    assert found["summary"]["happiness_mean"].dtype == "float64"
    assert str(found["videos"]["faces"].dtype) == "Int64"
    assert str(found["windows"]["uncertain"].dtype) == "boolean"
    assert found["videos"].set_index("participant")["faces"].isna().sum() == 1
    assert found["summary"].attrs["columns"]["happiness_mean"]["unit"] == "1"


def test_values_are_those_of_the_files(found: StudyAnalysis, saved: Path) -> None:
    """Every table equals the CSV that `duygu study` writes."""
    for name, frame in found.tables.items():
        written = pandas.read_csv(saved / "tables" / f"{name}.csv")
        assert list(written.columns) == list(frame.columns)
        assert len(written) == len(frame)
        for column in frame.select_dtypes("number"):
            pandas.testing.assert_series_equal(
                written[column].astype("float64"), frame[column].astype("float64"), check_names=False
            )


def test_failed_rows_are_listed(found: StudyAnalysis) -> None:
    """A row without a result has its error, and the others are analysed."""
    assert [(path, code) for path, code, _ in found.errors] == [("b4.mp4", "unreadable_file")]
    assert found["summary"]["participant"].nunique() == 9


def test_settings_and_places_are_checked(folder: Path) -> None:
    """A setting outside its bounds and a study without a place for its results are refused."""
    with pytest.raises(InvalidStudyError, match="up 2 is not between"):
        study(folder / "study.csv", results=folder / "results", up=2)
    with pytest.raises(ConfigurationError, match="name an output folder"):
        study(folder / "study.csv")


def test_labels_and_frames_are_checked(folder: Path, tmp_path: Path) -> None:
    """As with the command: results that exist have their labels, and unknown values have a code."""
    with pytest.raises(ConfigurationError, match="need an analysis"):
        study(folder / "study.csv", results=folder / "results", labels=["anger"])
    with pytest.raises(InvalidOptionError):
        study(folder / "study.csv", tmp_path, measures=["height"])
    with pytest.raises(ConfigurationError, match="frames 'all': known are shown, covered, none"):
        study(folder / "study.csv", results=folder / "results", frames="all")
    with pytest.raises(ConfigurationError, match="no row has this stimulus"):
        study(folder / "study.csv", results=folder / "results", films={"other": folder / "study.csv"})


def test_the_report_shows_frames_of_the_film(folder: Path, tmp_path: Path, video_maker: VideoMaker) -> None:
    """`films` are in the report that `save` writes, unless `frames` is none."""
    film = video_maker.make(Scene(actors=(), duration_s=2.0))
    for frames, shown in (("shown", True), ("none", False)):
        found = study(
            folder / "study.csv",
            results=folder / "results",
            films={"film": film},
            frames=frames,
            resamples=100,
            permutations=100,
        )
        found.save(tmp_path / frames)
        assert ("data:image/jpeg" in (tmp_path / frames / "report.html").read_text(encoding="utf-8")) == shown


def test_save_writes_the_files_of_the_command(saved: Path) -> None:
    """Tables, report and code book."""
    names = {path.relative_to(saved).as_posix() for path in saved.rglob("*")}
    assert {"tables/summary.csv", "codebook.md", "report.html", "study.json"} <= names


def test_the_examples_of_the_documentation_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page on studies: group means, a time course, and a file for SPSS."""
    monkeypatch.chdir(folder)
    blocks = BLOCK.findall((DOCS / "studies.md").read_text(encoding="utf-8"))
    exec("\n".join(blocks), {})  # noqa: S102 - our own page
    output = capsys.readouterr().out
    assert re.search(r"^a +0\.[2-4]", output, re.MULTILINE)
    assert (folder / "summary.sav").exists()


@pytest.mark.parametrize("name", ["videos", "windows", "episodes", "summary", "summary_relative", "group_means"])
def test_spss_reads_every_table(name: str, found: StudyAnalysis, tmp_path: Path) -> None:
    """A .sav has every row and value, missing ones as missing, and the meanings as labels."""
    frame = found[name]
    labels = {column: described["meaning"] for column, described in frame.attrs["columns"].items()}
    pyreadstat.write_sav(frame, tmp_path / "table.sav", column_labels=labels)
    read, meta = pyreadstat.read_sav(tmp_path / "table.sav")
    assert len(read) == len(frame)
    assert dict(zip(meta.column_names, meta.column_labels, strict=True)) == labels
    for column in frame.select_dtypes("float64"):
        pandas.testing.assert_series_equal(read[column].astype("float64"), frame[column])


def as_r_reads(path: Path) -> dict[str, str]:
    """Classes of the columns by the rules of read.csv() and type.convert() of R, as its manual states them."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows
    return {name: _r_class([row[name] for row in rows]) for name in rows[0]}


def _r_class(values: list[str]) -> str:
    if set(values) <= R_LOGICAL:
        return "logical"
    given = [value for value in values if value not in ("", "NA")]
    if all(re.fullmatch(r"[-+]?\d+", value) for value in given):
        return "integer"
    if all(re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value) for value in given):
        return "numeric"
    return "character"


def test_r_reads_numbers_as_numbers(found: StudyAnalysis, saved: Path) -> None:
    """Each column has the class of R that its type asks for, and a name that R does not change."""
    for name, frame in found.tables.items():
        if not len(frame):
            continue
        classes = as_r_reads(saved / "tables" / f"{name}.csv")
        for column, kind in classes.items():
            assert re.fullmatch(r"[A-Za-z][A-Za-z0-9._]*", column), column
            if frame[column].dropna().empty:
                continue
            dtype = str(frame[column].dtype)
            expected = {"float64": {"numeric", "integer"}, "Int64": {"integer"}, "boolean": {"logical"}}
            assert kind in expected.get(dtype, {"character", "integer"}), (name, column)
