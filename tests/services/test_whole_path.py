"""From a video handed in to what was found in it, through real processes."""

from datetime import datetime
from pathlib import Path

import av
import httpx
import pytest
from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.config.settings import Settings
from duygu.shared.schemas.result import Result
from tests.services.conftest import StartWorker, ended, serving, submit, wait_until, worker
from tests.support.media.videos import PAIR, PAN, VideoMaker
from tests.support.workers.scripted_worker import Script


@pytest.fixture
def served(api: httpx.Client, start_worker: StartWorker) -> httpx.Client:
    """A client of an API that a real worker works for."""
    start_worker()
    return api


def stored(settings: Settings) -> list[Path]:
    """Files that the service holds."""
    return [path for path in (settings.data_dir / "jobs").rglob("*") if path.is_file()]


def test_a_video_is_analysed(served: httpx.Client, video_maker: VideoMaker, service_settings: Settings) -> None:
    """Two faces in, two faces out; only the result and its plot are kept, and erasing the job leaves nothing at all."""
    job = ended(served, submit(served, video_maker.make(PAIR))["job_id"])
    assert (job["status"], job["progress"], job["error"]) == ("succeeded", 1.0, None)
    result = Result.model_validate_json(served.get(job["links"]["result"]).content)
    assert result.job_id == job["job_id"]
    assert [face.face_id for face in result.faces] == [1, 2]
    assert (job["faces"], job["duration_s"]) == (2, result.video.duration_s)
    ended_at, expires_at = (datetime.fromisoformat(job[name]) for name in ("ended_at", "expires_at"))
    assert (expires_at - ended_at).total_seconds() == service_settings.result_ttl
    events = served.get(job["links"]["events"]).text
    assert events.count("event: window") == sum(len(face.windows) for face in result.faces) > 0
    assert {path.name for path in stored(service_settings)} == {"result.json", "timeline.png"}
    assert served.delete(job["links"]["self"]).status_code == 204
    assert served.get(job["links"]["self"]).status_code == 404
    assert stored(service_settings) == []


def test_an_annotated_video_is_rendered_on_request(
    served: httpx.Client, video_maker: VideoMaker, service_settings: Settings, tmp_path: Path
) -> None:
    """It is an MP4 that a player can fetch in parts; the upload is gone, and erasing the job erases this too."""
    with video_maker.make(PAIR).open("rb") as video:
        job = served.post("/v1/videos", files={"video": video}, params={"annotate": True}).json()
    links = ended(served, job["job_id"])["links"]
    path = tmp_path / "film.mp4"
    path.write_bytes(served.get(links["video"]).content)
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 60
    part = served.get(links["video"], headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, b"ftyp", "video/mp4")
    assert served.get(links["result"], headers={"Accept": "image/png"}).content.startswith(b"\x89PNG")
    assert {path.name for path in stored(service_settings)} == {"result.json", "timeline.png", "annotated.mp4"}
    served.delete(links["self"])
    assert stored(service_settings) == []


def test_covered_faces_are_rendered_on_request(
    served: httpx.Client, video_maker: VideoMaker, service_settings: Settings, tmp_path: Path
) -> None:
    """`blurred=true` adds an MP4 of all pictures; without it and without the upload, 404 with a code of its own."""
    with video_maker.make(PAIR).open("rb") as video:
        job = served.post("/v1/videos", files={"video": video}, params={"blurred": True}).json()
    links = ended(served, job["job_id"])["links"]
    response = served.get(links["blurred"])
    assert response.headers["content-type"] == "video/mp4"
    path = tmp_path / "blurred.mp4"
    path.write_bytes(response.content)
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 60
    assert {file.name for file in stored(service_settings)} == {"result.json", "timeline.png", "blurred.mp4"}
    assert served.get(f"{links['result']}?format=mp4").json()["code"] == "not_annotated"
    plain = ended(served, submit(served, video_maker.make(PAN))["job_id"])
    assert plain["links"]["blurred"] is None
    response = served.get(f"{plain['links']['result']}?format=blurred")
    assert (response.status_code, response.json()["code"]) == (404, "not_blurred")


def test_an_annotated_video_has_to_be_requested(served: httpx.Client, video_maker: VideoMaker) -> None:
    """404 with a code of its own; a job without one is not as good as a job with one."""
    video = video_maker.make(PAN)
    job = ended(served, submit(served, video)["job_id"])
    assert job["links"]["video"] is None
    response = served.get(f"{job['links']['result']}?format=mp4")
    assert (response.status_code, response.json()["code"]) == (404, "not_annotated")
    query = {"annotate": True, "reuse": True}
    with video.open("rb") as file:
        again = served.post("/v1/videos", files={"video": file}, params=query).json()
    assert again["job_id"] != job["job_id"]
    assert ended(served, again["job_id"])["links"]["video"] == f"/v1/jobs/{again['job_id']}/result?format=mp4"


def test_an_unusable_video_fails_and_the_next_one_is_analysed(served: httpx.Client, video_maker: VideoMaker) -> None:
    """An empty file, a text, a sound recording and a broken video, one after the other, and then a good one."""
    empty = served.post("/v1/videos", files={"video": ("a.mp4", video_maker.empty().read_bytes())})
    assert (empty.status_code, empty.json()["code"]) == (422, "empty_file")
    text = served.post("/v1/videos", files={"video": ("a.mp4", video_maker.text().read_bytes())})
    assert (text.status_code, text.json()["code"]) == (415, "not_a_video")

    sound = ended(served, submit(served, video_maker.audio_only())["job_id"])
    assert (sound["status"], sound["error"]["code"]) == ("failed", "no_video_stream")
    response = served.get(f"{sound['links']['self']}/result")
    assert (response.status_code, response.json()["code"]) == (422, "no_video_stream")

    broken = ended(served, submit(served, video_maker.truncated())["job_id"])
    assert broken["status"] == "succeeded"
    warnings = served.get(broken["links"]["result"]).json()["warnings"]
    assert [warning["code"] for warning in warnings] == ["truncated"]

    assert ended(served, submit(served, video_maker.make(PAN))["job_id"])["status"] == "succeeded"


def test_an_expired_job_is_gone_without_a_trace(service_settings: Settings, redis: Redis) -> None:
    """After the time that results are kept, no key and no file is left, without a request to erase them."""
    with serving(service_settings) as api:
        with worker(
            service_settings.model_copy(update={"result_ttl": 1}), "tests.support.workers.scripted_worker", "videos"
        ):
            job_id = ended(api, submit(api, Script().upload())["job_id"])["job_id"]
            wait_until(lambda: api.get(f"/v1/jobs/{job_id}").status_code == 404)
            wait_until(lambda: stored(service_settings) == [])
        assert redis.keys(f"*{job_id}*") == redis.keys("duygu:twin:*") == []
        assert redis.zcard(keys.JOBS) == 0


def test_names_of_files_are_not_logged(
    served: httpx.Client, video_maker: VideoMaker, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the API nor the worker writes down what a video was called, whether it was good or not."""
    ended(served, submit(served, video_maker.make(PAN), "holiday.mp4")["job_id"])
    ended(served, submit(served, video_maker.audio_only(), "holiday.m4a")["job_id"])
    served.post("/v1/videos", files={"video": ("holiday.txt", b"words")})
    output = capfd.readouterr()
    assert "holiday" not in output.out + output.err


def test_redis_holds_no_video_and_no_name(served: httpx.Client, video_maker: VideoMaker, redis: Redis) -> None:
    """The file's bytes and name do not go through Redis; after its end a job is one record and its events."""
    job_id = ended(served, submit(served, video_maker.make(PAN), "holiday.mp4")["job_id"])["job_id"]
    wait_until(lambda: not redis.keys("rq:job:*"))
    names = set(redis.keys(f"*{job_id}*"))
    assert names == {f"duygu:job:{job_id}".encode(), f"duygu:job:{job_id}:events".encode()}
    assert not any(b"holiday" in (redis.dump(name) or b"") for name in names)
