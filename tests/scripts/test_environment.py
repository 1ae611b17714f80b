"""scripts/environment.sh installs when something has changed, and only then."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from duygu.shared.paths import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of nothing but the script and an empty set of requirements."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "environment.sh", tmp_path / "scripts")
    (tmp_path / "pins.txt").touch()
    return tmp_path


def install(project: Path, text: str) -> None:
    """What `environment` does for a set whose pins read `text`."""
    script = 'source scripts/environment.sh; install set "$1" --requirement pins.txt'
    subprocess.run(
        ["bash", "-c", script, "-", text], cwd=project, check=True, env={**os.environ, "PYTHON": sys.executable}
    )


def test_pins_are_installed_once(project: Path) -> None:
    """Unchanged pins cost nothing; changed ones are installed into the environment that is there."""
    install(project, "a==1")
    stamp = project / ".venv" / "installed-set"
    made = (project / ".venv" / "pyvenv.cfg").stat().st_mtime_ns
    first = stamp.stat().st_mtime_ns
    install(project, "a==1")
    assert stamp.stat().st_mtime_ns == first
    install(project, "a==2")
    assert stamp.read_text() == "a==2"
    assert (project / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == made


def test_an_interrupted_installation_is_made_anew(project: Path) -> None:
    """What an installation that did not end left behind is thrown away."""
    (project / ".venv").mkdir()
    half = project / ".venv" / "half-a-package"
    half.touch()
    (project / ".venv" / "unfinished").touch()
    install(project, "a==2")
    assert not half.exists()
    assert not (project / ".venv" / "unfinished").exists()


@pytest.mark.parametrize("argument", ["-h", "--help"])
@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "scripts").iterdir() if not path.suffix))
def test_help_is_printed_at_once(name: str, argument: str, tmp_path: Path) -> None:
    """Every script prints the comment at its beginning, from any folder, and makes no environment for it."""
    environment = {**os.environ, "DUYGU_VENV": str(tmp_path / "venv")}
    script = ROOT / "scripts" / name
    ended = subprocess.run(
        [script, argument], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    comment = script.read_text(encoding="utf-8").splitlines()[1].removeprefix("# ")
    assert ended.stdout.startswith(comment)
    assert "environment.sh" not in ended.stdout
    assert list(tmp_path.iterdir()) == []


def test_help_of_a_release_has_every_option() -> None:
    """The comment of `scripts/release` names what its parser accepts."""
    comment = (ROOT / "scripts" / "release").read_text(encoding="utf-8")
    options = re.findall(r'add_argument\("(--[a-z-]+)"', (ROOT / "release" / "__main__.py").read_text(encoding="utf-8"))
    assert options
    assert [option for option in options if f"# {option}" not in comment] == []


@pytest.mark.skipif(shutil.which("flock") is None, reason="there is no flock")
def test_scripts_that_start_together_install_one_after_the_other(project: Path) -> None:
    """The second of two scripts finds the environment complete, and does not take it for an interrupted one."""
    script = """source scripts/environment.sh
    check_links() { :; }
    install_sets() { echo begins >>log; sleep 0.3; echo ends >>log; }
    environment set"""
    started = [subprocess.Popen(["bash", "-c", script], cwd=project) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert (project / "log").read_text().split() == ["begins", "ends"] * 3


def test_a_python_that_is_too_old_is_named(project: Path) -> None:
    """Without a supported Python the script states the required version and creates nothing."""
    script = "source scripts/environment.sh; PYTHON=/bin/false install set x --requirement pins.txt"
    done = subprocess.run(["bash", "-c", script], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Python 3.11 or newer with venv is needed" in done.stderr
    assert not (project / ".venv").exists()


def install_typescript(project: Path, npm: str) -> subprocess.CompletedProcess[str]:
    """What `typescript` does where npm is this shell function."""
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (project / "clients" / "typescript").mkdir(parents=True)
    shutil.copy(ROOT / "clients" / "typescript" / "package.json", project / "clients" / "typescript")
    script = f"source scripts/environment.sh; npm() {{ {npm}; }}; typescript"
    return subprocess.run(["bash", "-c", script], cwd=project, capture_output=True, text=True, check=True)


def test_another_archive_of_typescript_is_not_installed(project: Path) -> None:
    """An archive with another hash than the pinned one is left out, with the reason; the other tests can run."""
    done = install_typescript(project, 'tar -czf "$4/typescript-5.9.3.tgz" scripts')
    assert "the archive of TypeScript has the SHA-512" in done.stderr
    assert "tests of clients/typescript are skipped" in done.stderr
    assert [path.name for path in (project / ".venv").iterdir()] == ["bin"]


def test_typescript_is_optional(project: Path) -> None:
    """Without npm the tests of the TypeScript client are skipped."""
    done = install_typescript(project, "return 127")
    assert "tests of clients/typescript are skipped" in done.stderr
    assert [path.name for path in (project / ".venv").iterdir()] == ["bin"]


LINKS = ("models", "services", "shared", "training")


def make_environment(project: Path) -> "subprocess.CompletedProcess[str]":
    """What `environment` does for no set of requirements, without an installation of the project."""
    script = "source scripts/environment.sh; install() { echo installed; }; environment"
    return subprocess.run(["bash", "-c", script], cwd=project, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("symlinks", [True, False])
def test_a_clone_without_links_is_named(project: Path, tmp_path: Path, symlinks: bool) -> None:
    """Where Git writes files in place of the links of the package, as on Windows, the script says what to do."""
    (project / "duygu").mkdir()
    for folder in LINKS:
        (project / folder).mkdir()
        (project / folder / "file").touch()
        (project / "duygu" / folder).symlink_to(f"../{folder}")
    (project / "pyproject.toml").touch()
    (project / "requirements").mkdir()
    (project / "requirements" / "x.in").touch()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", f"core.symlinks={str(symlinks).lower()}"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "All"], ["clone", "-q", ".", "clone"]):
        subprocess.run([*git, *command], cwd=project, check=True)
    done = make_environment(tmp_path / "clone")
    if symlinks:
        assert (done.returncode, done.stdout) == (0, "installed\n")
    else:
        assert done.returncode == 1
        assert "duygu/models is no link to a folder" in done.stderr
        assert "core.symlinks true" in done.stderr
