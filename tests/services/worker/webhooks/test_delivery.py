"""Delivery of webhooks, also when a process is killed meanwhile."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from redis import Redis

from duygu.shared.config import Settings
from duygu.shared.jobs.queues import QueueName, enqueue_webhooks, open_queue
from duygu.shared.webhooks import sign
from tests.services.conftest import StartWorker, ended, job, running, serving, wait_until, worker
from tests.shared.test_webhooks import SECRET
from tests.support.receiver import Message, Receiver, receiving
from tests.support.scripted_worker import Script


@pytest.fixture
def service_settings(service_settings: Settings) -> Settings:
    """Settings of a service that sends webhooks, also to this machine."""
    return service_settings.model_copy(update={"webhook_secret": SECRET, "webhook_networks": "127.0.0.0/8"})


@pytest.fixture
def start_sender(service_settings: Settings) -> Iterator[StartWorker]:
    """Starts workers that send webhooks."""
    with ExitStack() as started:
        yield lambda: started.enter_context(worker(service_settings, "tests.support.scripted_worker", "webhooks"))


def post(api: httpx.Client, script: Script, url: str) -> httpx.Response:
    """Submit a video with a webhook."""
    return api.post("/v1/videos", files={"video": ("a.mp4", script.upload())}, headers={"Webhook-URL": url})


def submit(api: httpx.Client, script: Script, receiver: Receiver) -> str:
    """Submit a video with a webhook; returns the id of its job."""
    answer = post(api, script, receiver.url)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def webhook(api: httpx.Client, job_id: str) -> dict[str, Any]:
    """The log of a job's webhook once no more attempts are made."""
    wait_until(lambda: job(api, job_id)["webhook"]["status"] != "waiting")
    return dict(job(api, job_id)["webhook"])


def check_signature(message: Message) -> None:
    """Fails where a receiver would not believe a message."""
    headers = message.headers
    signature = sign(SECRET, headers["webhook-id"], int(headers["webhook-timestamp"]), message.body)
    assert headers["webhook-signature"] == signature


def test_how_jobs_end_is_told_once(
    api: httpx.Client, start_scripted_worker: StartWorker, start_sender: StartWorker, redis: Redis
) -> None:
    """Success and failure, each in one signed message, with a log in the job and nothing left in the queue."""
    with receiving() as receiver:
        start_scripted_worker()
        start_sender()
        good, bad = submit(api, Script(), receiver), submit(api, Script(hungry=True), receiver)
        for job_id in (good, bad):
            found = webhook(api, job_id)
            assert found["status"] == "delivered"
            assert [(delivery["status"], delivery["error"]) for delivery in found["deliveries"]] == [(204, None)]
    for message in receiver.messages:
        check_signature(message)
    delivered = {message.headers["webhook-id"]: json.loads(message.body) for message in receiver.messages}
    assert set(delivered) == {f"msg_{good}", f"msg_{bad}"}
    assert len(receiver.messages) == 2
    assert (delivered[f"msg_{good}"]["type"], delivered[f"msg_{bad}"]["type"]) == ("job.succeeded", "job.failed")
    assert delivered[f"msg_{good}"]["data"]["links"]["result"] == f"/v1/jobs/{good}/result"
    assert delivered[f"msg_{bad}"]["data"]["error"]["code"] == "out_of_memory"
    wait_until(lambda: not redis.keys("rq:job:*"))


def test_a_receiver_that_fails_is_tried_again(
    api: httpx.Client, start_scripted_worker: StartWorker, start_sender: StartWorker
) -> None:
    """With the same id and body, and each attempt is in the log."""
    with receiving(statuses=[500, 204]) as receiver:
        start_scripted_worker()
        start_sender()
        found = webhook(api, submit(api, Script(), receiver))
        assert [delivery["status"] for delivery in found["deliveries"]] == [500, 204]
    assert len({(message.headers["webhook-id"], message.body) for message in receiver.messages}) == 1


def test_dead_workers_tell_it_once(
    api: httpx.Client, start_scripted_worker: StartWorker, start_sender: StartWorker
) -> None:
    """kill -9 of the worker of the job, and of the one that sends: the message comes with one id, and is logged."""
    answering = threading.Event()
    with receiving(pause=answering) as receiver:
        job_id = submit(api, Script(duration_s=0.2, deaths=1), receiver)
        start_scripted_worker().wait()
        start_scripted_worker()
        first = start_sender()
        wait_until(lambda: receiver.messages)
        first.kill()
        answering.set()
        start_sender()
        assert [delivery["status"] for delivery in webhook(api, job_id)["deliveries"]] == [204]
    assert {message.headers["webhook-id"] for message in receiver.messages} == {f"msg_{job_id}"}


def test_a_webhook_is_queued_once(
    api: httpx.Client, start_scripted_worker: StartWorker, redis: Redis, service_settings: Settings
) -> None:
    """By whoever comes first; and the job's own worker does not wait for the receiver."""
    with receiving() as receiver:
        start_scripted_worker()
        job_id = submit(api, Script(), receiver)
        assert ended(api, job_id)["webhook"] == {"status": "waiting", "deliveries": []}
        queue = open_queue(redis, QueueName.WEBHOOKS)
        wait_until(lambda: queue.count)
        enqueue_webhooks(queue)
        assert queue.job_ids == [f"webhook-{job_id}"]


def test_an_erased_job_tells_nothing(
    api: httpx.Client, start_scripted_worker: StartWorker, start_sender: StartWorker, redis: Redis
) -> None:
    """Neither while it runs nor between two attempts; and nothing of it is left in Redis."""
    with receiving(statuses=[500]) as receiver:
        start_scripted_worker()
        running_id = submit(api, Script(duration_s=60), receiver)
        running(api, running_id)
        api.delete(f"/v1/jobs/{running_id}")
        start_sender()
        failing_id = submit(api, Script(), receiver)
        wait_until(lambda: job(api, failing_id)["webhook"]["deliveries"])
        wait_until(lambda: redis.zcard("rq:scheduled:webhooks"))
        api.delete(f"/v1/jobs/{failing_id}")
        wait_until(lambda: not [key for key in redis.keys("*") if failing_id.encode() in key])
        assert redis.zcard("rq:scheduled:webhooks") == redis.scard("duygu:webhooks:due") == 0
    assert {message.headers["webhook-id"] for message in receiver.messages} == {f"msg_{failing_id}"}


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "https://127.0.0.1@example.com/", "nonsense", ""])
def test_addresses_that_are_refused_take_no_video(api: httpx.Client, redis: Redis, url: str) -> None:
    """422 with a code, and no job."""
    answer = post(api, Script(), url)
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook_refused")
    assert redis.keys("*") == []


def test_without_a_secret_there_are_no_webhooks(service_settings: Settings) -> None:
    """Nobody could tell whether a message is true."""
    with serving(service_settings.model_copy(update={"webhook_secret": ""})) as api, receiving() as receiver:
        answer = post(api, Script(), receiver.url)
        assert (answer.status_code, answer.json()["code"]) == (422, "webhook_refused")
