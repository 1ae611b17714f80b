"""Property-based tests: every response conforms to the OpenAPI document."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from redis import Redis
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from duygu.shared.broker import keys
from duygu.shared.config.settings import Settings
from duygu.shared.errors import DuyguError, OutOfMemoryError
from duygu.shared.inputs.pictures.messages import WORKERS
from duygu.shared.jobs.heartbeat import send_heartbeat
from duygu.shared.jobs.queues import QueueName
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.jobs.store import JobStore
from duygu.shared.schemas.job import JobStatus
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Result, VideoInfo
from duygu.shared.storage.base import RESULT
from duygu.shared.storage.opening import open_storage
from tests.services.conftest import wait_until, worker

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

EXAMPLES = 8
"""Requests for each call and each kind of job."""

bounded = hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def add_job(redis: Redis, settings: Settings, error: DuyguError | None) -> str:
    """A job that has ended, well or with an error."""
    job_id, jobs = new_job_id(), JobStore(redis, 3600)
    with redis.pipeline() as pipeline:
        jobs.create(JobRecord(job_id, JobStatus.QUEUED, datetime.now(UTC)), pipeline)
        pipeline.execute()
    record = jobs.begin(job_id)
    assert record
    if error:
        jobs.fail(job_id, error)
    else:
        jobs.succeed(job_id, record.events + 1)
    with open_storage(settings).writer(job_id, RESULT) as file:
        file.write(result(job_id).model_dump_json().encode())
    return job_id


def result(job_id: str) -> Result:
    """A result without faces."""
    model = ModelInfo(name="none", version="1", sha256="0" * 64, labels=["neutral"])
    video = VideoInfo(duration_s=1, width=64, height=64, rotation=0, frames_decoded=1, frames_analysed=1)
    return Result(job_id=job_id, model=model, video=video, faces=[])


def probe(
    api: httpx.Client, label: str, mode: GenerationMode, job_id: str | None, study_id: str | None = None
) -> Callable[[], None]:
    """Creates a test that sends generated requests to one operation and validates each response."""
    schema = schemathesis.openapi.from_dict(api.get("/openapi.json").json())
    method, path = label.split()

    @bounded
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case[Any]) -> None:
        if job_id is not None:
            case.path_parameters["job_id"] = job_id
        if study_id is not None:
            case.path_parameters["study_id"] = study_id
        response = case.call(base_url=str(api.base_url), timeout=10)
        case.validate_response(response, checks=CHECKS)

    return check


WITHOUT_PARAMETERS = [
    "GET /v1/model",
    "GET /v1/limits",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "OPTIONS /v1/uploads",
]

OF_A_JOB = [
    "GET /v1/jobs/{job_id}",
    "GET /v1/jobs/{job_id}/result",
    "GET /v1/jobs/{job_id}/events",
    "GET /v1/jobs/{job_id}/edits",
    "POST /v1/jobs/{job_id}/edits",
    "DELETE /v1/jobs/{job_id}/edits/last",
    "GET /v1/jobs/{job_id}/labels",
    "GET /v1/jobs/{job_id}/labels/{rater}",
    "PUT /v1/jobs/{job_id}/labels/{rater}",
    "POST /v1/jobs/{job_id}/labels/{rater}/import",
    "GET /v1/jobs/{job_id}/labels/{rater}/task",
    "PATCH /v1/jobs/{job_id}",
    "GET /v1/jobs/{job_id}/video",
    "GET /v1/jobs/{job_id}/baseline",
    "GET /v1/jobs/{job_id}/agreement",
]

OF_UPLOADS = [
    "POST /v1/uploads",
    "GET /v1/uploads/{upload_id}",
    "PATCH /v1/uploads/{upload_id}",
    "DELETE /v1/uploads/{upload_id}",
]

OF_STUDIES = [
    "GET /v1/studies/{study_id}",
    "PUT /v1/studies/{study_id}",
    "GET /v1/studies/{study_id}/export",
    "DELETE /v1/studies/{study_id}/export",
]

WITH_PARAMETERS = [
    "GET /v1/studies",
    "POST /v1/studies",
    "GET /v1/studies/export",
    "DELETE /v1/studies/{study_id}",
    *OF_STUDIES,
    "POST /v1/videos",
    "POST /v1/pictures",
    "GET /v1/jobs",
    "POST /v1/jobs",
    "DELETE /v1/jobs/{job_id}",
    *OF_UPLOADS,
    *OF_A_JOB,
]


def test_every_call_is_tried(api: httpx.Client) -> None:
    """Every operation has a test."""
    paths = api.get("/openapi.json").json()["paths"]
    described = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert described - {"GET /v1/asyncapi.json"} == {*WITHOUT_PARAMETERS, *WITH_PARAMETERS}


@pytest.fixture
def _picture_worker(request: pytest.FixtureRequest, service_settings: Settings, redis: Redis) -> Iterator[None]:
    """A live worker for the call that needs its response."""
    if "/v1/pictures" not in request.node.name:
        yield
        return
    with worker(service_settings, "duygu.services.cli", "worker", "streams"):
        wait_until(lambda: redis.zcard(keys.workers(WORKERS)))
        yield


@pytest.mark.usefixtures("_picture_worker")
@pytest.mark.parametrize("label", [*WITHOUT_PARAMETERS, *WITH_PARAMETERS])
def test_good_requests(api: httpx.Client, redis: Redis, label: str) -> None:
    """Valid requests give documented responses and no 500."""
    for queue in QueueName:
        send_heartbeat(redis, queue.value, "somebody")
    probe(api, label, GenerationMode.POSITIVE, None)()


@pytest.mark.usefixtures("_picture_worker")
@pytest.mark.parametrize("label", WITH_PARAMETERS)
def test_bad_requests(api: httpx.Client, label: str) -> None:
    """Invalid requests give documented responses and no 500."""
    probe(api, label, GenerationMode.NEGATIVE, None)()


@pytest.mark.parametrize("error", [None, OutOfMemoryError()], ids=["succeeded", "failed"])
@pytest.mark.parametrize("label", OF_A_JOB)
def test_jobs(
    api: httpx.Client, redis: Redis, service_settings: Settings, label: str, error: DuyguError | None
) -> None:
    """Requests for existing jobs give documented responses and no 500."""
    probe(api, label, GenerationMode.POSITIVE, add_job(redis, service_settings, error))()


@pytest.mark.parametrize("label", OF_STUDIES)
def test_studies(api: httpx.Client, label: str) -> None:
    """Requests for an existing study give documented responses and no 500."""
    study = api.post("/v1/studies", json={}).json()
    probe(api, label, GenerationMode.POSITIVE, None, study["study_id"])()
