"""Completion in a real bash."""

import subprocess

import pytest

from duygu.services.cli import main


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("duygu an", ["analyze"]),
        ("duygu analyze --c", ["--csv"]),
        ("duygu analyze film.mp4 --v", ["--vtt", "--video"]),
        ("duygu worker v", ["videos"]),
        ("duygu analyze fi", []),
    ],
)
def test_bash_completes(typed: str, offered: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Commands, options of the command that was typed, queues; where a file is meant, nothing."""
    assert main(["completion"]) == 0
    words = typed.split()
    script = (
        f"{capsys.readouterr().out}\nCOMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _duygu; echo ${{COMPREPLY[@]}}"
    )
    told = subprocess.run(["bash", "-euc", f"ZSH_VERSION=; {script}"], check=True, capture_output=True, text=True)
    assert sorted(told.stdout.split()) == sorted(offered)
