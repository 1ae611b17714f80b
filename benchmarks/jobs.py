"""Throughput of jobs: concurrent clients upload a small video repeatedly to a service with one worker, then with two.

The report has the number of jobs that were lost or processed twice, the response times of uploads while the workers are
busy, and the jobs per second. Clients, API and workers share the machine.
"""

import argparse
import json
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from benchmarks import measured
from benchmarks.service import READY_S, running
from benchmarks.video import machine
from tests.services.worker.test_metrics import free_port
from tests.support.media.videos import Actor, Scene, VideoMaker

SCENE = Scene(actors=(Actor(start=(0.4, 0.5), end=(0.6, 0.5)),), width=640, height=360, duration_s=2.0)

TARGET_MS = 200.0
"""Maximum 95th percentile of the upload time."""

SUCCEEDED = ("duygu_jobs_total", "succeeded")
"""Worker counter and label of successful jobs."""

TIMEOUT_S = 900.0
"""Time limit for all jobs of a run."""


@dataclass(frozen=True, slots=True)
class Served:
    """The service under test, and the metrics addresses of its workers."""

    url: str
    worker_metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Upload:
    """Response to one upload."""

    status: int
    job_id: str | None
    seconds: float


@contextmanager
def served(workers: int) -> Iterator[Served]:
    """Run a separate service until it is ready."""
    port = free_port()
    settings = {
        "DUYGU_WORKERS": str(workers),
        "DUYGU_MAX_QUEUED": "100000",
        "DUYGU_METRICS_PORT": str(port),
    }
    with running(settings) as service:
        metrics = tuple(f"http://127.0.0.1:{port + place}/metrics" for place in range(workers))
        _wait(lambda: all(responds(address) for address in (f"{service.url}/readyz", *metrics)), READY_S)
        yield Served(service.url, metrics)


def responds(address: str) -> bool:
    """Whether an address responds with status 200."""
    with suppress(httpx.TransportError):
        return httpx.get(address).status_code == HTTPStatus.OK
    return False


def _wait(reached: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.2)


def submit(client: httpx.Client, video: bytes, uploads: int) -> list[Upload]:
    """Upload the video repeatedly, each time after the response to the previous upload."""
    responses = []
    for _ in range(uploads):
        started = time.perf_counter()
        response = client.post("/v1/videos", files={"video": ("clip.mp4", video)})
        seconds = time.perf_counter() - started
        responses.append(Upload(response.status_code, response.json().get("job_id"), seconds))
    return responses


def upload_all(service: Served, video: bytes, clients: int, uploads: int) -> list[Upload]:
    """Upload with many clients concurrently."""
    secure = ssl.create_default_context()  # creating one per client takes longer than its upload
    with ExitStack() as running, ThreadPoolExecutor(clients) as pool:
        opened = [
            running.enter_context(httpx.Client(base_url=service.url, timeout=60, verify=secure)) for _ in range(clients)
        ]
        batches = pool.map(lambda client: submit(client, video, uploads // clients), opened)
        return [upload for batch in batches for upload in batch]


def all_jobs(service: Served) -> dict[str, str]:
    """Status by id of all jobs of the service."""
    found: dict[str, str] = {}
    cursor: str | None = None
    while True:
        page = httpx.get(f"{service.url}/v1/jobs", params={"limit": 100, **({"cursor": cursor} if cursor else {})})
        found |= {job["job_id"]: job["status"] for job in page.json()["jobs"]}
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return found


def analysed(service: Served) -> int:
    """Number of jobs that the workers completed successfully."""
    texts = [httpx.get(address).text for address in service.worker_metrics]
    samples = (sample for text in texts for family in text_string_to_metric_families(text) for sample in family.samples)
    succeeded = [sample for sample in samples if (sample.name, sample.labels.get("code")) == SUCCEEDED]
    return int(sum(sample.value for sample in succeeded))


def run(service: Served, video: bytes, clients: int, uploads: int) -> dict[str, Any]:
    """Upload all videos, wait for all jobs to end, and compute the statistics."""
    started = time.monotonic()
    outcomes = upload_all(service, video, clients, uploads)
    uploaded_s = time.monotonic() - started
    accepted = [str(outcome.job_id) for outcome in outcomes if outcome.status == 202]
    _wait(lambda: not {"queued", "running"} & set(all_jobs(service).values()), TIMEOUT_S)
    jobs, took_s = all_jobs(service), time.monotonic() - started
    p50, p95, p99 = (
        round(float(ms), 1) for ms in np.percentile([outcome.seconds * 1000 for outcome in outcomes], (50, 95, 99))
    )
    return {
        "workers": len(service.worker_metrics),
        "clients": clients,
        "uploads": len(outcomes),
        "statuses": dict(Counter(str(outcome.status) for outcome in outcomes)),
        "accepted": len(accepted),
        "lost": len([job_id for job_id in accepted if jobs.get(job_id) != "succeeded"]),
        "doubled": analysed(service) - len(set(accepted)),
        "post_p50_ms": p50,
        "post_p95_ms": p95,
        "post_p99_ms": p99,
        "handed_in_s": round(uploaded_s, 1),
        "all_ended_s": round(took_s, 1),
        "jobs_per_s": round(len(jobs) / took_s, 2),
    }


def meets_target(found: dict[str, Any]) -> bool:
    """Whether every upload was accepted in time, and no job was lost or processed twice."""
    whole = found["accepted"] == found["uploads"] and found["lost"] == found["doubled"] == 0
    return bool(whole and found["post_p95_ms"] <= TARGET_MS)


def main() -> int:
    """Run the benchmark and print its result; the exit status is 0 if it meets the target."""
    parser = argparse.ArgumentParser(prog="scripts/bench jobs", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--write", action="store_true", help="record the result in docs/measured.md")
    parser.add_argument("--clients", type=int, default=20, help="number of concurrent clients")
    parser.add_argument("--uploads", type=int, default=200, help="total number of uploads")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of workers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = VideoMaker(Path(folder)).make(SCENE).read_bytes()
    runs = []
    for workers in options.workers:
        with served(workers) as service:
            runs.append(run(service, video, options.clients, options.uploads))
    report = {
        "machine": machine(),
        "video_kb": round(len(video) / 1000),
        "runs": runs,
        "good": all(map(meets_target, runs)),
    }
    if options.write:
        measured.save("jobs", report)
    if options.json:
        print(json.dumps(report))  # noqa: T201
    else:
        show(report)
    return 0 if report["good"] else 1


def show(report: dict[str, Any]) -> None:
    """Print a table with a column per number of workers."""
    runs = report["runs"]
    table = Table("", *("" for _ in runs), title=f"{report['machine']}; a video of {report['video_kb']} kB")
    for name in runs[0]:
        table.add_row(name, *(str(run[name]) for run in runs))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
