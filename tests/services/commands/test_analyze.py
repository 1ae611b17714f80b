"""`duygu analyze`."""

import csv
import errno
import json
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import pytest

from duygu import analyze
from duygu.services.cli import main
from duygu.services.commands.outputs import Destination, Outputs
from duygu.shared.config.settings import Settings
from duygu.shared.exports import ExportName
from duygu.shared.paths import ROOT
from duygu.shared.schemas.model import ProgramInfo
from duygu.shared.schemas.result import Result
from duygu.shared.version import VERSION
from duygu.shared.vision.analysis import analyze_video
from tests.support.media.videos import PAIR, PAN, STILL, Scene, VideoMaker
from tests.support.results.known import two_faces


@pytest.fixture(autouse=True)
def _tiny_model(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUYGU_MODEL", str(model_folder))
    monkeypatch.setenv("DUYGU_THREADS", "1")


@pytest.fixture(autouse=True)
def _logs_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the log configuration, which the command changes."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [*logging.getLogger().handlers])
    monkeypatch.setattr(logging.getLogger(), "level", logging.getLogger().level)


@pytest.fixture
def pair(video_maker: VideoMaker) -> str:
    """A video with two faces."""
    return str(video_maker.make(PAIR))


def read(path: Path) -> Result:
    """A result file in JSON."""
    return Result.model_validate_json(path.read_bytes())


def test_stdout_holds_the_result_alone(pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """stdout has one line of JSON; the summary with one row per face goes to stderr."""
    assert main(["analyze", pair]) == 0
    output = capsys.readouterr()
    result = Result.model_validate_json(output.out)
    assert output.out.count("\n") == 1
    assert [face.face_id for face in result.faces] == [1, 2]
    assert "2 faces" in output.err
    assert all(face.emotion in output.err for face in result.faces)


def test_a_face_without_a_certain_window_is_called_uncertain(pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Instead of by its most probable emotion, which carries a question mark among the shares of time."""
    assert main(["analyze", pair]) == 0
    output = capsys.readouterr()
    faces = Result.model_validate_json(output.out).faces
    assert all(window.uncertain for face in faces for window in face.windows)
    rows = [line for line in output.err.splitlines() if "100%" in line]
    assert len(rows) == len(faces)
    for face, row in zip(faces, rows, strict=True):
        assert "│ uncertain " in row
        assert f"{face.emotion}? 100%" in row


def test_quiet_prints_only_the_result(pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With --quiet stderr is empty."""
    assert main(["analyze", "--quiet", pair]) == 0
    assert capsys.readouterr().err == ""


def test_what_was_written_is_said(tmp_path: Path, video_maker: VideoMaker, capsys: pytest.CaptureFixture[str]) -> None:
    """The summary has the number of faces, the uncertain share and the written files."""
    assert main(["analyze", str(video_maker.make(PAN)), "--csv", str(tmp_path), "--report", str(tmp_path)]) == 0
    output = capsys.readouterr().err
    assert re.search(r": 2\.0 s, 1 face\s*\n", output)
    assert "uncertain" in output
    written = output[output.index("wrote ") + 6 :].strip().split(", ")
    assert sorted(Path(name).suffix for name in written) == [".csv", ".html"]
    assert all(Path(name).stat().st_size > 0 for name in written)


def test_a_video_is_never_overwritten(tmp_path: Path, pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The video is not overwritten by an output of the same name or by its annotated copy."""
    video = tmp_path / "pair.mp4"
    video.write_bytes(Path(pair).read_bytes())
    for option in ("--video", "--csv"):
        assert main(["analyze", str(video), option, str(tmp_path / "." / "pair.mp4")]) == 2
        assert "would overwrite the video" in capsys.readouterr().err
    assert main(["analyze", "--quiet", str(video), "--video", str(tmp_path)]) == 0
    assert video.read_bytes() == Path(pair).read_bytes()
    assert (tmp_path / "pair.annotated.mp4").is_file()


def test_several_videos_give_a_line_each(
    video_maker: VideoMaker, pair: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results are printed in the order of the arguments."""
    assert main(["analyze", "--quiet", pair, str(video_maker.make(PAN))]) == 0
    results = [Result.model_validate_json(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(result.faces) for result in results] == [2, 1]


def test_a_folder_may_hold_other_things(
    tmp_path: Path, video_maker: VideoMaker, pair: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its videos are analysed, also those in folders below; other files are skipped with a note.

    Hidden files, and all in hidden folders, are skipped without one.
    """
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "pair.mp4").write_bytes(Path(pair).read_bytes())
    (tmp_path / "notes.txt").write_text("Tuesday\n" * 100)
    (tmp_path / "sound.m4a").write_bytes(video_maker.audio_only().read_bytes())
    (tmp_path / ".hidden").write_text("nothing")
    (tmp_path / ".trash" / "below").mkdir(parents=True)
    (tmp_path / ".trash" / "below" / "pair.mp4").write_bytes(Path(pair).read_bytes())
    assert main(["analyze", str(tmp_path)]) == 0
    output = capsys.readouterr()
    assert output.out.count("\n") == 1
    assert output.err.count("skipped") == 2


def test_a_dangling_link_in_a_folder_is_reported(tmp_path: Path, pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The videos beside it are analysed, the link is named, and the exit status is 1."""
    (tmp_path / "pair.mp4").write_bytes(Path(pair).read_bytes())
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    assert main(["analyze", "--quiet", str(tmp_path), "--csv", f"{tmp_path / 'tables'}/"]) == 1
    assert "gone.mp4" in capsys.readouterr().err
    assert (tmp_path / "tables" / "pair.csv").exists()


def test_a_folder_without_a_video_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without videos gives an error."""
    assert main(["analyze", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "duygu: no video found\n"


def test_a_failure_is_reported_and_the_next_video_analysed(
    tmp_path: Path, video_maker: VideoMaker, pair: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each failure has its code on stderr, and the exit status reports it."""
    videos = [str(tmp_path / "missing.mp4"), str(video_maker.text()), str(video_maker.encrypted()), pair]
    assert main(["analyze", "--quiet", *videos]) == 1
    output = capsys.readouterr()
    codes = [line.split(": ")[2] for line in output.err.splitlines()]
    assert codes == ["the file does not exist", "not_a_video", "encrypted"]
    assert len(Result.model_validate_json(output.out).faces) == 2


def test_every_form_reads_back(tmp_path: Path, pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One run writes every format and nothing to stdout; the CSV has one row per window."""
    forms = {"--json": "json", "--csv": "csv", "--ndjson": "ndjson", "--vtt": "vtt", "--srt": "srt", "--report": "html"}
    forms |= {"--plot": "png", "--video": "mp4"}
    options = [part for option, suffix in forms.items() for part in (option, str(tmp_path / f"pair.{suffix}"))]
    assert main(["analyze", "--quiet", pair, *options]) == 0
    assert capsys.readouterr().out == ""
    windows = sum(len(face.windows) for face in read(tmp_path / "pair.json").faces)
    with (tmp_path / "pair.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == windows > 0
    lines = (tmp_path / "pair.ndjson").read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["video", *["window"] * windows]
    assert (tmp_path / "pair.vtt").read_text().startswith("WEBVTT\n")
    assert (tmp_path / "pair.srt").read_text().startswith("1\n00:00:0")
    assert (tmp_path / "pair.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "pair.png").read_bytes().startswith(b"\x89PNG")
    with av.open(str(tmp_path / "pair.mp4")) as container:
        assert len(list(container.decode(video=0))) == 60
    assert len(list(tmp_path.iterdir())) == len(forms)


def test_a_dash_is_stdout(pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`-` writes a format to stdout."""
    assert main(["analyze", "--quiet", pair, "--csv", "-"]) == 0
    assert capsys.readouterr().out.startswith("face_id,start_s")


def test_pictures_are_not_printed(pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Binary formats are not written to stdout."""
    assert main(["analyze", pair, "--plot", "-"]) == 2
    assert "cannot be written to stdout" in capsys.readouterr().err


def test_the_extension_of_a_plot_decides_its_format(tmp_path: Path, pair: str) -> None:
    """The extension selects PNG, SVG or PDF for a plot; the default is PNG."""
    (tmp_path / "plots").mkdir()
    starts = {"plot.png": b"\x89PNG", "plot.SVG": b"<svg ", "plot.pdf": b"%PDF-", "plot": b"\x89PNG"}
    for name, start in starts.items():
        assert main(["analyze", pair, "--quiet", "--plot", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(start)
    assert main(["analyze", pair, "--quiet", "--plot", str(tmp_path / "plots")]) == 0
    assert [path.suffix for path in (tmp_path / "plots").iterdir()] == [".png"]


@pytest.mark.parametrize(
    ("option", "name", "possible"),
    [("--plot", "plot.jpg", ".png, .svg, .pdf"), ("--plot", "x.mp4", ".png"), ("--video", "film.webm", ".mp4, .m4v")],
)
def test_an_ending_that_cannot_be_written_is_refused_at_once(
    option: str, name: str, possible: str, tmp_path: Path, pair: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unsupported extension is rejected before the analysis, with the supported ones."""
    assert main(["analyze", pair, option, str(tmp_path / name)]) == 2
    output = capsys.readouterr()
    assert f"{name}: unsupported extension {Path(name).suffix}; supported: {possible}" in output.err
    assert not output.out
    assert not list(tmp_path.glob(name))


def test_a_folder_gets_a_file_a_video(tmp_path: Path, video_maker: VideoMaker, pair: str) -> None:
    """A folder receives files named after the videos."""
    videos = [Path(pair), video_maker.make(PAN)]
    assert main(["analyze", "--quiet", *map(str, videos), "--csv", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {f"{video.stem}.csv" for video in videos}


def test_a_folder_is_made_where_its_name_ends_with_a_slash(tmp_path: Path, pair: str) -> None:
    """A name with a final slash creates a folder and its parents; without the slash it is a file."""
    options = {"--csv": "csv", "--json": "json", "--vtt": "vtt", "--plot": "png", "--report": "html"}
    places = [part for option in options for part in (option, f"{tmp_path}/new/{option[2:]}/")]
    assert main(["analyze", "--quiet", pair, *places]) == 0
    for option, suffix in options.items():
        assert (tmp_path / "new" / option[2:] / f"{Path(pair).stem}.{suffix}").is_file()
    assert main(["analyze", "--quiet", pair, "--csv", str(tmp_path / "tables")]) == 0
    assert (tmp_path / "tables").is_file()


def test_a_file_is_no_folder(tmp_path: Path, pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A name with a slash whose file exists is refused before the analysis."""
    (tmp_path / "tables").write_text("mine")
    assert main(["analyze", "--quiet", pair, "--csv", f"{tmp_path}/tables/"]) == 2
    assert "tables: it is a file" in capsys.readouterr().err
    assert (tmp_path / "tables").read_text() == "mine"


@pytest.fixture
def folder(tmp_path: Path, video_maker: VideoMaker, pair: str) -> Path:
    """A folder with two videos of the same name, one without a video stream, and one below an unreadable name."""
    source = tmp_path / "recordings"
    for name, content in {
        "a/talk.mp4": Path(pair).read_bytes(),
        "b/talk.mp4": video_maker.make(PAN).read_bytes(),
        "b/broken.mp4": b"\x00" * 1000,
    }.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    return source


@pytest.mark.parametrize("place", ["all.csv", "-"])
def test_one_table_for_a_folder(folder: Path, tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A shared CSV has one header and the rows of every video by name, and replaces an earlier file."""
    target = place if place == "-" else str(tmp_path / place)
    for _ in range(2):
        assert main(["analyze", "--quiet", str(folder), "--csv", target]) == 0
        printed = capsys.readouterr().out
    text = printed if place == "-" else Path(target).read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert {(row["video"], row["face_id"]) for row in rows} == {
        ("a/talk.mp4", "1"),
        ("a/talk.mp4", "2"),
        ("b/talk.mp4", "1"),
    }
    assert text.count("face_id") == 1


def test_lines_of_several_videos_share_a_file(folder: Path, tmp_path: Path) -> None:
    """A shared NDJSON has a line with the name of each video."""
    path = tmp_path / "all.ndjson"
    assert main(["analyze", "--quiet", str(folder), "--ndjson", str(path)]) == 0
    heads = [line for line in map(json.loads, path.read_text().splitlines()) if line["type"] == "video"]
    assert [head["video"]["name"] for head in heads] == ["a/talk.mp4", "b/talk.mp4"]


def test_a_full_disk_leaves_whole_results_in_a_shared_table(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk leaves the complete rows of the first video and no part of the second."""
    path = tmp_path / "all.csv"
    destination = Destination.parse(str(path))
    outputs = Outputs({ExportName.CSV: destination}, Settings())
    videos = [folder / "a" / "talk.mp4", folder / "b" / "talk.mp4"]
    outputs.prepare(videos)
    outputs.write(two_faces(), videos[0], lambda _: None)
    whole = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, hard))
    try:
        with pytest.raises(OSError, match=r"all\.csv"):
            outputs.write(two_faces(), videos[1], lambda _: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert path.read_bytes() == whole


def test_videos_of_one_name_are_called_by_their_paths(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Videos of the same name get their whole paths as names; others only the file name."""
    monkeypatch.chdir(folder)
    assert main(["analyze", "--quiet", "a/talk.mp4", "b/talk.mp4"]) == 0
    results = [Result.model_validate_json(line) for line in capsys.readouterr().out.splitlines()]
    assert [result.video.name for result in results] == ["a/talk.mp4", "b/talk.mp4"]
    assert main(["analyze", "--quiet", str(folder / "b" / "talk.mp4")]) == 0
    assert Result.model_validate_json(capsys.readouterr().out).video.name == "talk.mp4"


def test_a_name_that_is_no_text_is_analysed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes of a file's name that are not UTF-8 become replacement characters in results and on stderr."""
    video = folder / os.fsdecode(b"\xff.mp4")
    (folder / "b" / "talk.mp4").rename(video)
    assert main(["analyze", str(video), "--report", f"{tmp_path}/reports/", "--csv", "-"]) == 0
    output = capsys.readouterr()
    assert "\ufffd.mp4" in output.out
    assert "\ufffd.mp4: " in output.err


def test_a_result_records_its_origin(tmp_path: Path, pair: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result contains the program, its version, the time and the options."""
    monkeypatch.setenv("DUYGU_NEUTRAL", "off")
    monkeypatch.setenv("DUYGU_MIN_FACE", "0.1")
    path = tmp_path / "pair.json"
    assert main(["analyze", "--quiet", pair, "--faces", "1", "--every", "0.5", "--json", str(path)]) == 0
    result = read(path)
    assert result.program == ProgramInfo(name="duygu", version=VERSION)
    assert result.analysed_at
    assert abs((datetime.now(UTC) - result.analysed_at).total_seconds()) < 60
    assert result.options
    assert result.options.model_dump() == {
        "engine": "onnx",
        "start_s": None,
        "end_s": None,
        "labels": result.model.labels,
        "min_face": 0.1,
        "max_faces": 32,
        "measures": [],
        "baseline": None,
        "faces": 1,
        "every_s": 0.5,
    }


def test_a_recording_is_the_baseline_of_another_one(
    tmp_path: Path, video_maker: VideoMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--baseline FILE` takes a video or its result, with the same predictions, as Python does; a job is refused."""
    monkeypatch.delenv("DUYGU_MODEL")
    film = str(video_maker.make(STILL))
    rest, by_video, by_result = (tmp_path / f"{name}.json" for name in ("rest", "video", "result"))
    assert main(["analyze", "--quiet", film, "--json", str(rest)]) == 0
    assert main(["analyze", "--quiet", film, "--baseline", film, "--json", str(by_video)]) == 0
    assert main(["analyze", "--quiet", film, "--baseline", str(rest), "--json", str(by_result)]) == 0
    one, other = read(by_video), read(by_result)
    assert one.faces == other.faces
    (face,) = one.faces
    assert face.baseline is not None
    assert (face.baseline.source, face.baseline.spans) == ("recording", [])
    assert one.options is not None
    assert one.options.baseline == Path(film).name
    assert analyze(film, Settings(threads=1), baseline=Path(film)).result.faces == one.faces
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    (notes := tmp_path / "notes.txt").write_text("hello")
    (empty := tmp_path / "empty.json").write_text(one.model_copy(update={"faces": []}).model_dump_json())
    for value, words in {
        "0" * 32: "a job is a baseline of a service",
        str(tmp_path / "missing.mp4"): "or a recording is required; there is no such file",
        str(broken): f"the baseline {broken}: invalid_baseline: the file is not a result",
        str(notes): f"the baseline {notes}: not_a_video: ",
        str(empty): f"the baseline {empty}: baseline_no_face: ",
        "5-3": "each span ends after its start",
    }.items():
        assert main(["analyze", "--quiet", film, "--baseline", value]) == 2
        assert words in capsys.readouterr().err


def test_a_choice_of_labels_changes_no_probability(tmp_path: Path, pair: str) -> None:
    """Chosen labels keep their values, in JSON and as columns; the rest is `other`, as is any emotion not chosen."""
    everything, chosen, table = tmp_path / "all.json", tmp_path / "chosen.json", tmp_path / "chosen.csv"
    assert main(["analyze", "--quiet", pair, "--json", str(everything)]) == 0
    options = ["--labels", "sadness,anger", "--json", str(chosen), "--csv", str(table)]
    assert main(["analyze", "--quiet", pair, *options]) == 0
    result = read(chosen)
    assert result.options
    assert result.model.labels == result.options.labels == ["anger", "sadness", "other"]
    with table.open(newline="") as file:
        assert list(csv.DictReader(file).fieldnames or ())[-3:] == ["anger", "sadness", "other"]
    pairs = zip(read(everything).faces, result.faces, strict=True)
    for full, face in (
        (one, other) for whole, part in pairs for one, other in zip(whole.windows, part.windows, strict=True)
    ):
        assert {label: face.probabilities[label] for label in ("anger", "sadness")} == {
            label: full.probabilities[label] for label in ("anger", "sadness")
        }
        assert face.emotion == (full.emotion if full.emotion in ("anger", "sadness") else "other")
        assert face.uncertain == full.uncertain
    assert {face.emotion for face in result.faces} == {"other"}


@pytest.mark.parametrize("labels", ["joy", " ", "anger,,fear"])
def test_unknown_labels_are_wrong_usage(pair: str, labels: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown label is rejected with the known ones."""
    with pytest.raises(SystemExit) as ended:
        main(["analyze", pair, "--labels", labels])
    assert ended.value.code == 2
    assert "known: anger, disgust, fear" in capsys.readouterr().err


def test_neutral_cannot_be_chosen_where_it_is_off(
    pair: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A label that the settings remove is rejected, as on the live socket."""
    monkeypatch.setenv("DUYGU_NEUTRAL", "off")
    assert main(["analyze", "--quiet", pair, "--labels", "neutral"]) == 2
    assert "labels: unknown label neutral; known: anger," in capsys.readouterr().err


def test_at_most_so_many_faces_are_followed(tmp_path: Path, pair: str) -> None:
    """--max-faces limits the tracked faces, and a warning names the limit."""
    path = tmp_path / "pair.json"
    assert main(["analyze", "--quiet", pair, "--max-faces", "1", "--json", str(path)]) == 0
    result = read(path)
    assert result.options
    assert result.options.max_faces == len(result.faces) == 1
    assert [warning.code for warning in result.warnings] == ["too_many_faces"]
    assert "max_faces=1" in result.warnings[0].detail


def test_small_faces_are_omitted(tmp_path: Path, pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--min-face raises the size of the smallest detected face."""
    path = tmp_path / "pair.json"
    assert main(["analyze", "--quiet", pair, "--min-face", "0.9", "--json", str(path)]) == 0
    result = read(path)
    assert result.options
    assert (result.options.min_face, result.faces) == (0.9, [])
    assert main(["analyze", pair, "--min-face", "1.5"]) == 2
    assert "`min_face` 1.5: input should be less than or equal to 1" in capsys.readouterr().err


def test_a_part_is_analysed(tmp_path: Path, pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--start and --end select a part; times stay those of the video."""
    path = tmp_path / "pair.json"
    assert main(["analyze", "--quiet", pair, "--start", "0.5", "--end", "1.7", "--json", str(path)]) == 0
    result = read(path)
    assert result.options
    assert (result.options.start_s, result.options.end_s) == (0.5, 1.7)
    assert (result.video.duration_s, result.video.frames_analysed) == (2.0, 12)
    assert {(face.start_s, face.end_s) for face in result.faces} == {(0.5, 1.6)}
    assert main(["analyze", "--quiet", pair, "--start", "2", "--json", str(path)]) == 1
    assert "start_beyond_end: start_s 2 is beyond the last picture" in capsys.readouterr().err
    assert main(["analyze", pair, "--start", "2", "--end", "1"]) == 2
    assert "`end_s` 1.0: input should be greater than `start_s`, 2" in capsys.readouterr().err


def test_results_do_not_overwrite_each_other(
    tmp_path: Path, video_maker: VideoMaker, pair: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Conflicting or missing output locations are rejected before the analysis."""
    assert main(["analyze", pair, str(video_maker.make(PAN)), "--json", str(tmp_path / "both.json")]) == 2
    assert "cannot be written to the same file" in capsys.readouterr().err
    assert main(["analyze", pair, pair, "--csv", f"{tmp_path}/new/"]) == 2
    assert "cannot be written to the same file" in capsys.readouterr().err
    assert main(["analyze", pair, "--csv", "-", "--json", "-"]) == 2
    assert "only one format can be written to stdout" in capsys.readouterr().err
    same = ["--csv", str(tmp_path / "pair"), "--json", str(tmp_path / "." / "pair")]
    assert main(["analyze", pair, *same]) == 2
    assert "cannot both be written to" in capsys.readouterr().err
    assert main(["analyze", pair, "--csv", str(tmp_path / "nowhere" / "pair.csv")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_fewer_faces_and_fewer_windows(tmp_path: Path, pair: str) -> None:
    """--faces and --every select faces and windows."""
    path = tmp_path / "pair.json"
    assert main(["analyze", "--quiet", pair, "--faces", "1", "--every", "1", "--json", str(path)]) == 0
    (face,) = read(path).faces
    assert len(face.windows) == 2


def test_an_error_of_writing_names_the_file(
    tmp_path: Path,
    video_maker: VideoMaker,
    pair: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error of writing names the file, and the next video is analysed."""
    short, write = video_maker.make(PAN), Path.write_bytes

    def write_where_there_is_room(path: Path, content: bytes) -> int:
        if Path(pair).stem in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", write_where_there_is_room)
    assert main(["analyze", "--quiet", pair, str(short), "--csv", str(tmp_path)]) == 1
    full = tmp_path / f"{Path(pair).stem}.csv"
    assert capsys.readouterr().err == f"duygu: {pair}: {full}: {os.strerror(errno.ENOSPC)}\n"
    assert [path.name for path in tmp_path.iterdir()] == [f"{short.stem}.csv"]


@pytest.mark.parametrize(
    "error", [ValueError("not a power of two\nat all"), BrokenPipeError(errno.EPIPE, "pipe"), MemoryError()]
)
def test_an_unexpected_error_costs_one_video(
    error: Exception,
    tmp_path: Path,
    video_maker: VideoMaker,
    pair: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever its type: the other videos of the folder are analysed, and the exit status is 1.

    The line on stderr names the video and the reason; the traceback is in the debug log.
    """
    for name, source in (("a", pair), ("b", pair), ("c", str(video_maker.make(PAN)))):
        (tmp_path / f"{name}.mp4").write_bytes(Path(source).read_bytes())

    def analyze(path: Path, *arguments: Any, **options: Any) -> Result:
        if path.stem == "b":
            raise error
        return analyze_video(path, *arguments, **options)

    monkeypatch.setenv("DUYGU_LOG_LEVEL", "debug")
    monkeypatch.setattr("duygu.services.commands.analyze.analyze_video", analyze)
    (tables := tmp_path / "tables").mkdir()
    assert main(["analyze", "--quiet", str(tmp_path), "--csv", str(tables)]) == 1
    assert {path.name for path in tables.iterdir()} == {"a.csv", "c.csv"}
    output = capsys.readouterr().err
    (line,) = (line for line in output.splitlines() if line.startswith("duygu: "))
    assert str(tmp_path / "b.mp4") in line
    if isinstance(error, ValueError):
        assert line.endswith(": internal: ValueError: not a power of two")
        assert "Traceback" in output


def test_a_reader_may_close_the_pipe_early(pair: str) -> None:
    """The command ends silently when the reader closes the pipe, as with `| head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "duygu.services.cli", "analyze", "--quiet", pair, pair]
    ended = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")


def heed_interrupts() -> None:
    """Let a child be interrupted, as from a terminal, also where the tests themselves run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("option", ["--csv", "--video"])
def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, video_maker: VideoMaker, option: str) -> None:
    """Ctrl-C during analysis or writing gives exit status 130, no traceback and no file."""
    long = video_maker.make(Scene(duration_s=40.0 if option == "--csv" else 20.0, width=640, height=480))
    target = tmp_path / ("long.csv" if option == "--csv" else "long.mp4")
    process = subprocess.Popen(
        [sys.executable, "-m", "duygu.services.cli", "analyze", str(long), option, str(target)],
        cwd=ROOT,
        env={**os.environ, "TTY_COMPATIBLE": "1"},
        stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts,
    )
    assert process.stderr
    output = b""
    while (b"annotating" if option == "--video" else b"%") not in output:
        piece = os.read(process.stderr.fileno(), 4096)
        assert piece, output
        output += piece
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert b"interrupted" in rest
    assert b"Traceback" not in output + rest
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong", [["--faces", "0"], ["--max-faces", "0"], ["--every", "0"], ["--every", "nan"], ["--csv"], []]
)
def test_invalid_usage_has_its_own_exit_status(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Invalid usage gives exit status 2 and a message."""
    video = ["film.mp4"] if wrong else []
    with pytest.raises(SystemExit) as ended:
        main(["analyze", *video, *wrong])
    assert ended.value.code == 2
    assert "usage: duygu analyze" in capsys.readouterr().err


def test_a_missing_model_is_reported(
    pair: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that cannot be loaded gives exit status 2."""
    monkeypatch.setenv("DUYGU_MODEL", str(tmp_path))
    assert main(["analyze", "--quiet", pair]) == 2
    assert capsys.readouterr().err.startswith("duygu: ")


def test_an_analysis_leaves_no_other_files(pair: str, model_folder: Path, tmp_path: Path) -> None:
    """`duygu analyze` in an empty home writes its outputs and nothing else, such as telemetry of a library."""
    home, place, scratch = (tmp_path / name for name in ("home", "place", "scratch"))
    for folder in (home, place, scratch):
        folder.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(scratch), "DUYGU_THREADS": "1"}
    command = [sys.executable, "-m", "duygu", "analyze", pair, "--plot", "plot.png", "--csv", "table.csv"]
    subprocess.run(
        command, cwd=place, env={**environment, "DUYGU_MODEL": str(model_folder)}, check=True, capture_output=True
    )
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"place/plot.png", "place/table.csv"}
