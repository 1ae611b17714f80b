"""The examples of docs/python.md run."""

import re
import shutil
from pathlib import Path

import matplotlib as mpl
import pytest

from docs.generate import DOCS
from tests.support.media.videos import PAN, VideoMaker

BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_example_runs(
    tmp_path: Path, video_maker: VideoMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples run in order on a video with one smiling face."""
    mpl.use("Agg")
    monkeypatch.chdir(tmp_path)
    shutil.copy(video_maker.make(PAN), "holiday.mp4")
    Path("notes.txt").write_text("Tuesday\n" * 100, encoding="utf-8")
    blocks = BLOCK.findall((DOCS / "python.md").read_text(encoding="utf-8"))
    exec("\n".join(blocks), {})  # noqa: S102 - our own page
    output = capsys.readouterr().out
    assert output.startswith("face 1: happiness, ")
    assert output.endswith("not_a_video - The file is not a video\n")
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"holiday.mp4", "notes.txt", "timeline.pdf", "holiday.csv", "annotated.mp4"}
