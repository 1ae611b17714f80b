"""Fairness and memory under load: clients with several API keys submit many videos at once.

API, Redis and workers are processes of their own; the analysis follows a script and takes 0.1 s, so that the queue is
what is measured. Each client submits its next video after the response to the previous one. The first three of five
keys are interactive, the others bulk.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import measured
from benchmarks.jobs import Served as Metered
from benchmarks.jobs import Upload, analysed, submit
from benchmarks.service import READY_S, running
from benchmarks.video import machine
from duygu.shared.config.api_keys import KeyLimits, Priority, Scope, add_key
from duygu.shared.config.settings import Settings
from duygu.shared.runtime.background import in_background
from tests.services.conftest import worker
from tests.services.worker.test_metrics import free_port
from tests.support.workers.scripted_worker import Script

PRIORITIES = (Priority.INTERACTIVE,) * 3 + (Priority.BULK,) * 2
"""Of the keys."""

LEAST_SHARE = 0.25
"""Minimum share of a key in the first half of the ended jobs, relative to an equal one."""

MOST_GROWTH_MB = 20.0
"""Maximum growth of a process from the second to the last quarter of the run."""

SAMPLE_S = 0.5
"""Interval of the samples of memory, and of the workers' counters."""

STALLED_S = 300.0
"""Time without an ended job after which jobs are lost."""


@dataclass(frozen=True, slots=True)
class Served:
    """The service under test: its processes, and a key of each priority."""

    url: str
    keys: tuple[str, ...]
    processes: dict[str, psutil.Process]
    worker_metrics: tuple[str, ...]


@dataclass(slots=True)
class Memory:
    """Samples of the resident memory of processes, in MB."""

    processes: dict[str, psutil.Process]
    samples: dict[str, list[float]] = field(default_factory=dict)

    def sampled(self) -> AbstractContextManager[None]:
        """Sample while the block runs."""
        return in_background(self._sample, "memory")

    def _sample(self, ended: threading.Event) -> None:
        while not ended.wait(SAMPLE_S):
            for name, process in self.processes.items():
                self.samples.setdefault(name, []).append(process.memory_info().rss / 1e6)

    def growth_mb(self) -> float:
        """The largest growth of a process from the second to the last quarter."""
        quarters = [np.array_split(samples, 4) for samples in self.samples.values() if len(samples) >= 4]
        return round(max((float(last.max() - second.max()) for _, second, _, last in quarters), default=0.0), 1)


@contextmanager
def served(folder: Path, workers: int) -> Iterator[Served]:
    """Run a separate service with API keys and scripted workers until it is ready."""
    keys_file, scopes = folder / "keys.json", frozenset({Scope.SUBMIT, Scope.READ})
    keys = tuple(
        add_key(keys_file, f"key-{number}", scopes, KeyLimits(), priority) for number, priority in enumerate(PRIORITIES)
    )
    environment = {"DUYGU_WORKERS": "0", "DUYGU_STREAM_WORKERS": "0", "DUYGU_MAX_QUEUED": "100000"}
    ports = [free_port() for _ in range(workers)]
    with ExitStack() as stack:
        service = stack.enter_context(running({**environment, "DUYGU_KEYS_FILE": str(keys_file)}))
        processes = {"api": psutil.Process(service.pid)}
        for number, port in enumerate(ports):
            settings = Settings(data_dir=service.folder, metrics_port=port)
            process = stack.enter_context(worker(settings, "tests.support.workers.scripted_worker", "videos"))
            processes[f"worker-{number}"] = psutil.Process(process.pid)
        addresses = tuple(f"http://127.0.0.1:{port}/metrics" for port in ports)
        _wait(lambda: all(_responds(address) for address in (f"{service.url}/healthz", *addresses)), READY_S)
        yield Served(service.url, keys, processes, addresses)


def run(service: Served, clients: int, uploads: int) -> dict[str, Any]:
    """Submit `uploads` videos by each client, wait for the end of all jobs, and compute the statistics."""
    memory, started = Memory(service.processes), time.monotonic()
    with memory.sampled():
        responses = _submit_all(service, clients, uploads)
        _wait_until_idle(service, sum(response.status == HTTPStatus.ACCEPTED for response in responses))
        took_s = time.monotonic() - started
    jobs = [_jobs(service.url, key) for key in service.keys]
    status = {job["job_id"]: job["status"] for of_key in jobs for job in of_key}
    accepted = {response.job_id for response in responses if response.job_id}
    return {
        "clients": clients,
        "workers": len(service.worker_metrics),
        "uploads": len(responses),
        "statuses": dict(Counter(str(response.status) for response in responses)),
        "lost": sum(status.get(str(job_id)) != "succeeded" for job_id in accepted),
        "doubled": analysed(Metered(service.url, service.worker_metrics)) - len(accepted),
        "post_p95_ms": round(float(np.percentile([response.seconds * 1000 for response in responses], 95)), 1),
        "jobs_per_s": round(len(status) / took_s, 1),
        "growth_mb": memory.growth_mb(),
        "memory_mb": {name: round(samples[-1]) for name, samples in memory.samples.items()},
        "keys": _of_keys(jobs),
    }


def _submit_all(service: Served, clients: int, uploads: int) -> list[Upload]:
    video = Script(duration_s=0.1).upload()

    def client(key: str) -> list[Upload]:
        with httpx.Client(base_url=service.url, headers={"Authorization": f"Bearer {key}"}, timeout=120) as http:
            return submit(http, video, uploads)

    with ThreadPoolExecutor(clients) as pool:
        return [response for some in pool.map(client, islice(cycle(service.keys), clients)) for response in some]


def _wait_until_idle(service: Served, accepted: int) -> None:
    """Wait until the workers have done so many jobs, or none for a while, and all jobs have ended."""
    done, changed = 0, time.monotonic()
    while done < accepted and time.monotonic() - changed < STALLED_S:
        before, done = done, analysed(Metered(service.url, service.worker_metrics))
        changed = time.monotonic() if done > before else changed
        time.sleep(SAMPLE_S)
    _wait(lambda: all(job["ended_at"] for key in service.keys for job in _jobs(service.url, key)), STALLED_S)


def _jobs(url: str, key: str) -> list[dict[str, Any]]:
    """All jobs of a key."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=120) as http:
        while cursor is not None:
            page = http.get("/v1/jobs", params={"limit": 100, **({"cursor": cursor} if cursor else {})}).json()
            found += page["jobs"]
            cursor = page["next_cursor"]
    return found


def _of_keys(jobs: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Waiting times of each key, and its share in the first half of the ended jobs, relative to an equal one."""
    ends = sorted((str(job["ended_at"]), number) for number, of_key in enumerate(jobs) for job in of_key)
    half = Counter(number for _, number in ends[: len(ends) // 2])
    return [
        {
            "priority": priority.value,
            "jobs": len(of_key),
            "wait_p50_s": _percentile(of_key, 50),
            "wait_max_s": _percentile(of_key, 100),
            "share": round(half[number] * len(jobs) / max(1, len(ends) // 2), 2),
        }
        for number, (priority, of_key) in enumerate(zip(PRIORITIES, jobs, strict=True))
    ]


def _percentile(jobs: list[dict[str, Any]], percent: float) -> float:
    """Of the time from submission to start, in seconds."""
    waits = [
        (datetime.fromisoformat(job["started_at"]) - datetime.fromisoformat(job["created_at"])).total_seconds()
        for job in jobs
        if job["started_at"]
    ]
    return round(float(np.percentile(waits, percent)), 1) if waits else 0.0


def _responds(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.TransportError:
        return False


def _wait(reached: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.5)


def meets_target(found: dict[str, Any]) -> bool:
    """Whether every upload was accepted, no job was lost or done twice, no key starved, and memory stayed flat."""
    whole = found["statuses"] == {"202": found["uploads"]} and found["lost"] == found["doubled"] == 0
    return bool(
        whole and min(key["share"] for key in found["keys"]) >= LEAST_SHARE and found["growth_mb"] <= MOST_GROWTH_MB
    )


def main() -> int:
    """Run the benchmark and print its result; the exit status is 0 if it meets the targets."""
    parser = argparse.ArgumentParser(prog="scripts/bench fairness", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--write", action="store_true", help="record the result in docs/measured.md")
    parser.add_argument("--clients", type=int, default=20, help="number of concurrent clients")
    parser.add_argument("--uploads", type=int, default=200, help="uploads of each client")
    parser.add_argument("--workers", type=int, default=4, help="number of workers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), options.workers) as service:
        found = run(service, options.clients, options.uploads)
    report = {"machine": machine(), **found, "good": meets_target(found)}
    if options.write:
        measured.save("fairness", report)
    if options.json:
        print(json.dumps(report))  # noqa: T201
    else:
        show(report)
    return 0 if report["good"] else 1


def show(report: dict[str, Any]) -> None:
    """Print the totals and a row for each key."""
    console = Console()
    table = Table(*report["keys"][0], title=report["machine"])
    for row in report["keys"]:
        table.add_row(*(str(value) for value in row.values()))
    console.print({name: value for name, value in report.items() if name not in ("keys", "machine")})
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
