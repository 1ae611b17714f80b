"""Checks of a release before anybody publishes it."""

import json
import os
import re
import tarfile
import tempfile
import time
import urllib.request
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

from duygu.client import Service, analyze
from duygu.shared.paths import ROOT
from duygu.shared.version import VERSION
from release.artifacts import run
from tests.support.media.videos import PAN, VideoMaker

READY_S = 120.0

UNWANTED = re.compile(r"(^|/)(__pycache__|\.git|\.venv|node_modules|\.env)(/|$)|\.pyc$")


def check_wheel(wheel: Path) -> None:
    """The wheel has the models and pages, nothing unwanted, and analyses a video in an empty environment.

    Raises RuntimeError.
    """
    names = zipfile.ZipFile(wheel).namelist()
    _check_names(wheel, names)
    needed = {"duygu/models/emotion/manifest.json", "duygu/services/api/static/index.html"}
    if missing := needed - set(names):
        raise RuntimeError(f"{wheel.name} lacks {', '.join(sorted(missing))}")
    with tempfile.TemporaryDirectory() as folder:
        _check_installed(wheel, Path(folder))


def check_sdist(sdist: Path) -> None:
    """The source distribution has what builds the wheel, and nothing unwanted. Raises RuntimeError."""
    with tarfile.open(sdist) as files:
        names = files.getnames()
    _check_names(sdist, names)
    needed = {f"duygu-{VERSION}/{name}" for name in ("pyproject.toml", "LICENSE", "README.md", "requirements/api.in")}
    if missing := needed - set(names):
        raise RuntimeError(f"{sdist.name} lacks {', '.join(sorted(missing))}")


def check_changelog(text: str) -> None:
    """The version has a section with a date. Raises RuntimeError."""
    if not re.search(rf"^## \[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d$", text, re.MULTILINE):
        raise RuntimeError(f"CHANGELOG.md has no dated section for {VERSION}")


def has_unreleased(text: str) -> bool:
    """Whether the changelog has changes under Unreleased."""
    unreleased = text.partition("\n## [Unreleased]")[2].partition("\n## ")[0]
    return re.search(r"^- ", unreleased, re.MULTILINE) is not None


def check_clean() -> None:
    """Nothing is uncommitted: the release is that of a commit. Raises RuntimeError."""
    if changed := run(["git", "status", "--porcelain"]):
        raise RuntimeError(f"uncommitted changes:\n{changed}")


def check_image(tag: str) -> None:
    """The image with both halves becomes ready and analyses an uploaded video. Raises RuntimeError."""
    container = run(["docker", "run", "--detach", "--rm", "--publish", "127.0.0.1::8000", tag]).strip()
    try:
        address = run(["docker", "port", container, "8000"]).split()[0]
        _wait(lambda: _is_ready(f"http://{address}/readyz"), f"{tag} is not ready after {READY_S:g} s")
        with tempfile.TemporaryDirectory() as folder:
            _check_faces(tag, len(analyze(_video(folder), Service(f"http://{address}")).faces))
    finally:
        run(["docker", "stop", container])


def _check_names(file: Path, names: list[str]) -> None:
    if unwanted := [name for name in names if UNWANTED.search(name)]:
        raise RuntimeError(f"{file.name} contains {unwanted[0]}")


def _check_installed(wheel: Path, folder: Path) -> None:
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    pins = folder / "pins.txt"
    lines = (ROOT / "requirements" / "serve.txt").read_text(encoding="utf-8").splitlines()
    pins.write_text("\n".join(line.split(" ")[0] for line in lines if re.match(r"[a-z0-9-]+==", line)))
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", pins, wheel])
    found = run([environment / "bin" / "duygu", "--version"], cwd=folder).split()
    if found != ["duygu", VERSION]:
        raise RuntimeError(f"{wheel.name} reports {' '.join(found)}")

    result = json.loads(run([environment / "bin" / "duygu", "analyze", _video(folder), "--quiet"], cwd=folder))
    _check_faces(wheel.name, len(result["faces"]))


def _video(folder: str | Path) -> Path:
    """A synthetic video of one face."""
    return VideoMaker(Path(folder)).make(PAN)


def _check_faces(subject: str, found: int) -> None:
    if found != 1:
        raise RuntimeError(f"{subject} finds {found} faces in a video of one")


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - of our own container
            return isinstance(json.load(response), dict)
    except OSError:
        return False


def _wait(reached: Callable[[], bool], problem: str) -> None:
    deadline = time.monotonic() + READY_S * (3 if os.environ.get("CI") else 1)
    while not reached():
        if time.monotonic() > deadline:
            raise RuntimeError(problem)
        time.sleep(1)
