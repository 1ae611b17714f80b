"""Several workers and APIs with a bucket: throughput, cost of a job, and what is lost when parts are killed.

`scripts/bench scale` needs Docker with Compose. It starts deploy/compose/scale.yaml with one, two and three workers for
videos and measures jobs per second, CPU time and Redis commands of a job. Then it kills a worker, an API and the object
store in the middle of sixty jobs. From the cost of a job it computes what a thousand workers would need.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks import measured
from benchmarks.cluster import Cluster, running
from benchmarks.video import machine
from tests.support.media.videos import Actor, Scene, VideoMaker

SCENE = Scene(actors=(Actor(start=(0.4, 0.5), end=(0.6, 0.5)),), width=640, height=360, duration_s=2.0)

AHEAD = 20
"""Jobs that are submitted beyond those that have ended, so that submissions last as long as the round."""

POLLED_S = 0.5
"""Pause between two requests for the progress."""

COUNTED = ("worker-videos", "api", "store")
"""Services whose CPU time is measured."""

TIMEOUT_S = 900.0
"""Of all jobs of a run."""

AWAY_S = 10.0
"""How long a killed container stays away."""

KILLS = {"worker-videos": 0.2, "api": 0.4, "store": 0.6}
"""Killed services, each at this share of ended jobs."""

IDLE_S = 30.0
"""Duration of the measurement without jobs."""

MANY = 1000
"""Workers of the extrapolation."""

CONNECTIONS = 10_000
"""Redis' default of `maxclients`."""

RETRIED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.BAD_GATEWAY})


@dataclass(slots=True)
class Client:
    """Submits and polls jobs through several APIs, with repetitions where one does not respond."""

    addresses: list[str]
    repeated: int = 0
    _turn: int = 0
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    def submit(self, video: bytes, key: str) -> str:
        """Submit a video; the id of its job. An `Idempotency-Key` makes repetitions the same job."""
        form, headers = {"video": ("clip.mp4", video)}, {"Idempotency-Key": key}
        response = self.request("POST", "/v1/videos", files=form, headers=headers)
        return str(response.raise_for_status().json()["job_id"])

    def has_ended(self, job_id: str) -> bool:
        """Whether a job has ended, by its record alone."""
        job = self.request("GET", f"/v1/jobs/{job_id}").raise_for_status().json()
        return job["status"] not in ("queued", "running")

    def jobs(self) -> dict[str, str]:
        """Status by id of all jobs."""
        found: dict[str, str] = {}
        cursor: str | None = None
        while True:
            query = {"limit": "100", **({"cursor": cursor} if cursor else {})}
            page = self.request("GET", "/v1/jobs", params=query).raise_for_status().json()
            found |= {job["job_id"]: job["status"] for job in page["jobs"]}
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def result_hash(self, job_id: str) -> str:
        """Hash of a result's faces, which is the same for every job of the same video."""
        result = self.request("GET", f"/v1/jobs/{job_id}/result").raise_for_status().json()
        return hashlib.sha256(json.dumps(result["faces"], sort_keys=True).encode()).hexdigest()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A response of the first API that gives one. Raises TimeoutError."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            self._turn += 1
            with suppress(httpx.TransportError):
                address = self.addresses[self._turn % len(self.addresses)]
                response = self._http.request(method, address + path, **options)
                if response.status_code not in RETRIED:
                    return response
            self.repeated += 1
            time.sleep(0.3)
        raise TimeoutError(f"no API responds to {method} {path}")


@dataclass(slots=True)
class Progress:
    """Submitted and ended jobs of a run; the submitting threads wait for it."""

    jobs: int
    ahead: int
    changed: threading.Condition = field(default_factory=threading.Condition)
    taken: int = 0
    ended: int = 0

    def take(self) -> int | None:
        """Number of the next submission once few enough are ahead; None if all are taken."""
        with self.changed:
            self.changed.wait_for(lambda: self.taken >= self.jobs or self.taken < self.ended + self.ahead)
            if self.taken >= self.jobs:
                return None
            self.taken += 1
            return self.taken

    def update(self, ended: int) -> None:
        """Set the number of ended jobs."""
        with self.changed:
            self.ended = ended
            self.changed.notify_all()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Ids of the submitted jobs, seconds until all had ended, and requests that were repeated."""

    ids: list[str]
    seconds: float
    repeated: int


def submit_all(
    pool: ThreadPoolExecutor, clients: list[Client], video: bytes, progress: Progress
) -> list[Future[list[str]]]:
    """Submit jobs with all clients at the same time; the ids are those of the futures."""
    run = time.monotonic_ns()

    def submissions(client: Client) -> list[str]:
        return [client.submit(video, f"scale-{run}-{number}") for number in iter(progress.take, None)]

    return [pool.submit(submissions, client) for client in clients]


def work_through(cluster: Cluster, video: bytes, jobs: int) -> Outcome:
    """Submit all jobs at once and wait for their ends, with few requests of our own."""
    clients = [Client(cluster.addresses()) for _ in range(4)]
    started = time.monotonic()
    with ThreadPoolExecutor(len(clients)) as pool:
        futures = submit_all(pool, clients, video, Progress(jobs, ahead=jobs))
    ids = [job_id for future in futures for job_id in future.result()]
    for job_id in sorted(ids):  # ids begin with a time
        while not clients[0].has_ended(job_id):
            _check(started)
            time.sleep(POLLED_S)
    return Outcome(ids, time.monotonic() - started, sum(client.repeated for client in clients))


def work_through_slowly(cluster: Cluster, video: bytes, jobs: int, on_progress: Callable[[float], None]) -> Outcome:
    """Submit jobs as others end, and wait for their ends; `on_progress` receives the share of ended ones."""
    clients, watcher = [Client(cluster.addresses()) for _ in range(4)], Client(cluster.addresses())
    progress, started = Progress(jobs, AHEAD), time.monotonic()
    with ThreadPoolExecutor(len(clients)) as pool:
        futures = submit_all(pool, clients, video, progress)
        while progress.ended < jobs:
            _check(started)
            progress.update(sum(status not in ("queued", "running") for status in watcher.jobs().values()))
            on_progress(progress.ended / jobs)
            time.sleep(POLLED_S)
    ids = [job_id for future in futures for job_id in future.result()]
    return Outcome(ids, time.monotonic() - started, sum(client.repeated for client in [*clients, watcher]))


def _check(started: float) -> None:
    if time.monotonic() - started > TIMEOUT_S:
        raise TimeoutError(f"the jobs have not ended in {TIMEOUT_S:.0f} s")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a cluster has spent since its start: CPU seconds by service, and commands and CPU seconds of Redis."""

    cpu_s: dict[str, float]
    redis_calls: float
    redis_s: float

    @classmethod
    def read(cls, cluster: Cluster) -> "Cost":
        """The cost up to now."""
        cpu_s = {service: cluster.cpu_s(service) for service in COUNTED}
        return cls(cpu_s, cluster.redis_calls().total(), cluster.redis_cpu_s())

    def minus(self, other: "Cost", share: float = 1.0) -> "Cost":
        """This cost without a share of another one."""
        cpu_s = {service: max(0.0, seconds - share * other.cpu_s[service]) for service, seconds in self.cpu_s.items()}
        redis_s = max(0.0, self.redis_s - share * other.redis_s)
        return Cost(cpu_s, self.redis_calls - share * other.redis_calls, redis_s)


def throughput(cluster: Cluster, video: bytes, jobs: int, workers: int) -> dict[str, Any]:
    """Jobs per second, and the cost of a job above that of an idle cluster, whose health checks go on."""
    start = Cost.read(cluster)
    time.sleep(IDLE_S)
    idle = Cost.read(cluster).minus(start)
    clients, start = cluster.redis_clients(), Cost.read(cluster)
    outcome = work_through(cluster, video, jobs)
    spent = Cost.read(cluster).minus(start).minus(idle, outcome.seconds / IDLE_S)
    return {
        "workers": workers,
        "jobs": jobs,
        "jobs_per_s": round(jobs / outcome.seconds, 2),
        "cpu_ms": {service: round(1000 * seconds / jobs) for service, seconds in spent.cpu_s.items()},
        "redis_calls": round(spent.redis_calls / jobs, 1),
        "redis_ms": round(1000 * spent.redis_s / jobs, 2),
        "idle": {
            "redis_calls_per_s": round(idle.redis_calls / IDLE_S, 1),
            "redis_share": round(idle.redis_s / IDLE_S, 5),
            "redis_clients": clients,
        },
    }


@contextmanager
def killer(cluster: Cluster) -> Iterator[Callable[[float], None]]:
    """A function of the share of ended jobs that kills one container of each service when it is due."""
    due, threads = dict(KILLS), []

    def on_progress(share: float) -> None:
        for service in [service for service, at in due.items() if share >= at]:
            del due[service]
            container = cluster.containers(service)[0]
            cluster.kill(container)
            threads.append(threading.Thread(target=_revive_later, args=(cluster, container)))
            threads[-1].start()

    yield on_progress
    for thread in threads:
        thread.join()


def _revive_later(cluster: Cluster, container: str) -> None:
    time.sleep(AWAY_S)
    cluster.revive(container)


def kill_round(cluster: Cluster, video: bytes, jobs: int) -> dict[str, Any]:
    """Kill parts in the middle of jobs; how many jobs were lost, completed twice or had different results."""
    with killer(cluster) as on_progress:
        outcome = work_through_slowly(cluster, video, jobs, on_progress)
    client, completions = Client(cluster.addresses()), cluster.completions()
    statuses = client.jobs()
    hashes = {client.result_hash(job_id) for job_id in outcome.ids if statuses.get(job_id) == "succeeded"}
    return {
        "jobs": jobs,
        "seconds": round(outcome.seconds, 1),
        "requests_repeated": outcome.repeated,
        "lost": sum(statuses.get(job_id) != "succeeded" for job_id in outcome.ids) + jobs - len(set(outcome.ids)),
        "extra": len(statuses) - jobs,
        "completed_twice": sum(count > 1 for count in completions.values()),
        "different_answers": len(hashes) - 1,
    }


def extrapolate(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What a thousand workers with a core each need, from the costs of the largest run, computed and not measured."""
    first, last = runs[0], runs[-1]
    more = last["workers"] - first["workers"]

    def each(name: str) -> float:
        """What one more idle worker adds."""
        return float(max(0.0, last["idle"][name] - first["idle"][name]) / more)

    jobs_per_s = MANY * 1000 / last["cpu_ms"]["worker-videos"]
    redis_share = jobs_per_s * last["redis_ms"] / 1000 + MANY * each("redis_share")
    connections = MANY * each("redis_clients")
    return {
        "workers": MANY,
        "jobs_per_s": round(jobs_per_s),
        "redis_calls_per_s": round(jobs_per_s * last["redis_calls"] + MANY * each("redis_calls_per_s")),
        "redis_cores": round(redis_share, 2),
        "redis_connections": round(connections),
        "api_cores": round(jobs_per_s * last["cpu_ms"]["api"] / 1000, 1),
        "store_cores": round(jobs_per_s * last["cpu_ms"]["store"] / 1000, 1),
        "workers_at_one_redis_core": round(MANY / redis_share),
        "workers_at_all_connections": round(MANY * CONNECTIONS / connections),
    }


def is_whole(found: dict[str, Any]) -> bool:
    """Whether no job was lost, added, completed twice or had different results."""
    return not any(found[name] for name in ("lost", "extra", "completed_twice", "different_answers"))


def main() -> int:
    """Run the benchmark; the exit status is 0 if nothing was lost or done twice."""
    parser = argparse.ArgumentParser(prog="scripts/bench scale", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--write", action="store_true", help="record the result in docs/measured.md")
    parser.add_argument("--jobs", type=int, default=60, help="jobs of each run without kills")
    parser.add_argument("--kill-jobs", type=int, default=60, help="jobs of each round with kills")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3], help="numbers of workers for videos")
    parser.add_argument("--rounds", type=int, default=3, help="rounds with kills, each with the most workers")
    parser.add_argument("--compose", type=Path, nargs="*", default=[], help="further Compose files")
    parser.add_argument("--build", action="store_true", help="build the images first")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = VideoMaker(Path(folder)).make(SCENE).read_bytes()
    report: dict[str, Any] = {"machine": machine(), "video_s": SCENE.duration_s, "runs": [], "kills": []}
    for place, workers in enumerate(options.workers):
        with running(workers, options.compose, build=options.build and place == 0) as cluster:
            report["runs"].append(throughput(cluster, video, options.jobs, workers))
            _say(report["runs"][-1])
    for _ in range(options.rounds):
        with running(max(options.workers), options.compose) as cluster:
            report["kills"].append(kill_round(cluster, video, options.kill_jobs))
            _say(report["kills"][-1])
    report["thousand"] = extrapolate(report["runs"]) if len(report["runs"]) > 1 else None
    report["good"] = all(map(is_whole, report["kills"]))
    if options.write:
        measured.save("scale", report)
    if options.json:
        print(json.dumps(report))  # noqa: T201
    else:
        show(report)
    return 0 if report["good"] else 1


def _say(found: dict[str, Any]) -> None:
    Console(stderr=True).print(found)


def show(report: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console()
    for title, rows in (
        (report["machine"], report["runs"]),
        ("killed in the middle: a worker, an API, the store", report["kills"]),
        ("extrapolated", [report["thousand"]] if report["thousand"] else []),
    ):
        table = Table("", *("" for _ in rows), title=title)
        for name in rows[0] if rows else ():
            table.add_row(name, *(str(row[name]) for row in rows))
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
