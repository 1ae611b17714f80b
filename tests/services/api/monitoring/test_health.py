"""Whether the service says truly that it is alive and ready."""

import httpx
from redis import Redis

from duygu.shared.config.settings import Settings
from duygu.shared.jobs.heartbeat import deregister, send_heartbeat
from duygu.shared.jobs.queues import QueueName
from tests.services.conftest import serving
from tests.shared.network.test_webhooks import SECRET


def test_readiness_requires_a_live_worker(api: httpx.Client, redis: Redis) -> None:
    """Not ready before a worker was heard of, ready then, and not ready once it has left."""
    queues = (QueueName.VIDEOS, QueueName.LIVE)
    response = api.get("/readyz")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert {check["name"]: check["ok"] for check in response.json()["checks"]} == {
        "redis": True,
        "storage": True,
        **{f"worker:{queue.value}": False for queue in queues},
    }
    for queue in queues:
        assert api.get("/readyz").status_code == 503
        send_heartbeat(redis, queue.value, "somebody")
    assert api.get("/readyz").json()["status"] == "ready"
    deregister(redis, "videos", "somebody")
    assert api.get("/readyz").status_code == 503


def test_webhooks_need_a_worker_of_their_own(service_settings: Settings, redis: Redis) -> None:
    """Where there are webhooks, the service is not ready before somebody delivers them."""
    for queue in (QueueName.VIDEOS, QueueName.LIVE):
        send_heartbeat(redis, queue.value, "somebody")
    with serving(service_settings.model_copy(update={"webhook_secret": SECRET})) as api:
        assert [check["name"] for check in api.get("/readyz").json()["checks"] if not check["ok"]] == [
            "worker:webhooks"
        ]
        send_heartbeat(redis, QueueName.WEBHOOKS.value, "somebody")
        assert api.get("/readyz").status_code == 200


def test_without_redis_requests_are_unavailable(service_settings: Settings) -> None:
    """The process is alive; what needs Redis has the response 503 with Retry-After, and never 500."""
    with serving(service_settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})) as api:
        assert api.get("/healthz").json() == {"status": "alive"}
        assert api.get("/readyz").status_code == 503
        for response in (
            api.get("/v1/jobs"),
            api.get(f"/v1/jobs/{'0' * 32}"),
            api.post("/v1/videos", files={"video": ("a.mp4", bytes(1000))}),
        ):
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
            assert "Retry-After" in response.headers


def test_a_storage_that_cannot_be_written_is_not_ready(service_settings: Settings, redis: Redis) -> None:
    """A file lies where the folder should be."""
    for queue in QueueName:
        send_heartbeat(redis, queue.value, "somebody")
    service_settings.data_dir.mkdir(parents=True)
    (service_settings.data_dir / "jobs").touch()
    with serving(service_settings) as api:
        failed = [check["name"] for check in api.get("/readyz").json()["checks"] if not check["ok"]]
        assert failed == ["storage"]
