"""The files of a release: wheel, source distribution, chart and images."""

import re
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


OURS = re.compile(r"duygu-.*\.(whl|tar\.gz|tgz)|sbom-.*\.cdx\.json|provenance\..*\.json|SHA256SUMS|source|source\.tar")
"""Names of what a release, also one that was interrupted, leaves in its folder."""


def empty(folder: Path) -> None:
    """Create the folder, or erase the earlier release in it. Raises RuntimeError if it contains anything else."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = sorted(folder.iterdir())
    if others := [path.name for path in entries if not OURS.fullmatch(path.name)]:
        raise RuntimeError(f"{folder} contains {others[0]}, which is not part of a release: choose another --output")
    for path in entries:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


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
    """Whether a Docker engine responds."""
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0  # noqa: S607


def build_image(name: str, arguments: Sequence[str] = ()) -> tuple[str, str, int]:
    """Name with tag, id and bytes of the image. `arguments` go to `docker build`."""
    tag = f"{name}:{VERSION}"
    run(["docker", "build", "--file", IMAGES[name], "--tag", tag, *arguments, "."])
    identity, size = run(["docker", "image", "inspect", "--format", "{{.Id}} {{.Size}}", tag]).split()
    return tag, identity, int(size)
