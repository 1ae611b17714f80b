"""Completion in a real bash, and in zsh where it is installed."""

import shutil
import subprocess

import pytest

from duygu.services.cli import main

REPLY = """
COMP_WORDS=({typed}); COMP_CWORD={last}
_shtab_duygu; printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize("arguments", [[], ["bash"]], ids=["any shell", "bash"])
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("duygu an", ["analyze"]),
        ("duygu analyze --c", ["--csv"]),
        ("duygu analyze film.mp4 --v", ["--vtt", "--video"]),
        ("duygu analyze --csv table", []),
        ("duygu analyze pyproj", ["pyproject.toml"]),
        ("duygu worker v", ["videos"]),
        ("duygu keys ad", ["add"]),
        ("duygu completion z", ["zsh"]),
    ],
)
def test_bash_completes(
    arguments: list[str], typed: str, offered: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands, options of the command that was typed, choices of an argument, and file names."""
    assert main(["completion", *arguments]) == 0
    script = capsys.readouterr().out + REPLY.format(typed=typed, last=len(typed.split()) - 1)
    completed = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True)
    assert sorted(completed.stdout.split()) == sorted(offered)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize("arguments", [[], ["zsh"]], ids=["any shell", "zsh"])
def test_zsh_accepts_the_script(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The script defines the completion of `duygu`."""
    assert main(["completion", *arguments]) == 0
    script = 'autoload -Uz compinit; compinit -u -D; eval "$1"; print ${_comps[duygu]}'
    command = ["zsh", "-f", "-c", script, "zsh", capsys.readouterr().out]
    completed = subprocess.run(command, check=True, capture_output=True, text=True)
    assert completed.stdout.split() == ["_shtab_duygu"]
