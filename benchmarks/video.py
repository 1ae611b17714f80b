"""Speed and memory of the engine compared with decoding alone and with the plain pipeline."""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import measured
from benchmarks.files import profile
from benchmarks.files.footage import CASES, CROWDS, SMALL, WALLS, Footage
from benchmarks.files.timing import measure
from duygu.shared.config.settings import Settings
from duygu.shared.model.folder import H5

LENGTHS_MIN = (1, 2, 5, 10)

TABLE_COLUMNS = 120
"""Width of the profile in characters, also in a log."""


def case(footage: Footage, folder: Path, rounds: int, *, with_plain: bool) -> dict[str, Any]:
    """Measure one row of the table. Decoder and engine alternate, so that other load affects both."""
    model = Settings().model
    video = footage.make(folder)
    runs = [(measure("decode", video, model), measure("engine", video, model)) for _ in range(rounds)]
    decode_s = statistics.median(decode["wall_s"] for decode, _ in runs)
    engine = sorted((engine for _, engine in runs), key=lambda run: float(run["wall_s"]))[len(runs) // 2]
    frames = runs[0][0]["frames"]
    plain_s = measure("plain", video, model / H5)["frame_s"] * frames if with_plain else None
    return {
        "case": footage.name,
        "video_s": frames / footage.fps,
        "decode_s": round(decode_s, 3),
        "engine_s": round(engine["wall_s"], 3),
        "plain_s": plain_s and round(plain_s, 1),
        "engine_over_decode": round(statistics.median(e["wall_s"] / d["wall_s"] for d, e in runs), 2),
        "plain_over_engine": plain_s and round(plain_s / engine["wall_s"], 1),
        "peak_rss_mb": round(engine["peak_rss_mb"]),
        "decoder_rss_mb": round(engine["decoder_rss_mb"]),
        "faces": engine["faces"],
        "stages": {stage: round(share, 3) for stage, share in engine["stages"].items()},
        "worker_cpu_s": round(engine["worker_cpu_s"], 2),
        "decoder_cpu_s": round(engine["decoder_cpu_s"], 2),
    }


def growth(folder: Path) -> list[dict[str, Any]]:
    """Cost by length of the video and by number of faces."""
    model = Settings().model
    longer = [(CASES[0], minutes) for minutes in LENGTHS_MIN]
    rows = []
    for footage, minutes in [*longer, *((crowd, 1) for crowd in (*CROWDS, SMALL, *WALLS))]:
        run = measure("engine", footage.make(folder, minutes), model)
        numbers = {"case": footage.name, "minutes": minutes, "faces": footage.faces}
        numbers |= {"engine_s": round(run["wall_s"], 2), "cpu_s": round(run["worker_cpu_s"] + run["decoder_cpu_s"], 2)}
        rows.append(numbers | {"peak_rss_mb": round(run["peak_rss_mb"]), "rss_mb": run["rss_mb"]})
    return rows


def machine() -> str:
    """Description of the machine."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    name = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {name}, load {os.getloadavg()[0]:.1f} before, Python {platform.python_version()}"


def show(report: dict[str, Any]) -> None:
    """Print tables."""
    console = Console(stderr=True)
    console.print(report["machine"])
    for name in ("cases", "growth"):
        if rows := report.get(name):
            table = Table("", *("" for _ in rows), show_header=False)
            for measure_name in rows[0]:
                table.add_row(measure_name, *(_formatted(row[measure_name]) for row in rows))
            console.print(table)


def show_profile(rows: list[dict[str, Any]]) -> None:
    """Print a table with a row for each stage, by decreasing mean."""
    table = Table("CPU ms per second of video", *(row["case"] for row in rows))
    stages = {stage for row in rows for stage in row["stages"]}
    for stage in sorted(stages, key=lambda stage: -sum(row["stages"].get(stage, 0.0) for row in rows)):
        table.add_row(stage, *(f"{row['stages'].get(stage, 0.0):.1f}" for row in rows))
    table.add_row("total", *(f"{row['total']:.1f}" for row in rows))
    table.add_row("decoding alone, every frame", *(f"{row['decode_alone']:.1f}" for row in rows))
    Console(stderr=True, width=TABLE_COLUMNS).print(table)


def _formatted(value: Any) -> str:
    """Format a number, or shares of time on separate lines."""
    if isinstance(value, dict):
        return "\n".join(f"{name} {share:.0%}" for name, share in value.items())
    return "–" if value is None else str(value)


def main() -> None:
    """Run the selected measurements."""
    parser = argparse.ArgumentParser(prog="scripts/bench video", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--write", action="store_true", help="record the result in docs/measured.md")
    parser.add_argument("--rounds", type=int, default=3, help="number of measurements of each case")
    parser.add_argument("--only", help="name of a single case to measure")
    parser.add_argument("--profile", action="store_true", help="measure the CPU time of each stage instead")
    parser.add_argument("--no-growth", action="store_true", help="skip the measurements by length and number of faces")
    parser.add_argument("--folder", type=Path, help="folder that keeps the generated videos")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if options.profile:
            rows = profile.report(folder, options.only)
            show_profile(rows)
            sys.stdout.write(json.dumps({"machine": machine(), "profile": rows}) + "\n")
            return
        with_plain = find_spec("facenet_pytorch") is not None and (Settings().model / H5).exists()
        chosen = [footage for footage in CASES if options.only in (None, footage.name)]
        report = {
            "machine": machine(),
            "cases": [case(footage, folder, options.rounds, with_plain=with_plain) for footage in chosen],
            "growth": [] if options.no_growth else growth(folder),
        }
    if options.write:
        measured.save("video", report)
    if not options.json:
        show(report)
    sys.stdout.write(json.dumps(report, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
