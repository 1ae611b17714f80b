"""Open-source packages on the same minute of video: CPU time, memory, size of the installation, faces found.

Each package is installed into an environment of its own, outside the repository. Packages whose networks are not part
of their distribution are listed with the reason, and not measured.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import measured
from benchmarks.files.footage import CASES, Footage
from benchmarks.files.timing import measure
from benchmarks.video import machine
from duygu.shared.config.settings import Settings
from duygu.shared.paths import ROOT

SCRIPT = Path(__file__).parent / "files" / "peer_pipelines.py"

FRAMES = 40
"""Frames that are measured. The time of a minute is extrapolated, since some packages need many minutes for it."""

DECODER = "av"
"""Package that decodes the video for each pipeline."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A pipeline of another package."""

    name: str  # of benchmarks/files/peer_pipelines.py
    packages: tuple[str, ...]
    does: str


DUYGU = Peer(
    "Duygu", (str(ROOT),), "MTCNN where a face may have moved or appeared, tracks, a 3D CNN on windows of ten pictures"
)

PEERS = (
    Peer("fer", ("fer",), "Haar cascade and a network for emotions on every frame; no tracks"),
    Peer("fer-mtcnn", ("fer",), "MTCNN and the same network on every frame; no tracks"),
    Peer("facenet-pytorch", ("facenet-pytorch",), "MTCNN on every frame; no emotions, no tracks"),
)

NOT_MEASURED = {
    "DeepFace": "downloads its networks from GitHub when it is first used",
    "EmotiEffLib": "downloads its networks from GitHub when it is first used",
    "py-feat": "downloads its networks from Hugging Face when it is first used",
}
"""Reason by package, from the contents of their distributions of 2026-11."""


def environment(peer: Peer, folder: Path) -> Path:
    """Python of the peer's environment, which is created on first use."""
    place = folder / Path(peer.packages[0]).name
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        venv.create(place, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *peer.packages, DECODER]
        subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603 - names above
        (place / "complete").touch()
    return python


def size_mb(python: Path) -> float:
    """Size of the packages of an environment."""
    files = (path for path in python.parent.parent.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def run(peer: Peer, footage: Footage, video: Path, folder: Path, frames: int) -> dict[str, Any]:
    """Measure one peer. `error` is the last line of a pipeline that failed."""
    python = environment(peer, folder)
    # Isolated: modules beside the script would hide those of the standard library.
    command = [str(python), "-I", str(SCRIPT), peer.name, str(video), str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    row: dict[str, Any] = {"name": peer.name, "does": peer.does, "size_mb": round(size_mb(python))}
    if done.returncode:
        return row | {"error": done.stderr.strip().splitlines()[-1]}
    result = json.loads(done.stdout.splitlines()[-1])
    minute = footage.fps * 60
    return row | {
        "minute_s": round(result["frame_s"] * minute, 1),
        "minute_cpu_s": round(result["frame_cpu_s"] * minute, 1),
        "peak_rss_mb": round(result["peak_rss_mb"]),
        "faces_per_frame": round(result["faces"] / result["frames"], 2),
    }


def duygu(video: Path, folder: Path) -> dict[str, Any]:
    """The same for Duygu, with the whole minute. The installation is that of the package, without optional parts."""
    result = measure("engine", video, Settings().model)
    return {
        "name": DUYGU.name,
        "does": DUYGU.does,
        "size_mb": round(size_mb(environment(DUYGU, folder))),
        "minute_s": round(result["wall_s"], 1),
        "minute_cpu_s": round(result["worker_cpu_s"] + result["decoder_cpu_s"], 1),
        "peak_rss_mb": round(result["peak_rss_mb"] + result["decoder_rss_mb"]),
        "faces_per_frame": float(result["faces"]),
    }


def show(report: dict[str, Any]) -> None:
    """Print the table."""
    columns = ("minute_s", "minute_cpu_s", "peak_rss_mb", "size_mb", "faces_per_frame", "error")
    table = Table("", *columns)
    for row in report["peers"]:
        table.add_row(row["name"], *("–" if row.get(name) is None else str(row[name]) for name in columns))
    console = Console(stderr=True, width=120)
    console.print(table)
    for name, reason in report["not_measured"].items():
        console.print(f"{name}: {reason}")


def main() -> None:
    """Run every peer and Duygu on one video."""
    parser = argparse.ArgumentParser(prog="scripts/bench peers", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--write", action="store_true", help="record the result in docs/measured.md")
    parser.add_argument("--only", choices=[peer.name for peer in PEERS], help="a single peer")
    parser.add_argument("--frames", type=int, default=FRAMES, help="frames to measure for each peer")
    parser.add_argument("--folder", type=Path, help="folder that keeps the environments and the video")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        footage = CASES[0]
        video = footage.make(folder)
        chosen = [peer for peer in PEERS if options.only in (None, peer.name)]
        pairs = [(duygu(video, folder), run(peer, footage, video, folder, options.frames)) for peer in chosen]
        own, others = zip(*pairs, strict=True)
        rows = [sorted(own, key=itemgetter("minute_s"))[len(own) // 2], *others]
    report = {
        "machine": machine(),
        "video": footage.name,
        "frames": options.frames,
        "peers": rows,
        "not_measured": NOT_MEASURED,
    }
    if options.write:
        measured.save("peers", report)
    if not options.json:
        show(report)
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
