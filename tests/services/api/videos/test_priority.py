"""The priority of an API key, from the command that adds it to the queue."""

import re
from pathlib import Path

import httpx
import pytest
from redis import Redis

from duygu.services.cli import main
from duygu.shared.config.settings import Settings
from duygu.shared.jobs.queues import QueueName, open_queue
from tests.services.conftest import serving
from tests.support.workers.scripted_worker import Script


def test_jobs_of_interactive_keys_are_queued_before_bulk_jobs(
    service_settings: Settings, redis: Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key of `--priority bulk` is listed as such, and its jobs are queued behind those of other keys."""
    file = tmp_path / "keys.json"
    assert main(["keys", "add", "people", "--file", str(file)]) == 0
    assert main(["keys", "add", "nightly", "--file", str(file), "--priority", "bulk"]) == 0
    people, nightly = re.findall(r"duygu_\S+", capsys.readouterr().out)
    assert main(["keys", "list", "--file", str(file)]) == 0
    assert "nightly: read submit, bulk" in capsys.readouterr().out
    with serving(service_settings.model_copy(update={"keys_file": file})) as api:

        def submit(key: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {key}"}
            return api.post("/v1/videos", files={"video": Script().upload()}, headers=headers)

        jobs = [submit(key).json() for key in (nightly, nightly, people)]
        first, second, third = (job["job_id"] for job in jobs)
        waiting = open_queue(redis, QueueName.VIDEOS).job_ids
        assert waiting == [third, first, second]
        headers = {"Authorization": f"Bearer {nightly}"}
        ahead = [api.get(f"/v1/jobs/{job_id}", headers=headers).json()["ahead"] for job_id in (first, second)]
        assert ahead == [jobs[0]["ahead"], jobs[1]["ahead"]] == [4, 9]
        assert jobs[2]["ahead"] == 0
