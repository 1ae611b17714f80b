"""Latency of live sessions on a running service with one worker and with two.

Each session sends JPEG frames of 640x480 pixels with a moving face at 10 frames a second over a WebSocket. Latency is
the time from sending a frame to receiving its result. The client runs on the same machine; its CPU time is reported
separately.
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cv2
import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect

from benchmarks import measured
from benchmarks.service import READY_S, running
from benchmarks.video import machine
from duygu.shared.live.header import pack
from tests.support.media.videos import Actor, Scene

RATE_HZ = 10
WARM_UP_S = 2.0
"""Results of the first seconds are excluded: sessions start and all faces are new."""

TARGET_MS = 250.0
SCENE = Scene(actors=(Actor(start=(0.35, 0.5), end=(0.65, 0.5)),), width=640, height=480, duration_s=6.0, fps=RATE_HZ)


@dataclass(slots=True)
class Tally:
    """Results of all sessions of a run."""

    latencies_ms: list[float] = field(default_factory=list)
    dropped: int = 0
    errors: int = 0
    rates_hz: set[float] = field(default_factory=set)  # to which all sessions were limited


@dataclass(frozen=True, slots=True)
class Served:
    """The service under test."""

    url: str
    process: psutil.Process

    def family(self) -> list[psutil.Process]:
        """All processes of the service."""
        return [self.process, *self.process.children(recursive=True)]

    def cpu_s(self) -> float:
        """Total CPU time of all processes."""
        return float(sum(sum(process.cpu_times()[:2]) for process in self.family()))

    def rss_mb(self) -> float:
        """Total resident memory of all processes."""
        return float(sum(process.memory_info().rss for process in self.family()) / 1e6)


@contextmanager
def served(workers: int) -> Iterator[Served]:
    """Run a separate service with this number of live workers until it is ready."""
    settings = {"DUYGU_WORKERS": "0", "DUYGU_STREAM_WORKERS": str(workers), "DUYGU_THREADS": "1"}
    with running(settings) as service:
        wait_until_ready(service.url, workers)
        yield Served(service.url, psutil.Process(service.pid))


def wait_until_ready(url: str, workers: int) -> None:
    """Wait for the live workers; workers for videos are not started."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        checks = {check["name"]: check["ok"] for check in httpx.get(f"{url}/readyz").json()["checks"]}
        if checks["worker:streams"]:
            time.sleep(workers)  # the others load at the same time
            return
        time.sleep(0.2)
    raise TimeoutError("no worker came up")


async def session(url: str, pictures: list[bytes], start_s: float, seconds: float, tally: Tally) -> None:
    """Run one client, which sends at fixed times regardless of the results."""
    address = f"{url.replace('http', 'ws')}/v1/stream"
    async with connect(address, compression=None, max_size=None) as socket:
        await socket.recv()
        sent: dict[int, float] = {}
        count = round(seconds * RATE_HZ)
        reading = asyncio.create_task(read(socket, sent, count, start_s, tally))
        for number in range(count):
            await asyncio.sleep(max(0.0, start_s + number / RATE_HZ - time.monotonic()))
            sent[number] = time.monotonic()
            await socket.send(pack(pictures[number % len(pictures)], number, number / RATE_HZ))
        await asyncio.wait_for(reading, READY_S)


async def read(socket: ClientConnection, sent: dict[int, float], count: int, start_s: float, tally: Tally) -> None:
    """Receive the results of all frames."""
    for _ in range(count):
        message = json.loads(await socket.recv())
        if message.get("frame") is None:  # the session ends
            raise RuntimeError(f"the service ended a session: {message}")
        if rate_hz := message.get("overload_rate_hz"):
            tally.rates_hz.add(rate_hz)
        began = sent.pop(message["frame"])
        tally.dropped += message["type"] == "dropped"
        tally.errors += message["type"] == "error"
        if message["type"] == "result" and began - start_s >= WARM_UP_S:
            tally.latencies_ms.append((time.monotonic() - began) * 1000)


async def load(url: str, sessions: int, seconds: float) -> Tally:
    """Run sessions with start times spread over one second."""
    pictures = encoded_scene()
    tally, start_s = Tally(), time.monotonic() + 1.0
    starts = [start_s + number / sessions for number in range(sessions)]
    await asyncio.gather(*(session(url, pictures, start, seconds, tally) for start in starts))
    return tally


@cache
def encoded_scene() -> list[bytes]:
    """The frames of the scene, forwards and backwards, as JPEG."""
    return [encoded(time_s) for time_s in (*SCENE.times(), *reversed(SCENE.times()))]


def encoded(time_s: float) -> bytes:
    """Frame of the scene at a time, as JPEG."""
    return bytes(cv2.imencode(".jpg", np.ascontiguousarray(SCENE.picture(time_s)[:, :, ::-1]))[1])


def run(service: Served, sessions: int, workers: int, seconds: float) -> dict[str, Any]:
    """Measure one row of the table."""
    encoded_scene()  # its time is not the client's
    before_s, own_s = service.cpu_s(), own_cpu_s()
    tally = asyncio.run(load(service.url, sessions, seconds))
    latencies = tally.latencies_ms or [float("inf")]
    p50, p95, p99 = (round(float(value), 1) for value in np.percentile(latencies, (50, 95, 99)))
    return {
        "sessions": sessions,
        "workers": workers,
        "seconds": seconds,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "answered": len(tally.latencies_ms),
        "answered_per_s": round(len(tally.latencies_ms) / (seconds - WARM_UP_S), 1),
        "dropped": tally.dropped,
        "errors": tally.errors,
        "lowest_rate_hz": min(tally.rates_hz, default=None),
        "cpu_s": round(service.cpu_s() - before_s, 1),
        "client_cpu_s": round(own_cpu_s() - own_s, 1),
        "rss_mb": round(service.rss_mb()),
    }


def own_cpu_s() -> float:
    """CPU time of the client process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def idle_cost(service: Served, sessions: int, seconds: float) -> dict[str, Any]:
    """CPU cost of opening sessions, and of keeping them open without frames."""
    address = f"{service.url.replace('http', 'ws')}/v1/stream"
    before_s = service.cpu_s()
    sockets = await asyncio.gather(*(connect(address, compression=None) for _ in range(sessions)))
    await asyncio.gather(*(socket.recv() for socket in sockets))
    open_s = service.cpu_s()
    await asyncio.sleep(seconds)
    idle_s = service.cpu_s() - open_s
    await asyncio.gather(*(socket.close() for socket in sockets))
    return {
        "sessions": sessions,
        "opening_ms_each": round((open_s - before_s) * 1000 / sessions, 1),
        "core_share": round(idle_s / seconds, 4),
    }


WIDTH = 150
"""Width of the table in characters: the terminal wraps it rather than truncating it."""


def show(report: dict[str, Any]) -> None:
    """Print a table."""
    console = Console(stderr=True, width=WIDTH)
    console.print(report["machine"])
    table = Table(*report["runs"][0])
    for row in report["runs"]:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)


def main() -> None:
    """Run the selected measurements."""
    parser = argparse.ArgumentParser(prog="scripts/bench stream", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--write", action="store_true", help="record the result in docs/measured.md")
    parser.add_argument("--seconds", type=float, default=30.0, help="duration of each run in seconds")
    parser.add_argument(
        "--sessions", type=int, nargs="+", default=[1, 10, 20, 30, 60], help="numbers of concurrent sessions"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of workers")
    parser.add_argument(
        "--idle", type=int, default=100, help="number of idle sessions whose CPU time is measured; 0 skips this"
    )
    options = parser.parse_args()
    report: dict[str, Any] = {"machine": machine(), "runs": []}
    for workers in options.workers:
        with served(workers) as service:
            if options.idle and "idle" not in report:
                report["idle"] = asyncio.run(idle_cost(service, options.idle, options.seconds))
            report["runs"] += [run(service, sessions, workers, options.seconds) for sessions in options.sessions]
    quick = [line["sessions"] for line in report["runs"] if line["p95_ms"] <= TARGET_MS and not line["errors"]]
    report["max_sessions_p95_250ms"] = max(quick, default=0)
    if options.write:
        measured.save("stream", report)
    if not options.json:
        show(report)
    print(json.dumps(report, indent=2))  # noqa: T201 - that is what it is for


if __name__ == "__main__":
    main()
