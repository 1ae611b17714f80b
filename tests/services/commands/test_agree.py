"""`duygu agree`."""

import csv
import json
from pathlib import Path

import pytest

from duygu.services.cli import main
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.labels.agreement import Agreement, agreement
from duygu.shared.workbench.labels.label import LABELS, Label
from tests.support.results.labelled import labelled


@pytest.fixture
def labelled_file(tmp_path: Path) -> tuple[Path, Result, list[Label]]:
    """Return a result file of `film.mp4` with 60 windows, its result, and a label for each window."""
    result, labels = labelled(60)
    result = result.model_copy(
        update={"video": result.video.model_copy(update={"name": "film.mp4", "duration_s": 61.0})}
    )
    (path := tmp_path / "film.json").write_text(result.model_dump_json())
    (tmp_path / "film.mp4").touch()
    return path, result, labels


def write(path: Path, labels: list[Label]) -> Path:
    """Write labels as JSON."""
    path.write_bytes(LABELS.dump_json(labels))
    return path


def test_json_is_the_agreement(
    labelled_file: tuple[Path, Result, list[Label]], capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` prints the response of the API, with the names of the files as raters."""
    path, result, labels = labelled_file
    ann, bob = write(path.with_name("Ann.json"), labels), write(path.with_name("bob 2.json"), labels[:40])
    assert main(["agree", str(path), str(ann), str(bob), "--json", "--target-accuracy", "0.8"]) == 0
    found = Agreement.model_validate_json(capsys.readouterr().out)
    assert found == agreement(result, {"ann": labels, "bob-2": labels[:40]}, 0.8)


def test_tables_and_sentences(
    labelled_file: tuple[Path, Result, list[Label]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without `--json`, tables show the figures and sentences what they support."""
    path, _, labels = labelled_file
    ann, bob = write(path.with_name("ann.json"), labels), write(path.with_name("bob.json"), labels[:40])
    assert main(["agree", str(path), str(ann), str(bob)]) == 0
    output = capsys.readouterr().out
    for words in (
        "ann – bob",
        "ann – model",
        "Cohen's kappa",
        "recall of anger",
        "80%",
        "2 people",
        "alpha of all raters",
    ):
        assert words in output
    assert main(["agree", str(path), str(write(ann, labels[:9]))]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "9 stretches are too few for any claim" in output
    assert "at least 10 are needed" in output


def test_edits_beside_the_result_are_applied(
    labelled_file: tuple[Path, Result, list[Label]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Labels refer to the faces of the edited result."""
    path, _, labels = labelled_file
    ann = write(path.with_name("ann.json"), labels)
    assert main(["edit", str(path), "--exclude", "1", "--quiet"]) == 0
    assert main(["agree", str(path), str(ann), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["people"] == 1


def test_the_manifest(labelled_file: tuple[Path, Result, list[Label]], tmp_path: Path) -> None:
    """Rows have the stretch, the raters, the place of the face and further columns; a second call repeats none."""
    path, _, labels = labelled_file
    ann, bob = write(path.with_name("ann.json"), labels), write(path.with_name("bob.json"), labels[:40])
    (tmp_path / "study").mkdir()
    manifest = tmp_path / "study" / "manifest.csv"
    arguments = ["agree", str(path), str(ann), str(bob), "--manifest", str(manifest), "--column", "site=Ankara"]
    assert main(["edit", str(path), "--rename", "1=Ayşe", "--quiet"]) == 0
    assert main(arguments) == 0
    before = manifest.read_text()
    assert main(arguments) == 0
    assert manifest.read_text() == before
    rows = list(csv.DictReader(before.splitlines()))
    assert len(rows) == 60
    assert {row["path"] for row in rows} == {"../film.mp4"}
    assert {row["subject"] for row in rows} == {"Ayşe", "film face 2"}
    assert {row["site"] for row in rows} == {"Ankara"}
    assert [row["rater"] for row in rows].count("ann+bob") == 40
    assert (rows[0]["start_s"], rows[0]["end_s"], rows[0]["emotion"]) == ("0.0", "0.9", labels[0].emotion)
    assert float(rows[0]["face_x"]) == pytest.approx(25 / 640, abs=1e-4)


def test_contradicting_labels_are_left_out_of_the_manifest(labelled_file: tuple[Path, Result, list[Label]]) -> None:
    """Stretches on which two raters differ, or that overlap with another emotion, are no training data."""
    path, _, labels = labelled_file
    other = {"emotion": "surprise"}
    bob = [labels[0].model_copy(update=other), labels[2].model_copy(update={**other, "end_s": 2.5}), labels[4]]
    arguments = [str(write(path.with_name(name), own)) for name, own in (("ann.json", labels[:6]), ("bob.json", bob))]
    manifest = path.with_name("manifest.csv")
    assert main(["agree", str(path), *arguments, "--manifest", str(manifest)]) == 0
    rows = list(csv.DictReader(manifest.read_text().splitlines()))
    assert sorted(float(row["start_s"]) for row in rows) == [1, 3, 4, 5]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no.json", "ann.json"], "no.json: No such file"),
        (["film.json", "no.json"], "no.json: No such file"),
        (["film.json", "film.json"], "film.json: the project has 0 observations"),
        (["film.json", "ann.json", "ann.json"], "the rater ann has labels in another file as well"),
        (["film.json", "ann.json", "--manifest", "m.csv", "--video", "no.mp4"], "no.mp4 does not exist"),
        (["film.json", "other.csv"], "other.csv: a label ends at 900 s; the video has 61 s"),
        (["ann.json", "ann.json"], "is not a result of"),
    ],
)
def test_invalid_files_are_named(
    labelled_file: tuple[Path, Result, list[Label]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    """The error names the file and what is wrong with it, and nothing is written."""
    path, _, labels = labelled_file
    write(path.with_name("ann.json"), labels)
    path.with_name("other.csv").write_text("face_id,start_s,end_s,emotion\n1,0,900,fear\n")
    monkeypatch.chdir(path.parent)
    assert main(["agree", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not Path("m.csv").exists()


@pytest.mark.parametrize("arguments", [["--target-accuracy", "1"], ["--target-accuracy", "x"], ["--column", "site"]])
def test_invalid_options(labelled_file: tuple[Path, Result, list[Label]], arguments: list[str]) -> None:
    """Options out of bounds are usage errors."""
    with pytest.raises(SystemExit) as ended:
        main(["agree", str(labelled_file[0]), "ann.json", *arguments])
    assert ended.value.code == 2
