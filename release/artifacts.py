"""The files of a release: wheel, source distribution, chart and images."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from duygu.shared.paths import ROOT
from duygu.shared.version import VERSION

CHART = ROOT / "deploy" / "helm" / "duygu"

IMAGES = {"duygu-api": "Dockerfile.api", "duygu-worker": "Dockerfile.worker", "duygu-all": "Dockerfile.all"}
"""Dockerfile by name of the image."""


def run(command: Sequence[str | Path], cwd: Path = ROOT) -> str:
    """Standard output of a command. Raises RuntimeError with the end of its output where it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def build_packages(folder: Path) -> list[Path]:
    """The source distribution of this commit, and the wheel built from it."""
    clean = folder / "source"
    clean.mkdir()
    archive = folder / "source.tar"
    run(["git", "archive", "--output", archive, "HEAD"])
    shutil.unpack_archive(archive, clean, "tar", filter="data")
    archive.unlink()
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, clean])
    shutil.rmtree(clean)
    return [folder / f"duygu-{VERSION}.tar.gz", folder / f"duygu-{VERSION}-py3-none-any.whl"]


def build_chart(folder: Path) -> Path:
    """The package of the Helm chart, by Helm's own library."""
    import helm_python

    helm_python.package(str(CHART), destination=str(folder))
    return folder / f"duygu-{VERSION}.tgz"


def has_docker() -> bool:
    """Whether a Docker engine answers."""
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0  # noqa: S607


def build_images(arguments: Sequence[str] = ()) -> dict[str, str]:
    """Id of each image by its name and tag. `arguments` go to `docker build`."""
    found = {}
    for name, file in IMAGES.items():
        tag = f"{name}:{VERSION}"
        run(["docker", "build", "--file", file, "--tag", tag, *arguments, "."])
        found[tag] = run(["docker", "image", "inspect", "--format", "{{.Id}}", tag]).strip()
    return found
