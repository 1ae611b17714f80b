"""A rolling upgrade: workers and APIs of two versions share one Redis and one storage."""

import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.config.settings import Settings
from duygu.shared.paths import ROOT
from duygu.shared.runtime.processes.children import start_child, stop
from tests.services.conftest import ended, submit, wait_until
from tests.support.media.videos import Actor, Scene, VideoMaker

pytestmark = pytest.mark.timeout(900)

PATIENCE_S = 300.0
"""Longest wait: each program of the test is started while others work."""

OLD = "cb7fc54873ef"
"""The commit of release 0.1.0."""

PARTS = ("duygu", "services", "shared", "training", "models", "requirements", "docs/reading-the-result.md")

ENDED = "the job has ended: succeeded"
"""A worker's line at the end of a job."""

SCENE = Scene(actors=(Actor(),), width=640, height=360, duration_s=2.0)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the old version; skips without the history of the repository."""
    archive = subprocess.run(["git", "archive", OLD, *PARTS], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"commit {OLD} is not in the history of this checkout")
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@contextmanager
def process(code: Path, settings: Settings, log: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A program of one version, whose stderr goes to a file, while the block runs."""
    environment = {**os.environ, **settings.environment(), "PYTHONPATH": str(code)}
    for name in ("DUYGU_MODEL", "DUYGU_MTCNN", "DUYGU_MOVEMENTS"):  # each version uses the models it came with
        environment.pop(name, None)
    with log.open("ab") as file:
        command = [sys.executable, "-m", "duygu", *arguments]
        child = start_child(command, env=environment, cwd=code, stderr=file, stdout=subprocess.PIPE)
        try:
            yield child
        finally:
            stop(child)
            child.communicate()


@contextmanager
def api(code: Path, settings: Settings, log: Path) -> Iterator[httpx.Client]:
    """A client of an API of one version, without workers of its own."""
    alone = settings.model_copy(update={"workers": 0, "stream_workers": 0})
    with process(code, alone, log, "serve", "--port", "0") as child:
        assert child.stdout
        address = re.search(rb"http://\S+", child.stdout.readline())
        assert address, log.read_text()
        with httpx.Client(base_url=address[0].decode(), timeout=PATIENCE_S) as client:
            yield client


def results(client: httpx.Client, jobs: list[str]) -> list[object]:
    """The emotions of each job's faces, once it has succeeded."""
    assert [ended(client, job_id, PATIENCE_S)["status"] for job_id in jobs] == ["succeeded"] * len(jobs)
    found = [client.get(f"/v1/jobs/{job_id}/result").raise_for_status().json() for job_id in jobs]
    assert all(len(result["faces"]) == 1 for result in found)
    return found


def test_two_versions_work_side_by_side(
    old: Path, settings: Settings, valkey_url: str, redis: Redis, video_maker: VideoMaker, tmp_path: Path
) -> None:
    """Workers of both versions share the jobs of the old API and of the new one, and all results stay readable."""
    shared = settings.model_copy(update={"redis_url": valkey_url})
    logs = {name: tmp_path / name for name in ("old worker", "new worker", "old api", "new api")}

    def shares() -> list[int]:
        return [logs[name].read_text().count(ENDED) for name in ("old worker", "new worker")]

    video = video_maker.make(SCENE)
    with (
        process(old, shared, logs["old worker"], "worker", "videos"),
        process(ROOT, shared, logs["new worker"], "worker", "videos"),
    ):
        wait_until(lambda: redis.zcard(keys.workers("videos")) == 2, PATIENCE_S)
        with api(old, shared, logs["old api"]) as client:
            first = [submit(client, video)["job_id"] for _ in range(6)]
            results(client, first)
            wait_until(lambda: sum(shares()) == 6, PATIENCE_S)
            before = shares()
        with api(ROOT, shared, logs["new api"]) as client:
            second = [submit(client, video)["job_id"] for _ in range(6)]
            results(client, second)
            results(client, first)
            wait_until(lambda: sum(shares()) == 12, PATIENCE_S)
            listed = [job["job_id"] for job in client.get("/v1/jobs").json()["jobs"]]
    assert all(before), before
    assert all(now > earlier for now, earlier in zip(shares(), before, strict=True)), (before, shares())
    assert set(listed) == {*first, *second}


def test_a_job_of_a_stopped_old_worker_goes_to_a_new_one(
    old: Path, settings: Settings, valkey_url: str, redis: Redis, video_maker: VideoMaker, tmp_path: Path
) -> None:
    """An old worker that is stopped in the middle of a video hands it over; the new one completes it once."""
    shared = settings.model_copy(update={"redis_url": valkey_url, "shutdown_grace_s": 0.0})
    log, video = tmp_path / "log", video_maker.make(Scene(actors=(Actor(),), width=640, height=360, duration_s=8.0))
    with api(ROOT, shared, tmp_path / "api") as client:
        with process(old, shared, log, "worker", "videos"):
            job_id = submit(client, video)["job_id"]
            wait_until(lambda: client.get(f"/v1/jobs/{job_id}").json()["status"] == "running", PATIENCE_S)
        assert client.get(f"/v1/jobs/{job_id}").json()["status"] in ("queued", "running")
        with process(ROOT, shared, log, "worker", "videos"):
            results(client, [job_id])
    assert log.read_text().count(ENDED) == 1
