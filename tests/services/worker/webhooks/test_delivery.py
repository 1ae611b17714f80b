"""Delivery of webhooks, also when processes are killed."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from redis import Redis

from duygu.shared.config.settings import Settings
from duygu.shared.jobs.queues import QueueName, enqueue_webhooks, open_queue
from duygu.shared.network.webhooks import sign
from tests.services.conftest import StartWorker, ended, job, running, serving, wait_until, worker
from tests.shared.network.test_webhooks import SECRET
from tests.support.servers.receiver import Message, Receiver, receiving
from tests.support.workers.scripted_worker import Script


@pytest.fixture
def service_settings(service_settings: Settings) -> Settings:
    """Settings of a service with webhooks, which may go to this machine."""
    return service_settings.model_copy(update={"webhook_secret": SECRET, "webhook_networks": "127.0.0.0/8"})


@pytest.fixture
def start_sender(service_settings: Settings) -> Iterator[StartWorker]:
    """A function that starts a worker for webhooks."""
    with ExitStack() as started:
        yield lambda: started.enter_context(
            worker(service_settings, "tests.support.workers.scripted_worker", "webhooks")
        )


def post(api: httpx.Client, script: Script, url: str) -> httpx.Response:
    """Submit a video with a webhook."""
    return api.post("/v1/videos", files={"video": ("a.mp4", script.upload())}, headers={"Webhook-URL": url})


def submit(api: httpx.Client, script: Script, receiver: Receiver) -> str:
    """Submit a video with a webhook and return the id of its job."""
    response = post(api, script, receiver.url)
    assert response.status_code == 202, response.text
    return str(response.json()["job_id"])


def webhook(api: httpx.Client, job_id: str) -> dict[str, Any]:
    """Return the webhook of a job after its last attempt."""
    wait_until(lambda: job(api, job_id)["webhook"]["status"] != "waiting")
    return dict(job(api, job_id)["webhook"])


def check_signature(message: Message) -> None:
    """Assert that the signature of a message is valid."""
    headers = message.headers
    signature = sign(SECRET, headers["webhook-id"], int(headers["webhook-timestamp"]), message.body)
    assert headers["webhook-signature"] == signature


def test_the_end_of_a_job_is_delivered_once(
    api: httpx.Client, start_scripted_worker: StartWorker, start_sender: StartWorker, redis: Redis
) -> None:
    """Success and failure of a job cause one signed message each, with a log in the job and no task left."""
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
    """A failed delivery is repeated with the same id and body, and each attempt is logged."""
    with receiving(statuses=[500, 204]) as receiver:
        start_scripted_worker()
        start_sender()
        found = webhook(api, submit(api, Script(), receiver))
        assert [delivery["status"] for delivery in found["deliveries"]] == [500, 204]
    assert len({(message.headers["webhook-id"], message.body) for message in receiver.messages}) == 1


def test_a_crash_of_workers_is_delivered_once(
    api: httpx.Client, start_scripted_worker: StartWorker, start_sender: StartWorker
) -> None:
    """When the workers of the job and of the webhook are killed, the message still has one id and is logged."""
    responding = threading.Event()
    with receiving(pause=responding) as receiver:
        job_id = submit(api, Script(duration_s=0.2, deaths=1), receiver)
        start_scripted_worker().wait()
        start_scripted_worker()
        first = start_sender()
        wait_until(lambda: receiver.messages)
        first.kill()
        responding.set()
        start_sender()
        assert [delivery["status"] for delivery in webhook(api, job_id)["deliveries"]] == [204]
    assert {message.headers["webhook-id"] for message in receiver.messages} == {f"msg_{job_id}"}


def test_a_webhook_is_queued_once(
    api: httpx.Client, start_scripted_worker: StartWorker, redis: Redis, service_settings: Settings
) -> None:
    """A webhook is enqueued once, and the job's worker does not wait for the receiver."""
    with receiving() as receiver:
        start_scripted_worker()
        job_id = submit(api, Script(), receiver)
        assert ended(api, job_id)["webhook"] == {"status": "waiting", "deliveries": []}
        queue = open_queue(redis, QueueName.WEBHOOKS)
        wait_until(lambda: queue.count)
        enqueue_webhooks(queue)
        assert queue.job_ids == [f"webhook-{job_id}"]


def test_an_erased_job_delivers_nothing(
    api: httpx.Client, start_scripted_worker: StartWorker, start_sender: StartWorker, redis: Redis
) -> None:
    """Erasing a job, while it runs or between two attempts, prevents further messages and leaves no key."""
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
def test_refused_addresses_reject_the_upload(api: httpx.Client, redis: Redis, url: str) -> None:
    """A refused webhook address responds 422 and creates no job."""
    response = post(api, Script(), url)
    assert (response.status_code, response.json()["code"]) == (422, "webhook_refused")
    assert redis.keys("*") == []


def test_without_a_secret_there_are_no_webhooks(service_settings: Settings) -> None:
    """Without a secret, webhooks are refused."""
    with serving(service_settings.model_copy(update={"webhook_secret": ""})) as api, receiving() as receiver:
        response = post(api, Script(), receiver.url)
        assert (response.status_code, response.json()["code"]) == (422, "webhook_refused")
