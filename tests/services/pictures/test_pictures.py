"""`POST /v1/pictures`."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from redis import Redis

from duygu.client import Service, analyze_picture, analyze_pictures
from duygu.services.api.pictures.routes import EXAMPLES
from duygu.shared.broker import keys
from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.config.settings import Settings
from duygu.shared.errors import InvalidStartError, NotAPictureError, UndecodablePictureError
from duygu.shared.inputs.pictures import api_queue, messages
from duygu.shared.inputs.pictures.messages import WAITING, WORKERS, PictureReply, request_key
from duygu.shared.inputs.pictures.worker_queue import PictureTasks
from duygu.shared.jobs.heartbeat import send_heartbeat
from duygu.shared.jobs.queues import QueueName
from duygu.shared.schemas.picture import PictureList, PictureResult
from tests.services.conftest import serving, wait_until
from tests.services.live.conftest import StartLiveWorker
from tests.support.media.pictures import animated, astronaut, declared_png

PICTURE = astronaut(".jpg")

Outcome = tuple[int, str]


def send(address: str, *pictures: bytes, **fields: str) -> httpx.Response:
    """Send pictures as a form."""
    files = [("picture", ("a", picture)) for picture in pictures]
    return httpx.post(f"{address}/v1/pictures", files=files, data=fields, timeout=60)


def bare(address: str, content: bytes, kind: str = "image/jpeg", **query: str) -> httpx.Response:
    """Send the bytes of a picture as the body."""
    return httpx.post(
        f"{address}/v1/pictures", content=content, headers={"Content-Type": kind}, params=query, timeout=60
    )


def outcome(response: httpx.Response) -> Outcome:
    """Status and code of a problem."""
    return response.status_code, response.json().get("code", "")


@pytest.fixture
def ready(served: str, redis: Redis) -> str:
    """Address of an API whose live worker serves pictures."""
    wait_until(lambda: redis.zcard(keys.workers(WORKERS)))
    return served


def test_a_ready_live_worker_serves_pictures(served: str, redis: Redis) -> None:
    """A worker announces itself for pictures before it does for live sessions, which makes the service ready."""
    wait_until(lambda: redis.zcard(keys.workers(QueueName.LIVE)))
    assert redis.zcard(keys.workers(WORKERS))
    assert send(served, PICTURE).status_code == 200


def test_one_picture(ready: str) -> None:
    """Form and body give the response of the contract; every supported kind has the same faces."""
    response = send(ready, astronaut())
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    found = PictureResult.model_validate(response.json())
    (face,) = found.faces
    assert (found.picture.width, found.picture.height, face.emotion, face.uncertain) == (512, 512, "happiness", False)
    assert sum(face.probabilities.values()) == pytest.approx(1)
    for form, kind in (
        (".jpg", "image/jpeg"),
        (".png", ""),
        (".webp", "application/octet-stream"),
        (".avif", "image/x"),
    ):
        other = PictureResult.model_validate(bare(ready, astronaut(form), kind).json())
        assert other.faces[0].box == pytest.approx(face.box, abs=6)
        assert other.faces[0].emotion == "happiness"


def test_options(ready: str) -> None:
    """Options are form fields or query parameters; those of videos and invalid ones have their codes."""
    by_field = send(ready, PICTURE, labels="fear, happiness", max_faces="3").json()
    by_query = bare(ready, PICTURE, labels="fear,happiness", max_faces="3").json()
    assert by_field == by_query
    assert set(by_field["faces"][0]["probabilities"]) == {"fear", "happiness", "other"}
    assert send(ready, PICTURE, min_face="0.9").json()["faces"] == []
    assert outcome(send(ready, PICTURE, start_s="1")) == (422, "invalid_start_s")
    assert outcome(send(ready, PICTURE, measures="movements")) == (422, "invalid_measures")
    assert outcome(send(ready, PICTURE, min_face="2")) == (422, "invalid_min_face")
    assert outcome(send(ready, PICTURE, labels="joy")) == (422, "invalid_labels")
    assert outcome(bare(ready, PICTURE, max_faces="many")) == (422, "invalid_max_faces")
    assert outcome(bare(ready, PICTURE, every_s="1")) == (422, "unknown_parameter")
    both = httpx.post(f"{ready}/v1/pictures?labels=fear", files={"picture": PICTURE}, data={"labels": "fear"})
    assert outcome(both) == (422, "invalid_request")


def test_several_pictures(ready: str) -> None:
    """Several pictures give an item each, in their order; a bad one has its error and spoils no other."""
    response = send(ready, PICTURE, b"no picture", astronaut(".webp"), declared_png(1, 1)[:-2])
    assert response.status_code == 200, response.text
    assert response.json()["model"]["name"]
    first, bad, second, cut = response.json()["pictures"]
    assert [item["faces"][0]["emotion"] for item in (first, second)] == ["happiness", "happiness"]
    assert [item["error"]["code"] for item in (bad, cut)] == ["not_a_picture", "undecodable_picture"]
    assert (bad["picture"], bad["faces"], first["error"]) == (None, None, None)


BAD: dict[str, tuple[bytes, Outcome]] = {
    "empty": (b"", (422, "empty_file")),
    "text": (b"hello", (415, "not_a_picture")),
    "huge": (declared_png(30_000, 30_000), (422, "too_many_pixels")),
    "animated": (animated("PNG"), (422, "animated_picture")),
    "truncated": (PICTURE[:-3000], (422, "undecodable_picture")),
    "damaged": (declared_png(64, 64), (422, "undecodable_picture")),
}


def test_bad_pictures_have_codes_and_leave_nothing(ready: str, redis: Redis, live_settings: Settings) -> None:
    """Each unsuitable file has its code, by form and by body, and after all of them Redis and disk hold nothing."""
    for name, (content, wanted) in BAD.items():
        assert (name, outcome(send(ready, content))) == (name, wanted)
        assert (name, outcome(bare(ready, content))) == (name, wanted)
    assert outcome(bare(ready, b"{}", "application/json")) == (415, "not_a_picture")
    assert outcome(send(ready, *[PICTURE] * 50)) == (413, "too_many_pictures")
    assert outcome(httpx.post(f"{ready}/v1/pictures", files={"image": PICTURE})) == (422, "unknown_parameter")
    tiny = cv2_png_of_one_pixel()
    assert bare(ready, tiny, "image/png").json()["faces"] == []
    assert send(ready, PICTURE).json()["faces"]
    assert [key for key in redis.keys("duygu:pictures:*") if b"worker" not in key] == []
    assert not [path for path in Path(live_settings.data_dir).rglob("*") if path.is_file()]


def cv2_png_of_one_pixel() -> bytes:
    """A picture of 1 x 1 pixels."""
    import cv2
    import numpy as np

    return bytes(cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1])


def test_a_request_above_the_size_limit(live_settings: Settings) -> None:
    """A body above the limit is refused, whether or not it declares its size."""
    with serving(live_settings.model_copy(update={"pictures_max_mb": 0.01})) as api:
        assert outcome(api.post("/v1/pictures", content=PICTURE)) == (413, "too_large")
        pieces = (PICTURE[start : start + 1000] for start in range(0, len(PICTURE), 1000))
        assert outcome(api.post("/v1/pictures", content=pieces)) == (413, "too_large")


def test_without_a_worker_the_response_comes_at_once(address: str) -> None:
    """Where no live worker runs, the error does not wait as long as a response may take."""
    started = time.monotonic()
    response = send(address, PICTURE)
    assert outcome(response) == (503, "no_worker")
    assert response.headers["Retry-After"]
    assert time.monotonic() - started < messages.REPLY_S


def test_a_silent_worker_ends_in_a_timeout(address: str, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a worker counts as alive and does not respond, the request ends in time, and the picture is deleted."""
    monkeypatch.setattr(api_queue, "REPLY_S", 1.0)
    send_heartbeat(redis, WORKERS, "silent")
    assert outcome(send(address, PICTURE)) == (503, "picture_timed_out")
    assert not redis.keys(request_key("*"))
    assert messages.REPLY_S > 1


def test_a_full_queue_refuses_and_recovers(live_settings: Settings, redis: Redis) -> None:
    """Beyond the limit of waiting pictures the response is 503 with Retry-After; expired ones do not count."""
    tasks = PictureTasks(redis)
    tasks.send_heartbeat("slow")
    redis.rpush(WAITING, "expired")
    with serving(live_settings.model_copy(update={"pictures_max_waiting": 2})) as api, ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(api.post, "/v1/pictures", content=PICTURE) for _ in range(2)]
        wait_until(lambda: redis.llen(WAITING) == 3)
        refused = api.post("/v1/pictures", content=PICTURE)
        assert outcome(refused) == (503, "queue_full")
        assert refused.headers["Retry-After"] == "1"
        assert tasks.take(1) is None  # the expired one
        first = tasks.take(1)
        waiting.append(pool.submit(api.post, "/v1/pictures", content=PICTURE))
        for taken in (first, tasks.take(1), tasks.take(5)):
            assert taken
            assert taken.picture == PICTURE
            tasks.reply(taken.picture_id, PictureReply.of_error(UndecodablePictureError()))
        assert [outcome(response.result()) for response in waiting] == [(422, "undecodable_picture")] * 3


def test_ten_clients(ready: str) -> None:
    """Ten clients at the same time all receive their own result."""
    pictures = [PICTURE, astronaut(".webp")]

    def client(number: int) -> list[int]:
        return [len(send(ready, pictures[(number + turn) % 2]).json()["faces"]) for turn in range(4)]

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(client, range(10))) == [[1] * 4] * 10


def test_pictures_are_analysed_after_a_killed_worker(
    address: str, redis: Redis, start_live_worker: StartLiveWorker
) -> None:
    """When one of two workers is killed, the other analyses every picture."""
    killed, _ = start_live_worker(), start_live_worker()
    wait_until(lambda: redis.zcard(keys.workers(WORKERS)) >= 2)
    killed.kill()
    killed.wait()
    assert [send(address, PICTURE).status_code for _ in range(4)] == [200] * 4


def test_keys(live_settings: Settings, redis: Redis, start_live_worker: StartLiveWorker, tmp_path: Path) -> None:
    """A key needs the scope `submit`, and its limits of pictures and bytes apply."""
    start_live_worker()
    wait_until(lambda: redis.zcard(keys.workers(WORKERS)))
    file = tmp_path / "keys.json"
    minute = add_key(file, "minute", frozenset({Scope.SUBMIT}), KeyLimits(pictures_per_minute=3))
    day = add_key(file, "day", frozenset({Scope.SUBMIT}), KeyLimits(megabytes_per_day=0))
    reader = add_key(file, "reader", frozenset({Scope.READ}), KeyLimits())
    with serving(live_settings.model_copy(update={"keys_file": file})) as api:

        def ask(key: str | None, count: int = 1) -> httpx.Response:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            return api.post("/v1/pictures", files=[("picture", PICTURE)] * count, headers=headers)

        assert outcome(ask(None)) == (401, "unauthorized")
        assert outcome(ask(reader)) == (403, "forbidden")
        assert ask(minute, 2).status_code == 200
        assert outcome(ask(minute, 2)) == (429, "rate_limited")
        assert ask(minute).status_code == 200
        assert outcome(ask(day)) == (429, "rate_limited")


def test_metrics_and_limits(ready: str) -> None:
    """Pictures are counted by outcome, and the limits are published."""
    send(ready, PICTURE)
    send(ready, b"hello")
    text = httpx.get(f"{ready}/metrics").text
    assert 'duygu_pictures_total{code="analysed"} 1.0' in text
    assert 'duygu_pictures_total{code="not_a_picture"} 1.0' in text
    assert "duygu_picture_seconds_count 1.0" in text
    limits = httpx.get(f"{ready}/v1/limits").json()
    assert (limits["max_pictures"], limits["max_pictures_bytes"], limits["max_picture_pixels"]) == (
        20,
        50_000_000,
        50_000_000,
    )


def test_the_python_client(ready: str, tmp_path: Path) -> None:
    """One picture gives its result, several an item each, and a rejected option its error."""
    service, good, bad = Service(ready), tmp_path / "a.jpg", tmp_path / "b.jpg"
    good.write_bytes(PICTURE)
    bad.write_bytes(b"no picture")
    assert analyze_picture(good, service).faces[0].emotion == "happiness"
    found = analyze_pictures([good, bad] * 4 + [good], service, labels=["happiness"])
    assert [item.error.code if item.error else len(item.faces or ()) for item in found] == [1, "not_a_picture"] * 4 + [
        1
    ]
    assert analyze_pictures([], service) == []
    with pytest.raises(NotAPictureError):
        analyze_picture(bad, service)
    with pytest.raises(InvalidStartError):
        analyze_picture(good, service, start_s=1.0)


def test_the_examples_of_the_document_are_valid() -> None:
    """The examples in OpenAPI have the schema of the responses."""
    assert PictureResult.model_validate(EXAMPLES["one"]["value"]).faces
    assert [item.error is None for item in PictureList.model_validate(EXAMPLES["several"]["value"]).pictures] == [
        True,
        False,
    ]
