"""Results of the benchmarks and the page that shows them: `scripts/bench --write` renders docs/measured.md.

Each benchmark keeps its newest report in `benchmarks/results/NAME.json`, with the date, the command and the machine.
"""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from duygu.shared.paths import ROOT

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "measured.md"

Report = dict[str, Any]

INTRODUCTION = """\
# Measurements

Each section has the date, the machine and the command of its figures. Times depend on the machine: run the command to
measure your own, and add `--write` to record the result here. The [decisions](adr/README.md) have the measurements
behind each design choice.
"""

FILES = """\
Each video lasts 60 s. *Decoding* is PyAV with every frame and all cores. *Plain pipeline* is facenet-pytorch's MTCNN on
every frame and `model.predict` on every fifth, the design that Duygu started from. Times are medians.
"""

GROWTH = """\
Time by length of the video and by number of faces, 720p at 30 frames a second.
"""

ACCURACY = """\
The engine skips frames and rarely runs a full-frame detection. This table compares its result with MTCNN on every
analysed frame.
"""

STREAM = """\
Each session sends JPEG pictures of 640×480 at 10 a second over a WebSocket. Latency is from sending a picture to
receiving its result. The client runs on the same machine.
"""

JOBS = """\
Concurrent clients upload a video of 2 s repeatedly. Clients, API and workers share the machine.
"""


FAIRNESS = """\
Clients with five API keys upload at once. The analysis is replaced by a pause of 0.1 s; API, Redis and workers are
real. A bulk job is overtaken by at most four interactive ones for each bulk job before it and for itself.
"""

PICTURES = """\
Each client sends a JPEG of one megapixel with one face to `POST /v1/pictures`, and the next one after the response. One
live worker analyses; *videos at the same time* keeps one worker for videos busy. The client runs on the same machine.
"""

PAGES = """\
Processor time of the main thread on the page of a job whose result has one hour and twenty faces. An action includes
the drawing that follows it.
"""


LSL = """\
A camera sends 30 pictures of 640×480 a second over HTTP; `duygu watch --lsl` samples ten of them. Latency is from
sending the picture that completed a window to receiving its sample at an inlet of the Lab Streaming Layer. Stamp is the
time stamp of the sample minus the time at which that picture was sent. Camera, service and inlet share the machine.
"""

PEERS = """\
One minute of video ({video}). Other packages process {frames} frames, evenly spread, from which the time of every frame
is computed. Duygu analyses the whole minute, once before each of them; its row has the median. Each package is
installed in an environment of its own.
"""

SCALE = """\
`deploy/compose/scale.yaml`: APIs, workers, Redis and a bucket in containers, with one engine thread per worker. Clients
submit a video of {video_s:.0f} s repeatedly. CPU time and Redis commands of a job are those above an idle deployment.
"""

KILLS = """\
A worker, an API and the bucket's server are killed in the middle of the jobs, and started again ten seconds later.
Clients repeat requests without a response, with their `Idempotency-Key`.
"""

THOUSAND = """\
A thousand workers with a core each, computed from the costs of a job and of an idle worker above, not measured:
"""


def save(name: str, report: Report) -> None:
    """Save the report of a benchmark with its date and command, and render the page."""
    arguments = [argument for argument in sys.argv[1:] if argument not in ("--write", "--json")]
    head = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": shlex.join(["scripts/bench", name, *arguments]),
        "machine": report["machine"],
        "remarks": [],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(head | report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    write()


def write() -> None:
    """Write docs/measured.md."""
    PAGE.write_text(page(), "utf-8")


def page() -> str:
    """docs/measured.md: a section for each benchmark."""
    sections = (_section(name, *SECTIONS[name]) for name in SECTIONS)
    return "\n".join([INTRODUCTION, *sections, "This page is written by `scripts/bench --write`.\n"])


def _section(name: str, title: str, render: Callable[[Report], str]) -> str:
    report = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    source = f"`{report['command']}`, {report['date']}, {report['machine']}."
    remarks = "".join(f"- {remark}\n" for remark in report["remarks"])
    return "\n".join(filter(None, [f"## {title}\n", f"{source}\n", render(report), remarks]))


def video(report: Report) -> str:
    """Tables of `scripts/bench video`."""
    head = (
        "Video",
        "Decoding",
        "Duygu",
        "Duygu / decoding",
        "Plain pipeline",
        "Plain / Duygu",
        "Memory: worker, decoder",
    )
    rows = [
        (
            re.sub(r"_(\d+)(faces?)", r", \1 \2", case["case"]),
            f"{case['decode_s']:.1f} s",
            f"{case['engine_s']:.1f} s",
            f"{case['engine_over_decode']:.1f}",
            _optional("{:.0f} s", case["plain_s"]),
            _optional("{:.0f} ×", case["plain_over_engine"]),
            f"{case['peak_rss_mb']} MB, {case['decoder_rss_mb']} MB",
        )
        for case in report["cases"]
    ]
    growth = [(f"{row['minutes']} min", str(row["faces"]), f"{row['engine_s']:.1f} s") for row in report["growth"]]
    tables = [FILES, table(head, rows)]
    return "\n".join([*tables, *([GROWTH, table(("Length", "Faces", "Duygu"), growth)] if growth else [])])


def accuracy(report: Report) -> str:
    """Table of `scripts/bench accuracy`."""
    rows = [
        (f"Faces of MTCNN that the engine finds, of {report['faces']}", f"{report['found']:.1%}"),
        ("Faces of the engine that MTCNN does not have", f"{report['extra']:.1%}"),
        (f"Windows with the same emotion, of {report['windows']}", f"{report['unchanged']:.1%}"),
    ]
    return "\n".join([ACCURACY, table((f"{report['recordings']} recordings", "Share"), rows)])


def stream(report: Report) -> str:
    """Table of `scripts/bench stream`."""
    head = ("Sessions", "Workers", "p50", "p95", "p99", "Results a second", "Frames dropped")
    rows = [
        (
            str(run["sessions"]),
            str(run["workers"]),
            *(f"{run[name]:.0f} ms" for name in ("p50_ms", "p95_ms", "p99_ms")),
            f"{run['answered_per_s']:.0f}",
            f"{run['dropped']:,} of {run['sessions'] * run['seconds'] * 10:,.0f}",
        )
        for run in report["runs"]
    ]
    idle = report.get("idle")
    cost = f"{idle['sessions']} sessions that send nothing use {idle['core_share']:.1%} of a core.\n" if idle else ""
    return "\n".join(filter(None, [STREAM, table(head, rows), cost]))


def jobs(report: Report) -> str:
    """Table of `scripts/bench jobs`."""
    head = ("Workers", "Clients", "Uploads", "Upload, p95", "Videos a second", "Jobs lost", "Jobs processed twice")
    rows = [
        (
            str(run["workers"]),
            str(run["clients"]),
            str(run["uploads"]),
            f"{run['post_p95_ms']:.0f} ms",
            f"{run['jobs_per_s']:.1f}",
            str(run["lost"]),
            str(run["doubled"]),
        )
        for run in report["runs"]
    ]
    return "\n".join([JOBS, table(head, rows)])


def fairness(report: Report) -> str:
    """Table of `scripts/bench fairness`."""
    head = ("Priority of the key", "Jobs", "Waiting, median", "Waiting, longest", "Share of the first half")
    rows = [
        (
            key["priority"],
            f"{key['jobs']:,}",
            f"{key['wait_p50_s']:.0f} s",
            f"{key['wait_max_s']:.0f} s",
            f"{key['share']:.2f} of an equal one",
        )
        for key in report["keys"]
    ]
    totals = (
        f"{report['clients']} clients, {report['uploads']:,} uploads, {report['workers']} workers, "
        f"{report['jobs_per_s']:.0f} jobs a second; {report['lost']} lost, {report['doubled']} processed twice. No "
        f"process grew by more than {max(report['growth_mb'], 0):.1f} MB from the second to the last quarter.\n"
    )
    return "\n".join([FAIRNESS, table(head, rows), totals])


def pictures(report: Report) -> str:
    """Table of `scripts/bench pictures`."""
    head = (
        "Clients",
        "Videos at the same time",
        "p50",
        "p95",
        "p99",
        "Pictures a second",
        "Cores: live worker, videos worker",
    )
    rows = [
        (
            str(run["clients"]),
            "yes" if run["busy_videos"] else "no",
            *(f"{run[name]:.0f} ms" for name in ("p50_ms", "p95_ms", "p99_ms")),
            f"{run['pictures_per_s']:.0f}",
            f"{run['pictures_cores']:.1f}, {run['videos_cores']:.1f}",
        )
        for run in report["runs"]
    ]
    return "\n".join([PICTURES, table(head, rows)])


def pages(report: Report) -> str:
    """Table of `scripts/bench pages`."""
    rows = [("A frame while playing", f"{report['frame_ms']:.1f} ms")]
    rows += [(name.capitalize(), f"{ms} ms") for name, ms in report["actions_ms"].items()]
    return "\n".join([PAGES, table(("Action", "Processor time"), rows)])


def lsl(report: Report) -> str:
    """Table of `scripts/bench lsl`."""
    head = ("Samples", "Latency, p50", "p95", "p99", "Stamp, p95")
    row = [str(report["samples"])]
    row += [f"{report[name]:.0f} ms" for name in ("p50_ms", "p95_ms", "p99_ms", "stamp_p95_ms")]
    return "\n".join([LSL, table(head, [row])])


def peers(report: Report) -> str:
    """Table of `scripts/bench peers`, and the packages that it leaves out."""
    head = ("Package", "Time", "CPU time", "Memory", "Installation", "Faces in a frame", "What it does")
    rows = [
        (
            row["name"],
            _optional("{:.1f} s", row.get("minute_s")),
            _optional("{:.1f} s", row.get("minute_cpu_s")),
            _optional("{} MB", row.get("peak_rss_mb")),
            _optional("{} MB", row["size_mb"]),
            _optional("{:.2f}", row.get("faces_per_frame")),
            row["does"] + (f"; failed: {row['error']}" if "error" in row else ""),
        )
        for row in report["peers"]
    ]
    left_out = "".join(f"- {name} is not measured: it {reason}.\n" for name, reason in report["not_measured"].items())
    return "\n".join([PEERS.format(**report), table(head, rows), left_out])


def scale(report: Report) -> str:
    """Tables of `scripts/bench scale`."""
    head = ("Workers", "Jobs a second", "CPU per job: worker, API, bucket", "Redis commands", "Redis CPU")
    rows = [
        (
            str(run["workers"]),
            f"{run['jobs_per_s']:.2f}",
            ", ".join(f"{ms} ms" for ms in run["cpu_ms"].values()),
            f"{run['redis_calls']:.0f}",
            f"{run['redis_ms']:.1f} ms",
        )
        for run in report["runs"]
    ]
    lost_head = ("Jobs", "Time", "Requests repeated", "Jobs lost", "Jobs added", "Completed twice", "Different results")
    names = ("requests_repeated", "lost", "extra", "completed_twice", "different_answers")
    kills = [
        (str(run["jobs"]), f"{run['seconds']:.0f} s", *(str(run[name]) for name in names)) for run in report["kills"]
    ]
    tables = [SCALE.format(**report), table(head, rows), KILLS, table(lost_head, kills)]
    return "\n".join([*tables, *([THOUSAND, _thousand(report["thousand"])] if report["thousand"] else [])])


def _thousand(found: Report) -> str:
    return "".join(
        (
            f"- {found['jobs_per_s']:,} jobs and {found['redis_calls_per_s']:,} Redis commands a second\n",
            f"- {found['redis_cores']:.1f} cores of Redis, which has one: it is full at "
            f"{found['workers_at_one_redis_core']:,} workers\n",
            f"- {found['redis_connections']:,} connections to Redis, of {10_000:,} by default\n",
            f"- {found['api_cores']:.0f} cores of APIs and {found['store_cores']:.0f} of the bucket\n",
        )
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    cells = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def _optional(form: str, value: float | None) -> str:
    return "–" if value is None else form.format(value)


SECTIONS: dict[str, tuple[str, Callable[[Report], str]]] = {
    "video": ("Analysing a file", video),
    "accuracy": ("Accuracy of the faster engine", accuracy),
    "stream": ("Live sessions", stream),
    "jobs": ("Many uploads at once", jobs),
    "fairness": ("Many clients with several keys", fairness),
    "pictures": ("Single pictures", pictures),
    "lsl": ("Lab Streaming Layer", lsl),
    "scale": ("Several workers and a bucket", scale),
    "pages": ("A long result on its page", pages),
    "peers": ("Other packages on the same video", peers),
}
"""Title and tables of each benchmark, by its name."""


if __name__ == "__main__":
    write()
