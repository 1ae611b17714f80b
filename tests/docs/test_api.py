"""The Python examples of docs/api.md run."""

import shutil
from pathlib import Path

import pytest

from docs.generate import DOCS
from tests.docs.test_python import BLOCK
from tests.support.browser import served
from tests.support.media.videos import STILL, VideoMaker

ADDRESS = "http://127.0.0.1:8000"


def test_the_python_runs(
    tmp_path: Path, video_maker: VideoMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both examples print the smiling face of a video, against a running service."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(video_maker.make(STILL), "clip.mp4")
    blocks = "\n".join(BLOCK.findall((DOCS / "api.md").read_text(encoding="utf-8")))
    with served(tmp_path / "data") as url:
        exec(blocks.replace(ADDRESS, url), {})  # noqa: S102 - our own page
    output = capsys.readouterr().out.splitlines()
    assert output[0].startswith("1 happiness ")
    assert "happiness" in output[1]
