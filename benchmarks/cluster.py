"""A deployment of several APIs and workers that share a bucket, run by Docker Compose: deploy/compose/scale.yaml."""

import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from duygu.shared.paths import ROOT

FILES = (ROOT / "docker-compose.yml", ROOT / "deploy" / "compose" / "scale.yaml")

PROJECT = "duygu-scale"
"""Of Compose; its containers and volumes are deleted in the end."""

READY_S = 420
"""Timeout for the start of all containers."""

CPU_TIME = (
    "cat /sys/fs/cgroup/cpu.stat 2>/dev/null | sed -n 's/^usage_usec //p'; "
    "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null"
)
"""Prints the CPU time of a container: microseconds with cgroup 2, otherwise nanoseconds."""

ENDED = re.compile(r"the job has ended: succeeded.*job_id[\"= :]+([0-9a-f]{32})")
"""A worker's line at the end of a job, as text or as JSON."""


class Cluster:
    """The containers of one Compose project. Raises CalledProcessError where Docker refuses a command."""

    def __init__(self, extra: Sequence[Path] = ()) -> None:
        """`extra` are further Compose files, for example with a network for builds."""
        files = [argument for file in (*FILES, *extra) for argument in ("--file", str(file))]
        self._compose = ["docker", "compose", "--project-name", PROJECT, *files]

    def start(self, workers: int, *, build: bool) -> None:
        """Start empty containers, and wait until all of them are healthy."""
        images = "--build" if build else "--no-build"
        scale = f"--scale=worker-videos={workers}"
        self._run("up", "--detach", "--wait", f"--wait-timeout={READY_S}", images, scale)

    def end(self) -> None:
        """Delete containers and volumes."""
        self._run("down", "--volumes", "--timeout", "5", "--remove-orphans")

    def containers(self, service: str) -> list[str]:
        """Ids of a service's containers, also of those that do not run."""
        return self._run("ps", "--all", "--quiet", service).split()

    def addresses(self) -> list[str]:
        """Addresses of the APIs."""
        found = [_docker("port", container, "8000").split()[0] for container in self.containers("api")]
        return [f"http://{address}" for address in found]

    def kill(self, container: str) -> None:
        """End a container with SIGKILL; it stays away until `revive`."""
        _docker("kill", "--signal", "KILL", container)

    def revive(self, container: str) -> None:
        """Start a killed container with its files."""
        _docker("start", container)

    def cpu_s(self, service: str) -> float:
        """CPU time of all running containers of a service since their start, in seconds."""
        return sum(self._cpu_s(container) for container in self.containers(service))

    def redis_calls(self) -> Counter[str]:
        """Calls by command of the Redis of jobs since its start, those from within scripts included."""
        found = self._redis("info", "commandstats")
        return Counter({name.lower(): int(calls) for name, calls in re.findall(r"cmdstat_(\S+?):calls=(\d+)", found)})

    def redis_cpu_s(self) -> float:
        """CPU time of the Redis of jobs since its start, in seconds."""
        found = self._redis("info", "cpu")
        return sum(float(value) for value in re.findall(r"used_cpu_(?:sys|user):([\d.]+)", found))

    def redis_clients(self) -> int:
        """Connections to the Redis of jobs."""
        [count] = re.findall(r"connected_clients:(\d+)", self._redis("info", "clients"))
        return int(count)

    def completions(self) -> Counter[str]:
        """How many times workers have completed each job, by their logs."""
        return Counter(ENDED.findall(self._run("logs", "--no-color", "--no-log-prefix", "worker-videos")))

    def _redis(self, *command: str) -> str:
        return self._run("exec", "-T", "redis", "redis-cli", *command)

    def _cpu_s(self, container: str) -> float:
        figure = _docker("exec", container, "sh", "-c", CPU_TIME).split()[0]
        return int(figure) / (1e9 if Path("/sys/fs/cgroup/cpuacct").exists() else 1e6)

    def _run(self, *arguments: str) -> str:
        return _output([*self._compose, *arguments])


@contextmanager
def running(workers: int, extra: Sequence[Path], *, build: bool = False) -> Iterator[Cluster]:
    """A cluster that is deleted in the end, with its data."""
    cluster = Cluster(extra)
    cluster.end()
    try:
        cluster.start(workers, build=build)
        time.sleep(3)  # health checks, which start a Python each, have just ended
        yield cluster
    finally:
        cluster.end()


def _docker(*arguments: str) -> str:
    return _output(["docker", *arguments])


def _output(command: Sequence[str]) -> str:
    environment = {**os.environ, "DUYGU_PORTS": ports()}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - docker
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout


def ports() -> str:
    """Ports of the APIs on this machine: `DUYGU_PORTS`, or 18000 and 18001."""
    return os.environ.get("DUYGU_PORTS", "18000-18001")
