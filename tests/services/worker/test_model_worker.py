"""Workers that are killed, stopped or run out of memory during a job."""

import signal
import time

import httpx
from redis import Redis

from duygu.shared.config.settings import Settings
from tests.services.conftest import StartWorker, ended, job, running, submit, wait_until
from tests.support.workers.scripted_worker import Script


def uploads(settings: Settings) -> list[str]:
    """Return the names of the stored files."""
    return [path.name for path in (settings.data_dir / "jobs").rglob("*") if path.is_file()]


def test_a_killed_workers_job_is_done_by_the_next(
    api: httpx.Client, start_scripted_worker: StartWorker, service_settings: Settings
) -> None:
    """A job whose worker is killed is continued by another worker and succeeds."""
    first = start_scripted_worker()
    job_id = submit(api, Script(duration_s=3.0).upload())["job_id"]
    before = running(api, job_id)
    start_scripted_worker()
    first.kill()
    after = ended(api, job_id)
    assert after["status"] == "succeeded"
    assert after["started_at"] == before["started_at"]
    assert uploads(service_settings) == ["result.json"]


def test_a_job_that_crashes_every_worker_fails(
    api: httpx.Client, start_scripted_worker: StartWorker, service_settings: Settings
) -> None:
    """A job that kills its worker twice fails as `crashed`, and the next worker keeps running."""
    job_id = submit(api, Script(duration_s=0.2, deaths=9).upload())["job_id"]
    for _ in range(2):
        assert start_scripted_worker().wait() == -signal.SIGKILL
    third = start_scripted_worker()
    failed = ended(api, job_id)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "crashed")
    assert ended(api, submit(api, Script().upload())["job_id"])["status"] == "succeeded"
    assert third.poll() is None
    assert "upload" not in uploads(service_settings)


def test_one_death_is_forgiven(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """A job that kills its worker once is run again and succeeds."""
    job_id = submit(api, Script(duration_s=0.2, deaths=1).upload())["job_id"]
    start_scripted_worker().wait()
    start_scripted_worker()
    assert ended(api, job_id)["status"] == "succeeded"


def test_running_out_of_memory_fails_the_job(
    api: httpx.Client, start_scripted_worker: StartWorker, service_settings: Settings
) -> None:
    """A job that runs out of memory fails with `out_of_memory`, and the worker continues."""
    start_scripted_worker()
    failed = ended(api, submit(api, Script(hungry=True).upload())["job_id"])
    assert (failed["status"], failed["error"]["code"]) == ("failed", "out_of_memory")
    assert ended(api, submit(api, Script().upload())["job_id"])["status"] == "succeeded"
    wait_until(lambda: "upload" not in uploads(service_settings))  # the job ends before its upload is deleted


def test_a_stopped_worker_finishes_a_short_job(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """After SIGTERM, a worker finishes a job that ends within the grace period."""
    worker = start_scripted_worker()
    job_id = submit(api, Script(duration_s=1.5).upload())["job_id"]
    running(api, job_id)
    worker.terminate()
    assert worker.wait() == 0
    assert job(api, job_id)["status"] == "succeeded"


def test_a_stopped_worker_requeues_a_long_job(api: httpx.Client, start_scripted_worker: StartWorker) -> None:
    """After SIGTERM, a longer job is requeued, which does not count as a crash."""
    job_id = submit(api, Script(duration_s=3.0).upload())["job_id"]
    for _ in range(3):
        worker = start_scripted_worker()
        wait_until(lambda: job(api, job_id)["status"] == "running")
        worker.terminate()
        time.sleep(0.2)
        worker.terminate()  # the second signal skips the grace period
        assert worker.wait() == 0
        assert job(api, job_id)["status"] == "queued"
    start_scripted_worker()
    assert ended(api, job_id)["status"] == "succeeded"


def test_erasing_a_running_job_stops_it(
    api: httpx.Client, start_scripted_worker: StartWorker, service_settings: Settings, redis: Redis
) -> None:
    """Erasing a running job frees the worker long before its end and deletes all keys and files of the job."""
    start_scripted_worker()
    job_id = submit(api, Script(duration_s=60.0).upload())["job_id"]
    running(api, job_id)
    erased = time.monotonic()
    assert api.delete(f"/v1/jobs/{job_id}").status_code == 204
    wait_until(lambda: not redis.exists(f"rq:job:{job_id}"))
    assert time.monotonic() - erased < 20
    wait_until(lambda: not redis.keys(f"*{job_id}*"))
    assert uploads(service_settings) == []
    assert ended(api, submit(api, Script().upload())["job_id"])["status"] == "succeeded"


def test_erasing_a_waiting_job_leaves_nothing(api: httpx.Client, service_settings: Settings, redis: Redis) -> None:
    """Erasing a job that waits removes it from the queue with its keys and files."""
    job_id = submit(api, Script().upload())["job_id"]
    assert api.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert [key for key in redis.keys("*") if job_id.encode() in key] == []
    assert redis.llen("rq:queue:videos") == 0
    assert uploads(service_settings) == []
