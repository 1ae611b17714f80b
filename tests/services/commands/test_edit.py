"""`duygu edit` and `duygu analyze --edits`."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from duygu import Analysis
from duygu.services.cli import main
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError, OtherVideoError, UnknownFaceError
from duygu.shared.paths import ROOT
from duygu.shared.schemas.result import Result, with_sha256
from tests.support.media.videos import PAIR, VideoMaker
from tests.support.results.known import two_faces
from tests.support.results.layer import with_layer


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """Return a result file."""
    path = tmp_path / "film.json"
    path.write_text(with_sha256(two_faces(), "a" * 64).model_dump_json())
    return path


def test_edits_are_written_beside_the_result(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Edits of all kinds keep their order; the result file does not change, and the summary shows the names."""
    before = result.read_bytes()
    operations = ["--split", "1@2.5", "--rename", "3=Ann", "--exclude", "2", "--rename", "1=Bob"]
    assert main(["edit", str(result), *operations]) == 0
    assert result.read_bytes() == before
    saved = json.loads(result.with_name("film.edits.json").read_text())
    assert (saved["version"], saved["sha256"]) == (1, "a" * 64)
    assert [edit["op"] for edit in saved["edits"]] == ["split", "rename", "exclude", "rename"]
    output = capsys.readouterr().err
    assert "Ann" in output
    assert "Bob" in output
    assert "2 faces" in output


def test_edits_are_added_undone_and_exported(result: Path, tmp_path: Path) -> None:
    """A second call adds to the file, `--undo` removes the last edits, and outputs show the rest."""
    table = tmp_path / "table.csv"
    assert main(["edit", str(result), "--rename", "1=Ann", "--rename", "2=Bob", "--quiet"]) == 0
    assert main(["edit", str(result), "--undo", "1", "--exclude", "2@0.9-1.0", "--quiet", "--csv", str(table)]) == 2
    assert main(["edit", str(result), "--undo", "1", "--exclude", "2", "--quiet", "--csv", str(table)]) == 0
    edits = json.loads(result.with_name("film.edits.json").read_text())
    assert [edit["op"] for edit in edits["edits"]] == ["rename", "exclude"]
    assert edits["version"] == 2
    assert "Ann" in table.read_text()
    assert "surprise,0.4" not in table.read_text()


def test_a_resting_face_comes_from_another_result(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--baseline FACE=RESULT` takes the only person of another result; one of several people is refused."""
    film = with_layer(two_faces())
    result.write_text(film.model_dump_json())
    rest, table = tmp_path / "rest.json", tmp_path / "table.csv"
    rest.write_text(film.model_copy(update={"faces": film.faces[:1]}).model_dump_json())
    assert main(["edit", str(result), "--baseline", f"2={rest}", "--quiet", "--csv", str(table)]) == 0
    with table.open(newline="") as file:
        assert {row["face_id"] for row in csv.DictReader(file) if row["relative_emotion"]} == {"2"}
    with pytest.raises(SystemExit):
        main(["edit", str(result), "--baseline", f"2={result}"])
    assert "baseline_several_faces" in capsys.readouterr().err


def test_a_resting_face_is_chosen_and_removed(result: Path, tmp_path: Path) -> None:
    """`--baseline FACE@START-END` adds the relative predictions to tables, and `--baseline FACE` removes them."""
    result.write_text(with_layer(two_faces()).model_dump_json())
    table = tmp_path / "table.csv"
    common = ["--quiet", "--csv", str(table)]
    assert main(["edit", str(result), "--baseline", "1@0-1.5", *common]) == 0
    assert [row["relative_emotion"] != "" for row in csv.DictReader(io.StringIO(table.read_text()))] == [True] * 4 + [
        False
    ]
    assert main(["edit", str(result), "--baseline", "1", *common]) == 0
    assert "relative_emotion" not in table.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--baseline", "1@0-1.5"],
        ["--baseline", "1@3-2"],
        ["--merge", "2:9"],
        ["--split", "1@99"],
        ["--undo", "1"],
        ["--rename", "2=\a"],
        ["--merge", "1"],
        ["--exclude", "x"],
        ["--exclude", "1@3"],
        ["--split", "1"],
        ["--uncertain-below", "2"],
        ["--uncertain-below", "high"],
    ],
)
def test_bad_edits_write_nothing(result: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An edit that is malformed or does not apply ends with status 2 and a message, and no file is written."""
    try:
        status = main(["edit", str(result), "--rename", "1=Ann", *arguments])
    except SystemExit as error:  # a malformed argument
        status = int(str(error.code))
    assert status == 2
    assert capsys.readouterr().err
    assert not result.with_name("film.edits.json").exists()


def test_files_that_are_no_results_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, another format and damaged edits give a message without a traceback."""
    other, damaged = tmp_path / "a.json", tmp_path / "b.json"
    other.write_text("{}")
    damaged.write_text(two_faces().model_dump_json())
    damaged.with_name("b.edits.json").write_text('{"edits": [{"op": "paint"}]}')
    for path, words in ((tmp_path / "none.json", "No such file"), (other, "not a result"), (damaged, "invalid edits")):
        assert main(["edit", str(path), "--rename", "1=Ann"]) == 2
        assert words in capsys.readouterr().err


def test_analyze_applies_edits(
    video_maker: VideoMaker, tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--edits` takes a file, or a folder with a file per video; edits of another video are refused."""
    monkeypatch.setenv("DUYGU_MODEL", str(model_folder))
    video, out = video_maker.make(PAIR), tmp_path / "out.json"
    assert main(["analyze", str(video), "--json", str(out), "--quiet"]) == 0
    assert main(["edit", str(out), "--edits", str(tmp_path / f"{video.stem}.edits.json"), "--rename", "1=Ann"]) == 0
    for edits in (tmp_path / f"{video.stem}.edits.json", tmp_path):
        edited = tmp_path / "edited.json"
        assert main(["analyze", str(video), "--edits", str(edits), "--json", str(edited), "--quiet"]) == 0
        assert Result.model_validate_json(edited.read_bytes()).faces[0].name == "Ann"
    other = tmp_path / "other.edits.json"
    other.write_text(json.dumps({"sha256": "b" * 64, "edits": []}))
    assert main(["analyze", str(video), "--edits", str(other), "--quiet"]) == 1


def test_edits_in_python(settings: Settings, result: Path) -> None:
    """`Analysis.edited` takes operations, plain values and files, and leaves the analysis as it was."""
    analysis = Analysis(Path("film.mp4"), Result.model_validate_json(result.read_bytes()), settings)
    assert main(["edit", str(result), "--rename", "2=Bob", "--quiet"]) == 0
    edited = analysis.edited({"op": "rename", "face_id": 1, "name": "Ann"}, result.with_name("film.edits.json"))
    assert [face.name for face in edited.faces] == ["Ann", "Bob"]
    assert [face.name for face in analysis.faces] == [None, None]
    with pytest.raises(UnknownFaceError):
        analysis.edited({"op": "exclude", "face_id": 9})
    with pytest.raises(ConfigurationError):
        analysis.edited("missing.edits.json")
    other = result.with_name("other.edits.json")
    other.write_text(json.dumps({"sha256": "b" * 64, "edits": []}))
    with pytest.raises(OtherVideoError):
        analysis.edited(other)


def test_a_threshold_is_an_edit(result: Path, tmp_path: Path) -> None:
    """`--uncertain-below` marks the windows in every output; `model` and `--undo` return to the model's threshold."""
    table = tmp_path / "table.csv"

    def uncertain(*arguments: str) -> set[str]:
        assert main(["edit", str(result), *arguments, "--quiet", "--csv", str(table)]) == 0
        with table.open(encoding="utf-8") as file:
            return {row["uncertain"] for row in csv.DictReader(file)}

    assert uncertain() == {"false", "true"}
    assert uncertain("--uncertain-below", "1") == {"true"}
    assert uncertain("--uncertain-below", "model") == {"false", "true"}
    assert uncertain("--undo", "1") == {"true"}
    assert uncertain("--undo", "1") == {"false", "true"}


def test_what_is_no_json_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A video in place of its result is named, without an empty field before the reason."""
    (path := tmp_path / "cut.mp4").write_bytes(bytes(100))
    assert main(["edit", str(path)]) == 2
    assert capsys.readouterr().err.startswith(
        f"duygu: {path} is not a result of `duygu analyze --json`: Invalid JSON: "
    )


def test_the_reader_of_stdout_may_close_the_pipe(result: Path) -> None:
    """A table for a reader that has ended is no error to print, and no success."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        command = [sys.executable, "-m", "duygu.services.cli", "edit", "--quiet", str(result), "--csv", "-"]
        ended = subprocess.run(command, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")
