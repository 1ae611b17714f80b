"""`duygu label`."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from duygu.services.cli import main
from duygu.shared.config.settings import Settings
from tests.support.media.videos import PAIR, VideoMaker

PATIENCE_S = 120


def start(*arguments: str, data_dir: Path, model: Path) -> "subprocess.Popen[str]":
    """Start the command with a data folder of its own."""
    settings = Settings(data_dir=data_dir, model=model, threads=1)
    return subprocess.Popen(
        [sys.executable, "-m", "duygu", "label", "--no-browser", *arguments],
        env=settings.environment() | {"PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_video_is_analysed_and_its_page_is_served(
    video_maker: VideoMaker, tmp_path: Path, model_folder: Path
) -> None:
    """The command prints the address of the page; the service behind it has the task and the video until Ctrl-C."""
    video = video_maker.make(PAIR)
    for _ in range(2):  # the second start finds the result of the first
        process = start(str(video), data_dir=tmp_path / "data", model=model_folder)
        try:
            assert process.stdout
            address = process.stdout.readline().strip()
            base, _, job_id = address.partition("/label#job/")
            assert httpx.get(f"{base}/label").status_code == 200
            task = httpx.get(f"{base}/v1/jobs/{job_id}/labels/ann/task", timeout=PATIENCE_S).json()
            assert len(task["faces"]) == 2
            assert httpx.get(f"{base}/v1/jobs/{job_id}/video").content == video.read_bytes()
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
        assert "Traceback" not in errors


def test_a_file_that_is_no_video_ends_the_command(tmp_path: Path, model_folder: Path) -> None:
    """The error has its code, the exit status is 1, and no process remains."""
    text = tmp_path / "notes.txt"
    text.write_text("no video")
    process = start(str(text), data_dir=tmp_path / "data", model=model_folder)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "not_a_video" in errors


def test_missing_files_and_services_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file and an address without a service give a message without a traceback."""
    assert main(["label", str(tmp_path / "none.mp4"), "--no-browser"]) == 2
    assert "does not exist" in capsys.readouterr().err
    video = tmp_path / "a.mp4"
    video.write_bytes(b"\0")
    assert main(["label", str(video), "--no-browser", "--service", "http://127.0.0.1:9"]) == 1
    assert "does not respond" in capsys.readouterr().err
