"""`--format` of `duygu analyze` and `duygu edit`."""

import json
from pathlib import Path

import pytest
from pyarrow import parquet
from pympi import Eaf

from duygu.services.cli import main
from duygu.shared.exports import ExportName
from tests.support.media.videos import PAN, VideoMaker
from tests.support.results.edited import edited

NAMES = "eaf,textgrid,boris,bids,edl,otio,parquet"

FILES = ["PAN.TextGrid", "PAN.bids.zip", "PAN.boris", "PAN.eaf", "PAN.edl", "PAN.otio", "PAN.parquet"]


@pytest.fixture(autouse=True)
def _tiny_model(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUYGU_MODEL", str(model_folder))
    monkeypatch.setenv("DUYGU_THREADS", "1")


@pytest.fixture
def result(tmp_path: Path) -> str:
    """A result file."""
    path = tmp_path / "interview.json"
    path.write_text(edited().model_dump_json())
    return str(path)


def test_analyze_writes_a_file_for_each_format(tmp_path: Path, video_maker: VideoMaker) -> None:
    """Each file is named after the video, with the extension that its program expects."""
    stem = video_maker.make(PAN).stem
    assert main(["analyze", "--quiet", str(video_maker.make(PAN)), "--format", NAMES, "-o", f"{tmp_path}/out/"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [name.replace("PAN", stem) for name in FILES]
    assert list(Eaf(str(tmp_path / "out" / f"{stem}.eaf")).get_tier_names()) == ["Face 1", "Face 1: uncertain"]
    assert parquet.read_table(tmp_path / "out" / f"{stem}.parquet").num_rows > 0


def test_a_single_format_can_have_a_file_of_any_name(tmp_path: Path, result: str) -> None:
    """-o names the file of one format."""
    assert main(["edit", "--quiet", result, "--format", "otio", "-o", str(tmp_path / "markers.json")]) == 0
    assert json.loads((tmp_path / "markers.json").read_text())["OTIO_SCHEMA"] == "Timeline.1"


def test_files_go_to_the_current_folder_by_default(
    tmp_path: Path, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without -o, the current folder gets the files."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert main(["edit", "--quiet", result, "--format", "csv,edl"]) == 0
    assert sorted(path.name for path in Path().iterdir()) == ["interview.csv", "interview.edl"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "eaf,edl", "-o", "one.eaf"], "one.eaf is a file; name a folder, such as one.eaf/, for 2 formats"),
        (["--format", "csv", "--csv", "a.csv"], "the format csv is selected by --format and by an option of its own"),
        (["--format", "parquet", "-o", "-"], "parquet cannot be written to stdout; name a file"),
    ],
)
def test_outputs_that_cannot_be_are_refused(
    arguments: list[str], message: str, result: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written, and the error names what to change."""
    assert main(["edit", "--quiet", result, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_an_unknown_format_is_refused_with_the_known_ones(result: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before any analysis."""
    with pytest.raises(SystemExit):
        main(["analyze", result, "--format", "eaf,doc"])
    assert f"unknown format 'doc'; known: {', '.join(ExportName)}" in capsys.readouterr().err
