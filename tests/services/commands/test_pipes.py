"""`duygu analyze` of what comes through a pipe, as shells make them."""

import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from duygu.services.cli import main
from duygu.shared.paths import ROOT
from duygu.shared.schemas.result import Result
from tests.support.media.videos import PAN, VideoMaker

COMMAND = [sys.executable, "-m", "duygu.services.cli", "analyze"]


@pytest.fixture(autouse=True)
def _tiny_model(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUYGU_MODEL", str(model_folder))
    monkeypatch.setenv("DUYGU_THREADS", "1")
    (tmp_path / "spool").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "spool"))
    monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.fixture
def video(video_maker: VideoMaker) -> Path:
    """One face; its index is at the end, so that it cannot be decoded without seeking."""
    return video_maker.make(PAN)


def analyze(*arguments: str, content: bytes) -> "subprocess.CompletedProcess[bytes]":
    """The command with this content on a pipe as its stdin."""
    return subprocess.run(
        [*COMMAND, "--quiet", *arguments], cwd=ROOT, input=content, capture_output=True, check=False, timeout=120
    )


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_stdin(name: str, video: Path, tmp_path: Path) -> None:
    """The result of a video through stdin is that of the file, and its copy is gone afterwards."""
    piped, read = (analyze(argument, content=video.read_bytes()) for argument in (name, str(video)))
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert Result.model_validate_json(piped.stdout).faces == Result.model_validate_json(read.stdout).faces != []
    assert list((tmp_path / "spool").glob("duygu-*")) == []


def test_every_form_of_stdin(video: Path, tmp_path: Path) -> None:
    """A folder gets files named after stdin, the annotated video, which reads twice, among them."""
    ended = analyze("-", "--csv", str(tmp_path), "--video", str(tmp_path), content=video.read_bytes())
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert sorted(path.name for path in tmp_path.glob("std*")) == ["stdin.annotated.mp4", "stdin.csv"]


def test_stdin_to_stdout(video: Path) -> None:
    """A dash on either side: as a filter between two pipes."""
    ended = analyze("-", "--csv", "-", content=video.read_bytes())
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.startswith(b"face_id,start_s")


def test_stdin_from_a_file(video: Path) -> None:
    """`duygu analyze - < film.mp4` reads the file where it is."""
    with video.open("rb") as file:
        ended = subprocess.run([*COMMAND, "-", "--quiet"], cwd=ROOT, stdin=file, capture_output=True, check=False)
    assert len(Result.model_validate_json(ended.stdout).faces) == 1


def test_fifo(video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A named pipe, as process substitution makes them, beside an ordinary file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(video.read_bytes(),))
    writer.start()
    assert main(["analyze", "--quiet", str(pipe), str(video)]) == 0
    writer.join()
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_upload_limit(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than an upload may have is refused, and nothing of it is left on the disk."""
    monkeypatch.setenv("DUYGU_MAX_UPLOAD_MB", "0.001")
    ended = analyze("-", content=video.read_bytes())
    assert ended.returncode == 1
    assert b"too_large: more than 0.001 MB came through the pipe" in ended.stderr
    assert list((tmp_path / "spool").glob("duygu-*")) == []


@pytest.mark.parametrize(("content", "code"), [(b"", b"empty_file"), (b"words " * 100, b"not_a_video")])
def test_no_video(content: bytes, code: bytes) -> None:
    """What comes through a pipe is judged like a file."""
    ended = analyze("-", content=content)
    assert ended.returncode == 1
    assert code in ended.stderr


def test_terminal(tmp_path: Path) -> None:
    """With a terminal as standard input the command fails at once instead of waiting for input."""
    ours, theirs = os.openpty()
    ended = subprocess.run(
        [*COMMAND, "-", "--quiet"], cwd=ROOT, stdin=theirs, capture_output=True, check=False, timeout=60
    )
    os.close(ours)
    os.close(theirs)
    assert ended.returncode == 1
    assert b"stdin is a terminal" in ended.stderr


def test_a_process_substitution_is_named_pipe(video: Path) -> None:
    """The number of a file descriptor, which the shell chose, does not become the name of a video."""
    line = f"{' '.join(COMMAND)} <(cat {video}) --csv - --quiet"
    ended = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True)
    heading, first = ended.stdout.splitlines()[:2]
    assert first.split(",")[heading.split(",").index("video")] == "pipe"


def test_a_process_substitution_takes_an_output(video: Path, tmp_path: Path) -> None:
    """`>(command)` receives the format, and no other file is left."""
    line = f"{' '.join(COMMAND)} {video} --quiet --json >(cat > {tmp_path}/out.json); wait $!"
    subprocess.run(["bash", "-c", line], cwd=ROOT, check=True, timeout=120)
    assert Result.model_validate_json((tmp_path / "out.json").read_bytes()).faces


def test_a_fifo_takes_the_rows_of_several_videos(video: Path, tmp_path: Path) -> None:
    """The reader of a FIFO sees its end after the last video."""
    fifo, found = tmp_path / "fifo", list[str]()
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: found.append(fifo.read_text()))
    reader.start()
    assert main(["analyze", "--quiet", str(video), str(video), "--csv", str(fifo)]) == 0
    reader.join(10)
    (rows,) = (text.splitlines() for text in found)
    assert rows[1:] == 2 * rows[1 : (len(rows) + 1) // 2]
    assert rows.count(rows[0]) == 1


def test_a_full_device_is_an_error(video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A device without room is named, as a full disk is."""
    full = tmp_path / "full"
    try:
        os.mknod(full, stat.S_IFCHR | 0o666, os.makedev(1, 7))  # not /dev/full, which a defect would replace
        os.close(os.open(full, os.O_WRONLY))
    except OSError:
        pytest.skip("devices can be made by root only, on a file system that permits them")
    assert main(["analyze", "--quiet", str(video), "--csv", str(full)]) == 1
    assert capsys.readouterr().err == f"duygu: {video}: {full}: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_stdout_is_reported_once_for_each_video(video: Path) -> None:
    """Every video whose result stdout does not take is an error, and the end of the command adds none."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, "--quiet", str(video), str(video)],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
    assert ended.stderr == 2 * f"duygu: {video}: stdout: No space left on device\n"
    assert ended.returncode == 1
