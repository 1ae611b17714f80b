"""Latency of `POST /v1/pictures` with one client and with many, alone and beside a busy worker for videos.

Each client sends a JPEG of one megapixel with one face, and the next one after the response. The client runs on the
same machine; its CPU time is reported separately. A busy worker analyses videos of 720p without a pause.
"""

import argparse
import http.client
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table
from skimage import data

from benchmarks import measured
from benchmarks.service import READY_S, running
from benchmarks.stream import own_cpu_s
from benchmarks.video import machine
from tests.support.media.videos import Actor, Scene, VideoMaker

SIDE = 1000
"""Width and height of the picture: one megapixel."""

TARGETS_MS = {1: 80.0, 10: 250.0}
"""Maximum 95th percentile by number of clients, without other work."""

WARM_UP = 5
"""Pictures of each client that are not measured."""

SCENE = Scene(actors=(Actor(start=(0.35, 0.5), end=(0.65, 0.5)),), width=1280, height=720, duration_s=6.0)


@dataclass(frozen=True, slots=True)
class Served:
    """The service under test."""

    url: str
    process: psutil.Process

    def cpu_s(self, queue: str) -> float:
        """CPU time of the worker for a queue and of its child processes."""
        workers = [child for child in self.process.children() if child.cmdline()[-1:] == [queue]]
        family = [process for worker in workers for process in (worker, *worker.children(recursive=True))]
        return float(sum(sum(process.cpu_times()[:4]) for process in family))  # with children that have ended


@contextmanager
def served() -> Iterator[Served]:
    """Run a separate service with one worker of each kind until it is ready."""
    with running({"DUYGU_THREADS": "1", "DUYGU_MAX_QUEUED": "1000"}) as service:
        deadline = time.monotonic() + READY_S
        while not _is_ready(service.url):
            if time.monotonic() > deadline:
                raise TimeoutError("the service did not become ready")
            time.sleep(0.2)
        yield Served(service.url, psutil.Process(service.pid))


def _is_ready(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz").status_code == HTTPStatus.OK
    return False


def picture() -> bytes:
    """The astronaut of scikit-image with SIDE x SIDE pixels, as JPEG."""
    astronaut = np.asarray(data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]
    pixels = cv2.resize(np.ascontiguousarray(astronaut[:, :, ::-1]), (SIDE, SIDE))
    return bytes(cv2.imencode(".jpg", pixels)[1])


def client(url: str, content: bytes, seconds: float) -> tuple[list[float], int]:
    """Send pictures one after the other: latencies in milliseconds, and the number of errors."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    latencies, errors, sent, end = [], 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        connection.request("POST", "/v1/pictures", content, {"Content-Type": "image/jpeg"})
        response = connection.getresponse()
        right = response.status == HTTPStatus.OK and len(json.loads(response.read())["faces"]) == 1
        sent += 1
        errors += not right
        if sent > WARM_UP:
            latencies.append((time.monotonic() - began) * 1000)
    connection.close()
    return latencies, errors


@contextmanager
def videos(url: str, video: bytes, *, busy: bool) -> Iterator[None]:
    """Keep the worker for videos busy while the block runs."""
    ended = threading.Event()

    def supply() -> None:
        with httpx.Client(base_url=url, timeout=60) as service:
            while not ended.is_set():
                jobs = [service.post("/v1/videos", files={"video": video}).json()["job_id"] for _ in range(2)]
                while not ended.wait(0.2) and service.get(f"/v1/jobs/{jobs[-1]}").json()["status"] == "queued":
                    pass

    thread = threading.Thread(target=supply)
    if busy:
        thread.start()
        time.sleep(2)
    yield
    ended.set()
    if busy:
        thread.join()
        while httpx.get(f"{url}/v1/jobs").json()["jobs"][0]["ended_at"] is None:
            time.sleep(0.2)


def run(service: Served, content: bytes, video: bytes, clients: int, seconds: float, *, busy: bool) -> dict[str, Any]:
    """Measure one row of the table."""
    with videos(service.url, video, busy=busy), ThreadPoolExecutor(clients) as pool:
        before, own_s, began = [service.cpu_s(queue) for queue in ("streams", "videos")], own_cpu_s(), time.monotonic()
        found = list(pool.map(lambda _: client(service.url, content, seconds), range(clients)))
        took_s = time.monotonic() - began
        of_pictures, of_videos = (
            service.cpu_s(queue) - earlier for queue, earlier in zip(("streams", "videos"), before, strict=True)
        )
    latencies = [latency for some, _ in found for latency in some]
    p50, p95, p99 = (round(float(value), 1) for value in np.percentile(latencies, (50, 95, 99)))
    return {
        "clients": clients,
        "busy_videos": busy,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "pictures_per_s": round(len(latencies) / took_s, 1),
        "errors": sum(errors for _, errors in found),
        "pictures_cores": round(of_pictures / took_s, 2),
        "videos_cores": round(of_videos / took_s, 2),
        "client_cores": round((own_cpu_s() - own_s) / took_s, 2),
    }


def meets_target(row: dict[str, Any]) -> bool:
    """Whether no picture failed and the latency is within its target."""
    target = TARGETS_MS.get(row["clients"], float("inf"))
    return not row["errors"] and (row["busy_videos"] or row["p95_ms"] <= target)


def main() -> int:
    """Run the benchmark and print its result; the exit status is 0 if it meets the targets."""
    parser = argparse.ArgumentParser(prog="scripts/bench pictures", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--write", action="store_true", help="record the result in docs/measured.md")
    parser.add_argument("--seconds", type=float, default=20.0, help="duration of each run in seconds")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 10], help="numbers of concurrent clients")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = VideoMaker(Path(folder)).make(SCENE).read_bytes()
    content = picture()
    with served() as service:
        runs = [
            run(service, content, video, clients, options.seconds, busy=busy)
            for busy in (False, True)
            for clients in options.clients
        ]
    report = {"machine": machine(), "picture_kb": round(len(content) / 1000), "runs": runs}
    report["good"] = all(map(meets_target, runs))
    if options.write:
        measured.save("pictures", report)
    if options.json:
        print(json.dumps(report))  # noqa: T201
    else:
        show(report)
    return 0 if report["good"] else 1


def show(report: dict[str, Any]) -> None:
    """Print a table."""
    table = Table(*report["runs"][0], title=f"{report['machine']}; a picture of {report['picture_kb']} kB")
    for row in report["runs"]:
        table.add_row(*(str(value) for value in row.values()))
    Console(width=150).print(table)


if __name__ == "__main__":
    sys.exit(main())
