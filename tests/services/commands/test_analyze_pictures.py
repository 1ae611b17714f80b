"""`duygu analyze` and `duygu.analyze` on pictures."""

import csv
import io
import json
from pathlib import Path

import pytest

import duygu
from duygu.services.cli import main
from duygu.shared.errors import InvalidStartError
from tests.support.media.pictures import animated, astronaut


def test_a_picture_is_a_result_with_one_window(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON of a picture has the schema of a video; its CSV one row per face."""
    path = tmp_path / "a.jpg"
    path.write_bytes(astronaut(".jpg"))
    assert main(["analyze", str(path), "--quiet"]) == 0
    (face,) = json.loads(capsys.readouterr().out)["faces"]
    assert (face["emotion"], len(face["windows"]), face["windows"][0]["flags"]) == ("happiness", 1, [])
    assert main(["analyze", str(path), "--csv", "-", "--quiet"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["start_s"], row["emotion"]) == ("0.0", "happiness")


def test_pictures_in_folders_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pictures in a folder are skipped as before; `--pictures` analyses them, into one table."""
    for name, form in (("a.png", ".png"), ("b.webp", ".webp")):
        (tmp_path / name).write_bytes(astronaut(form))
    (tmp_path / "notes.txt").write_text("no picture")
    assert main(["analyze", str(tmp_path)]) == 1
    assert "no video found" in capsys.readouterr().err
    assert main(["analyze", str(tmp_path), "--pictures", "--csv", "-", "--quiet"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["emotion"] for row in rows] == ["happiness", "happiness"]


def test_an_animation_is_a_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An animated PNG is analysed as a video, as before."""
    path = tmp_path / "a.png"
    path.write_bytes(animated("PNG"))
    assert main(["analyze", str(path), "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["video"]["duration_s"] > 0


def test_options_of_videos_are_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A picture has no part: `--start` fails with its code, and `duygu.analyze` raises the same error."""
    path = tmp_path / "a.jpg"
    path.write_bytes(astronaut(".jpg"))
    assert main(["analyze", str(path), "--start", "1"]) == 1
    assert "invalid_start_s" in capsys.readouterr().err
    with pytest.raises(InvalidStartError):
        duygu.analyze(path, start_s=1.0)
    assert duygu.analyze(path).faces[0].emotion == "happiness"
