"""The wheel that is built from the repository, as somebody without a checkout uses it."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from duygu.shared.paths import ROOT
from duygu.shared.runtime.processes.children import stop
from duygu.shared.version import VERSION
from tests.services.conftest import wait_until
from tests.support.media.videos import PAN, VideoMaker

pytestmark = [pytest.mark.long, pytest.mark.wheel, pytest.mark.timeout(600)]

SOURCES = ("duygu", "models", "requirements", "services", "shared", "training")

FILES = ("LICENSE", "README.md", "pyproject.toml", "docs/reading-the-result.md")

INSIDE = (
    "duygu/models/emotion/manifest.json",
    "duygu/models/mtcnn/pnet.onnx",
    "duygu/py.typed",
    "duygu/services/api/reading-the-result.md",
    "duygu/services/api/static/index.html",
    "duygu/services/api/static/js/locales/tr.js",
    "duygu/shared/exports/font/glyphs.json",
    "duygu/training/recipes/e3d48.toml",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution of a copy of the repository."""
    copy, dist = tmp_path_factory.mktemp("repository"), tmp_path_factory.mktemp("dist")
    for folder in SOURCES:
        shutil.copytree(ROOT / folder, copy / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "docs").mkdir()
    for file in FILES:
        shutil.copy(ROOT / file, copy / file)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, copy])
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin` of an environment that has the wheel, what it needs at pinned versions, and nothing else."""
    return install(wheel, Path(sys.executable), tmp_path_factory.mktemp("environment"))


def install(package: Path, python: Path, folder: Path) -> Path:
    """`bin` of a new environment of an interpreter with a package and what it needs at pinned versions."""
    run([python, "-m", "venv", "--without-pip", folder])
    pins = folder / "constraints.txt"
    lines = (ROOT / "requirements" / "serve.txt").read_text(encoding="utf-8").splitlines()
    pins.write_text(
        "\n".join(line.rstrip(" \\") for line in lines if re.match(r"[a-z0-9-]+==", line)), encoding="utf-8"
    )
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        folder / "bin" / "python",
        "--disable-pip-version-check",
    ]
    run([*pip, "install", "--quiet", "--constraint", pins, package])
    return folder / "bin"


def interpreter(version: str) -> Path | None:
    """A Python of this version on PATH or of pyenv; None if there is none."""
    installed = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for candidate in (*installed, shutil.which(f"python{version}")):
        if (
            candidate
            and subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False).returncode == 0
        ):
            return Path(candidate)
    return None


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables with an empty home folder and no settings."""
    (tmp_path / "home").mkdir()
    return {"PATH": os.defpath, "HOME": str(tmp_path / "home"), "DUYGU_PORT": "0", "DUYGU_MIN_FREE_MB": "0"}


def run(command: list[str | Path], **options: object) -> str:
    """Standard output of a command; a failure shows all of its output."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_a_wheel_holds_one_package_with_its_data(wheel: Path) -> None:
    """Everything lies under `duygu`: the modules, models, pages, recipes, the font, and the mark of typed packages."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"duygu", f"duygu-{VERSION}.dist-info"}
    assert set(INSIDE) <= set(names)
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "shared").rglob("*.py")}
    assert {f"duygu/{module}" for module in modules} <= set(names)


def test_an_installed_package_analyses_a_video(
    installed: Path, environment: dict[str, str], video_maker: VideoMaker, tmp_path: Path
) -> None:
    """`duygu analyze` needs nothing beside the wheel: it finds the models in the package."""
    assert run([installed / "duygu", "--version"], env=environment, cwd=tmp_path).split() == ["duygu", VERSION]
    result = json.loads(run([installed / "duygu", "analyze", video_maker.make(PAN)], env=environment, cwd=tmp_path))
    assert result["program"]["version"] == VERSION
    assert len(result["faces"]) == 1


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_two_commands_from_nothing_to_a_result(
    wheel: Path, environment: dict[str, str], video_maker: VideoMaker, tmp_path: Path, version: str
) -> None:
    """On every later Python that is here, `pip install` and `duygu analyze` give a result in an empty environment."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version}")
    programs = install(wheel, python, tmp_path / "environment")
    result = json.loads(run([programs / "duygu", "analyze", video_maker.make(PAN)], env=environment, cwd=tmp_path))
    assert len(result["faces"]) == 1


def test_the_source_distribution_installs(wheel: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """pip builds the source distribution by itself, in an environment of its own, and the command works."""
    (sdist,) = wheel.parent.glob("*.tar.gz")
    programs = install(sdist, Path(sys.executable), tmp_path / "environment")
    assert run([programs / "duygu", "--version"], env=environment, cwd=tmp_path).split() == ["duygu", VERSION]


@pytest.fixture
def served(installed: Path, environment: dict[str, str], tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a running `duygu serve`."""
    process = subprocess.Popen([installed / "duygu", "serve"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        address = re.search(rb"http://\S+", process.stdout.readline())
        assert address
        with httpx.Client(base_url=address[0].decode()) as client:
            yield client
    finally:
        stop(process, 60)
        process.communicate()


def test_an_installed_package_serves(served: httpx.Client, tmp_path: Path) -> None:
    """`duygu serve` serves its pages and its version, and keeps its data in the user's data folder."""
    wait_until(lambda: served.get("/readyz").status_code == 200)
    assert served.get("/healthz").status_code == 200
    assert served.get("/openapi.json").json()["info"]["version"] == VERSION
    assert "<html" in served.get("/").text
    assert "<h1" in served.get("/docs/reading-the-result").text
    name = "Library/Application Support/duygu" if sys.platform == "darwin" else ".local/share/duygu"
    assert (tmp_path / "home" / name / "valkey").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
