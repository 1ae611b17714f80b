"""Latency of `duygu watch --lsl` against the wall clock, from a camera that notes when it sends each picture.

A camera on this machine sends pictures of 640x480 pixels with a moving face over HTTP. A service with one live worker
analyses, and an inlet of the Lab Streaming Layer receives a sample per window. *Latency* is from sending the picture
that completed a window to receiving its sample. *Stamp* is the time stamp of a sample, converted to the wall clock,
minus the time at which that picture was sent.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pylsl
from rich.console import Console
from rich.table import Table

from benchmarks import measured
from benchmarks.stream import SCENE, served
from benchmarks.video import machine
from duygu.client.pictures import encode
from duygu.shared.paths import ROOT

CAMERA_HZ = 30
"""Pictures per second of the camera."""

RATE_HZ = 10
"""Pictures per second that `duygu watch` sends to the service: its default."""

WARM_UP = 5
"""Samples that are left out: the session starts and all faces are new."""

TARGET_MS = 200.0
"""Maximum 95th percentile of the latency."""

FIND_S = 60.0
"""Longest wait for the outlet, which appears with the first window."""


@contextmanager
def camera(sent: list[float]) -> Iterator[str]:
    """The address of a camera that notes the time of day, in seconds since 1970, at which it sends each picture."""
    times = np.arange(0, SCENE.duration_s, 1 / CAMERA_HZ)
    pictures = [encode(np.ascontiguousarray(SCENE.picture(float(at))[..., ::-1])) for at in times]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            due = time.monotonic()
            for picture in _forth_and_back(pictures):
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
                try:
                    sent.append(time.time())
                    self.wfile.write(head + picture + b"\r\n")
                except OSError:
                    return
                due += 1 / CAMERA_HZ
                time.sleep(max(0.0, due - time.monotonic()))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/camera"
    finally:
        server.shutdown()
        server.server_close()


def _forth_and_back(pictures: list[bytes]) -> Iterator[bytes]:
    while True:
        yield from pictures
        yield from reversed(pictures)


def samples(seconds: float, sent: list[float]) -> list[tuple[float, float]]:
    """For each sample, its time stamp and the time of its arrival, both on the wall clock."""
    with served(1) as service, camera(sent) as address:
        command = [sys.executable, "-m", "duygu", "watch", address, "--service", service.url, "--lsl", "--quiet"]
        process = subprocess.Popen([*command, "--rate", str(RATE_HZ)], cwd=ROOT, stderr=subprocess.DEVNULL)  # noqa: S603
        try:
            found = pylsl.resolve_byprop("name", "duygu-camera", timeout=FIND_S)
            if not found:
                raise TimeoutError(f"no outlet within {FIND_S:g} s")
            return list(_received(pylsl.StreamInlet(found[0]), time.monotonic() + seconds))
        finally:
            process.terminate()
            process.wait(30)


def _received(inlet: Any, until: float) -> Iterator[tuple[float, float]]:
    while (left := until - time.monotonic()) > 0:
        sample, stamp = inlet.pull_sample(timeout=left)
        if sample is not None:
            arrived = time.time()
            yield stamp + arrived - pylsl.local_clock(), arrived


def figures(found: list[tuple[float, float]], sent: list[float]) -> dict[str, Any]:
    """Percentiles of latency and error of the stamps, in milliseconds.

    The picture of a sample is the last one that was sent before its stamp, as a stamp follows the arrival of a picture.
    """
    latencies, errors = [], []
    for stamp, arrived in found[WARM_UP:]:
        at = sent[max(0, bisect_right(sent, stamp) - 1)]
        latencies.append(1000 * (arrived - at))
        errors.append(1000 * (stamp - at))
    p50, p95, p99 = (round(float(ms), 1) for ms in np.percentile(latencies, (50, 95, 99)))
    return {
        "samples": len(latencies),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "stamp_p95_ms": round(float(np.percentile(errors, 95)), 1),
    }


def main() -> int:
    """Run the benchmark; the exit status is 0 if the latency is within the target."""
    parser = argparse.ArgumentParser(prog="scripts/bench lsl", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--write", action="store_true", help="record the result in docs/measured.md")
    parser.add_argument("--seconds", type=float, default=30.0, help="duration of the measurement")
    options = parser.parse_args()
    sent: list[float] = []
    report = {"machine": machine(), **figures(samples(options.seconds, sent), sent)}
    report["good"] = report["p95_ms"] <= TARGET_MS
    if options.write:
        measured.save("lsl", report)
    if options.json:
        print(json.dumps(report))  # noqa: T201
    else:
        table = Table("", "", title=report["machine"], show_header=False)
        for name, value in report.items():
            table.add_row(name, str(value))
        Console().print(table)
    return 0 if report["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
