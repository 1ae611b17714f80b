"""`duygu.client.analyze` against a real service, over connections that break."""

import re

import httpx
import pytest

from duygu.client import Service, analyze
from duygu.shared.errors import InvalidLabelsError
from duygu.shared.schemas.options import OptionValues, read_options
from tests.services.conftest import StartWorker
from tests.support.media.videos import PAIR, PAN, VideoMaker
from tests.support.servers.cutting_proxy import cutting

RESPONSE_BYTES = 600
"""A response to an upload and the beginning of an event stream are longer."""


@pytest.mark.parametrize(
    "cuts",
    [
        pytest.param((1,), id="the response to the upload is lost"),
        pytest.param((1, 1, 1), id="three times"),
        pytest.param((RESPONSE_BYTES * 3,), id="the events break off"),
        pytest.param((1, RESPONSE_BYTES * 3, RESPONSE_BYTES, RESPONSE_BYTES * 4), id="again and again"),
    ],
)
def test_a_broken_connection_costs_nothing(
    api: httpx.Client, start_worker: StartWorker, video_maker: VideoMaker, cuts: tuple[int, ...]
) -> None:
    """Lost responses are requested again, and a repeated upload gives the same job."""
    start_worker()
    with cutting(api.base_url.port or 0, *cuts) as proxy:
        result = analyze(video_maker.make(PAN), Service(f"http://127.0.0.1:{proxy.port}"))
        assert proxy.connections > len(cuts)
    (job,) = api.get("/v1/jobs").json()["jobs"]
    assert (job["status"], job["job_id"]) == ("succeeded", result.job_id)
    assert result.faces


def test_options_are_sent_with_the_video(api: httpx.Client, start_worker: StartWorker, video_maker: VideoMaker) -> None:
    """They take effect in the worker, and the result and the job repeat them."""
    start_worker()
    path, service = video_maker.make(PAIR), Service(str(api.base_url))
    whole = analyze(path, service)
    sent: OptionValues = {"start_s": 0.5, "labels": ["anger", "fear"], "max_faces": 1, "min_face": 0.1, "every_s": 1}
    result = analyze(path, service, **sent)
    (job, _) = api.get("/v1/jobs").json()["jobs"]
    assert read_options(job["options"]) == read_options(sent)
    assert result.options
    options = result.options
    assert (options.max_faces, options.min_face, options.every_s, options.start_s) == (1, 0.1, 1, 0.5)
    assert (job["duration_s"], job["work"]["time_left_s"]) == (pytest.approx(result.video.duration_s - 0.5), 0)
    assert min(position.time_s for position in result.faces[0].positions) == 0.5
    assert options.labels == result.model.labels == ["anger", "fear", "other"]
    assert len(result.faces) == 1
    assert len(whole.faces) == 2
    assert len(result.faces[0].windows) < len(whole.faces[0].windows)
    with pytest.raises(InvalidLabelsError, match="unknown label joy"):
        analyze(path, service, labels=["joy"])


def test_the_job_is_followed_and_not_polled(
    api: httpx.Client, start_worker: StartWorker, video_maker: VideoMaker
) -> None:
    """However long the analysis takes: one stream of events, and the job is read once they have ended."""
    start_worker()
    analyze(video_maker.make(PAN), Service(str(api.base_url)))
    counted = re.findall(
        r'duygu_http_requests_total{method="GET",route="([^"]*)",[^}]*} ([0-9.]+)', api.get("/metrics").text
    )
    jobs = {route: float(count) for route, count in counted if route.startswith("/v1/jobs")}
    assert sum(jobs.values()) <= 3, jobs
