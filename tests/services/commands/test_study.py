"""`duygu study`."""

import base64
import csv
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from duygu.services.cli import main
from duygu.services.commands.study.frames import WIDTH
from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.config.engine import detector_of
from duygu.shared.config.settings import Settings
from duygu.shared.paths import ROOT
from duygu.shared.schemas.result import Result
from duygu.shared.vision.decode.pictures.decoding import decode, to_frame
from duygu.shared.vision.types import Image
from duygu.shared.workbench.studies.strips import FRAMES
from tests.services.conftest import StartWorker, serving
from tests.support.media.videos import PAIR, PAN, STILL, VideoMaker
from tests.support.results.study import course, planted, write_result

PATIENCE_S = 120.0


@pytest.fixture(autouse=True)
def _logs_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the log configuration, which the command changes."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [*logging.getLogger().handlers])
    monkeypatch.setattr(logging.getLogger(), "level", logging.getLogger().level)


@pytest.fixture
def videos(tmp_path: Path, video_maker: VideoMaker, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three videos and a table over them, which a small model analyses."""
    monkeypatch.setenv("DUYGU_MODEL", str(model_folder))
    monkeypatch.setenv("DUYGU_THREADS", "1")
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name, scene in {"one": PAN, "two": STILL, "three": replace(PAN, duration_s=1.5)}.items():
        shutil.copy(video_maker.make(scene), folder / f"{name}.mp4")
    table(folder, *(f"{name}.mp4,{name},A" for name in ("one", "two", "three")))
    return folder


def table(folder: Path, *rows: str, header: str = "path,participant,group") -> Path:
    """study.csv of these rows."""
    path = folder / "study.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def study(folder: Path, *options: str) -> int:
    """Run the command; its exit status."""
    return main(["study", str(folder / "study.csv"), "-o", str(folder / "out"), "--quiet", *options])


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of a table of the output."""
    with (folder / "out" / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ages(folder: Path) -> Mapping[str, int]:
    """Times of the last change of the results."""
    return {path.stem: path.stat().st_mtime_ns for path in (folder / "out" / "results").glob("*.json")}


def test_every_row_is_analysed_once(videos: Path) -> None:
    """The tables cover all recordings; a second run and other rows over the same videos analyse nothing."""
    assert study(videos) == 0
    assert [row["participant"] for row in rows_of(videos, "summary")] == ["one", "two", "three"]
    assert all(float(row["face_s"]) > 0 for row in rows_of(videos, "summary"))
    before = ages(videos)
    assert study(videos) == 0
    table(videos, "one.mp4,renamed,B", "two.mp4,two,A")
    assert study(videos) == 0
    assert ages(videos) == before
    assert [row["participant"] for row in rows_of(videos, "summary")] == ["renamed", "two"]


def test_a_changed_video_is_analysed_again(videos: Path, video_maker: VideoMaker) -> None:
    """And no other; so is one whose result is damaged."""
    assert study(videos) == 0
    before = ages(videos)
    shutil.copy(video_maker.make(PAIR), videos / "two.mp4")
    assert study(videos) == 0
    changed = ages(videos)
    assert {name for name, age in changed.items() if age != before[name]} == {"two"}
    assert rows_of(videos, "videos")[1]["faces"] == "2"
    (videos / "out" / "results" / "one.json").write_text("{", encoding="utf-8")
    assert study(videos) == 0
    assert {name for name, age in ages(videos).items() if age != changed[name]} == {"one"}


def test_other_options_analyse_again(videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of a study have the same options."""
    assert study(videos) == 0
    before = ages(videos)
    monkeypatch.setenv("DUYGU_MAX_FACES", "3")
    assert study(videos) == 0
    assert all(age != before[name] for name, age in ages(videos).items())


def test_a_killed_study_continues(videos: Path) -> None:
    """Results that were complete when the process was killed are not computed again."""
    command = [sys.executable, "-m", "duygu.services.cli", "study", "study.csv", "-o", "out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=videos, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_S
    while not (videos / "out" / "results" / "one.json").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    before = ages(videos)
    assert set(before) < {"one", "two", "three"}
    assert study(videos) == 0
    after = ages(videos)
    assert set(after) == {"one", "two", "three"}
    assert {name: after[name] for name in before} == before


def test_a_bad_video_is_a_row_with_its_error(videos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are in the tables; the exit status is 1."""
    (videos / "notes.mp4").write_text("Tuesday\n" * 100, encoding="utf-8")
    table(videos, "notes.mp4,P1,A", "lost.mp4,P2,A", "one.mp4,P3,A")
    assert study(videos) == 1
    rows = rows_of(videos, "videos")
    assert [(row["status"], row["error"]) for row in rows] == [
        ("failed", "not_a_video"),
        ("failed", "unreadable_file"),
        ("succeeded", ""),
    ]
    assert "lost.mp4: the file does not exist" in rows[1]["error_detail"]
    assert [row["participant"] for row in rows_of(videos, "summary")] == ["P3"]
    assert "row 2: notes.mp4: not_a_video: " in capsys.readouterr().err


def test_a_service_analyses_the_videos(
    videos: Path, api: httpx.Client, start_worker: StartWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tables equal those of an analysis here; no video is sent or analysed again without need."""
    (videos / "four.mp4").write_bytes(b"not a video")
    table(videos, *(f"{name}.mp4,{name},A" for name in ("one", "two", "three", "four")))
    start_worker()
    service = ("--service", str(api.base_url))
    assert study(videos, *service) == 1
    assert "four.mp4: not_a_video" in capsys.readouterr().err
    found = rows_of(videos, "windows")
    jobs = api.get("/v1/jobs").json()["jobs"]
    assert len(jobs) == 3
    assert {job["title"] for job in jobs} == {"one.mp4", "two.mp4", "three.mp4"}
    api.patch(f"/v1/jobs/{jobs[0]['job_id']}", json={"title": "Mine"}).raise_for_status()
    assert study(videos, *service) == 1
    (videos / "out" / "results" / "one.json").unlink()
    assert study(videos, *service) == 1
    assert [job["job_id"] for job in api.get("/v1/jobs").json()["jobs"]] == [job["job_id"] for job in jobs]
    assert api.get(f"/v1/jobs/{jobs[0]['job_id']}").json()["title"] == "Mine"
    assert study(videos, *service, "--labels", "anger") == 1
    assert len(api.get("/v1/jobs").json()["jobs"]) == 6
    shutil.rmtree(videos / "out")
    assert study(videos) == 1
    assert rows_of(videos, "windows") == found


def test_a_service_that_does_not_respond_is_a_usage_error(
    videos: Path, service_settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As is a missing API key, and a folder of results beside a service."""
    assert study(videos, "--service", "http://127.0.0.1:9") == 2
    assert "http://127.0.0.1:9 does not respond" in capsys.readouterr().err
    assert study(videos, "--service", "nowhere") == 2
    assert study(videos, "--service", "http://127.0.0.1:9", "--results", str(videos)) == 2
    file = videos / "keys.json"
    key = add_key(file, "ann", frozenset({Scope.READ}), KeyLimits())
    with serving(service_settings.model_copy(update={"keys_file": file})) as guarded:
        assert study(videos, "--service", str(guarded.base_url)) == 2
        assert "A valid API key is required" in capsys.readouterr().err
        monkeypatch.setenv("DUYGU_API_KEY", key)
        assert study(videos, "--service", str(guarded.base_url)) == 2
    assert "lacks the scope `submit`" in capsys.readouterr().err


def test_an_invalid_table_is_a_usage_error(videos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is analysed or written."""
    table(videos, "one.mp4,P1,soon", header="path,participant,start_s")
    assert study(videos) == 2
    assert "row 2, column start_s: `soon` is not a number of seconds" in capsys.readouterr().err
    assert not (videos / "out").exists()


def test_edits_beside_the_result_are_applied(videos: Path) -> None:
    """An excluded face is not in the tables, and the result stays as it was computed."""
    assert study(videos) == 0
    computed = Result.read((videos / "out" / "results" / "one.json").read_bytes())
    edit = ["edit", str(videos / "out" / "results" / "one.json"), "--quiet", "--rename", "1=Ann"]
    assert main(edit) == 0
    table(videos, "one.mp4,P1,Ann", header="path,participant,face")
    assert study(videos) == 0
    assert rows_of(videos, "videos")[0]["face"] == "1"
    assert main([*edit[:3], "--quiet", "--exclude", "1"]) == 0
    table(videos, "one.mp4,P1", header="path,participant")
    assert study(videos) == 0
    assert rows_of(videos, "summary")[0]["face_s"] == "0.0"
    assert Result.read((videos / "out" / "results" / "one.json").read_bytes()) == computed


def test_results_that_exist_are_used(tmp_path: Path) -> None:
    """By the name of the video, in a subfolder too; a missing or damaged result is an error of its row."""
    write_result(tmp_path / "json", "a", planted(20.0, (5.0, 9.0)))
    write_result(tmp_path / "json", "rest", course(5.0, lambda _: 0.1))
    write_result(tmp_path / "json" / "day2", "a", planted(20.0, (12.0, 18.0)))
    (tmp_path / "json" / "broken.json").write_text("[]", encoding="utf-8")
    rows = ("a.mp4,P1,rest.mp4", "day2/a.mp4,P2,", "b.mp4,P3,", "broken.mp4,P4,")
    table(tmp_path, *rows, header="path,participant,baseline")
    assert study(tmp_path, "--results", str(tmp_path / "json"), "--min-length", "1") == 1
    happy = [row for row in rows_of(tmp_path, "episodes") if row["emotion"] == "happiness"]
    assert [(row["participant"], round(float(row["start_s"]))) for row in happy] == [("P1", 5), ("P2", 12)]
    codes = [row["error"] for row in rows_of(tmp_path, "videos")]
    assert codes == ["", "", "unreadable_file", "bad_configuration"]
    settings = json.loads((tmp_path / "out" / "study.json").read_text(encoding="utf-8"))["settings"]
    assert settings["min_length_s"] == 1.0


def test_a_missing_folder_of_results_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is one error, not one per row, and nothing is written."""
    table(tmp_path, "one.mp4,P1,A")
    assert study(tmp_path, "--results", str(tmp_path / "resluts")) == 2
    assert "resluts: the folder does not exist" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_videos_of_one_name_have_results_of_their_own(videos: Path) -> None:
    """In different folders, and where names differ in case only."""
    (videos / "day2").mkdir()
    shutil.copy(videos / "two.mp4", videos / "day2" / "one.mp4")
    table(videos, "one.mp4,P1,A", "day2/one.mp4,P2,A")
    assert study(videos) == 0
    assert len(ages(videos)) == 2
    hashes = {row["video_sha256"] for row in rows_of(videos, "videos")}
    assert len(hashes) == 2


def test_markers_and_settings_of_the_command_line(tmp_path: Path) -> None:
    """`--markers` adds the table; an option outside its bounds is a usage error."""
    write_result(tmp_path / "json", "a", planted(20.0, (5.0, 9.0)))
    table(tmp_path, "a.mp4,P1,film", header="path,participant,stimulus")
    markers = tmp_path / "events.csv"
    markers.write_text("stimulus,time_s,name\nfilm,5,joke\n", encoding="utf-8")
    options = ("--results", str(tmp_path / "json"), "--markers", str(markers))
    assert study(tmp_path, *options, "--around", "1") == 0
    assert {row["marker"] for row in rows_of(tmp_path, "markers")} == {"joke"}
    assert study(tmp_path, *options, "--up", "2") == 2


def test_tables_and_figures_of_an_earlier_run_are_deleted(tmp_path: Path) -> None:
    """A study without markers and baselines leaves none of them from before; files of other names stay."""
    write_result(tmp_path / "results", "one", planted(20.0, (5.0, 9.0)))
    table(tmp_path, "one.mp4,P1,0-3", header="path,participant,baseline")
    markers = tmp_path / "markers.csv"
    markers.write_text("participant,time_s,name\nP1,7,joke\n", encoding="utf-8")
    assert study(tmp_path, "--results", str(tmp_path / "results"), "--markers", str(markers)) == 0
    figures, tables = tmp_path / "out" / "figures", tmp_path / "out" / "tables"
    assert (figures / "2-relative.svg").exists()
    assert (tables / "markers.csv").exists()
    for own in (figures / "poster.svg", tables / "notes.csv"):
        own.touch()
    table(tmp_path, "one.mp4,P1")
    assert study(tmp_path, "--results", str(tmp_path / "results")) == 0
    assert {path.name for path in figures.glob("*.svg")} == {
        *(f"1-probability{kind}.svg" for kind in ("", "-serif", "-column", "-column-serif")),
        "poster.svg",
    }
    assert not [*tables.glob("markers.*")]
    assert (tables / "notes.csv").exists()


def test_inputs_are_never_overwritten(tmp_path: Path) -> None:
    """A table of markers where the output would have one is a usage error, and stays as it is."""
    write_result(tmp_path / "json", "a", planted(20.0, (5.0, 9.0)))
    table(tmp_path, "a.mp4,P1,film", header="path,participant,stimulus")
    markers = tmp_path / "out" / "tables" / "markers.csv"
    markers.parent.mkdir(parents=True)
    markers.write_text("stimulus,time_s,name\nfilm,5,joke\n", encoding="utf-8")
    assert study(tmp_path, "--results", str(tmp_path / "json"), "--markers", str(markers)) == 2
    assert markers.read_text(encoding="utf-8") == "stimulus,time_s,name\nfilm,5,joke\n"


def test_measures_and_labels_are_those_of_the_analysis(videos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With labels, the others are `other`; a study with other options analyses again, and the same ones do not."""
    assert study(videos) == 0
    path = videos / "out" / "results" / "one.json"
    assert study(videos, "--labels", "anger,fear") == 0
    chosen = path.stat().st_mtime_ns
    assert Result.read(path.read_bytes()).model.labels == ["anger", "fear", "other"]
    assert {"anger", "fear", "other"} <= set(rows_of(videos, "windows")[0])
    assert "happiness" not in rows_of(videos, "windows")[0]
    assert study(videos, "--labels", "anger,fear") == 0
    assert path.stat().st_mtime_ns == chosen
    assert study(videos, "--results", str(path.parent), "--labels", "anger") == 2
    assert "results that exist have their own" in capsys.readouterr().err


def test_movements_fill_the_share_of_speaking(videos: Path) -> None:
    """With --measures movements, windows have `speaking` and the summary its share."""
    table(videos, "one.mp4,one,A")
    assert study(videos) == 0
    assert {row["speaking"] for row in rows_of(videos, "windows")} == {""}
    assert study(videos, "--measures", "movements") == 0
    assert all(0 <= float(row["speaking"]) <= 1 for row in rows_of(videos, "windows"))
    assert all(row["share_speaking"] for row in rows_of(videos, "summary"))


FRAME = re.compile(r'<img src="data:image/jpeg;base64,([^"]+)" alt="frame (\d) at ([^"]+)">')


def frames_of(folder: Path) -> list[tuple[str, Image]]:
    """Time and picture of each frame in the report."""
    text = (folder / "out" / "report.html").read_text(encoding="utf-8")
    return [(when, decode(base64.b64decode(data))) for data, _, when in FRAME.findall(text)]


def test_the_report_has_frames_of_the_recordings(
    videos: Path, tmp_path: Path, video_maker: VideoMaker, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Small frames along the axis: with faces, with covered faces, none, or those of the film that people watched."""
    detector = detector_of(settings)

    def faces_in(pictures: list[tuple[str, Image]]) -> int:
        return sum(len(detector.detect(to_frame(one, 0, 0.0, 0.1)).boxes) for _, one in pictures)

    table(videos, "one.mp4,one,A,film", header="path,participant,group,stimulus")
    assert study(videos) == 0
    shown = frames_of(videos)
    assert len(shown) == FRAMES
    assert {picture.shape[1] for _, picture in shown} == {WIDTH}
    assert faces_in(shown) >= FRAMES / 2
    report = (videos / "out" / "report.html").read_text(encoding="utf-8")
    assert "The frames show faces of participants" in report
    assert len(report) < 400_000
    assert study(videos, "--frames", "covered") == 0
    covered = frames_of(videos)
    assert len(covered) == FRAMES
    assert faces_in(covered) == 0
    assert "The frames show faces" not in (videos / "out" / "report.html").read_text(encoding="utf-8")
    assert study(videos, "--frames", "none") == 0
    assert frames_of(videos) == []
    film = video_maker.make(replace(STILL, duration_s=0.5))
    assert study(videos, "--film", f"film={film}") == 0
    of_film = frames_of(videos)
    assert 0 < len(of_film) < FRAMES  # none after the end of the film
    assert study(videos, "--film", f"other={film}") == 2
    assert study(videos, "--film", f"film={tmp_path / 'missing.mp4'}") == 2
    assert "the film does not exist" in capsys.readouterr().err
