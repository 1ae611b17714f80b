"""`Prefer: wait=N`: waits for the end of a job before the response to its upload (RFC 7240)."""

import asyncio
import re
import time
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from redis.exceptions import RedisError

from duygu.services.api.jobs.serializers import job_path, serialize_job, serialize_jobs
from duygu.services.api.jobs.stored_result import stored_result
from duygu.services.api.service import ServiceContext
from duygu.shared.errors import CancelledError, ResultExpiredError, UnavailableError
from duygu.shared.jobs.events import follow
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.job import AnsweredJob, Job, JobStatus
from duygu.shared.schemas.result import Result

MAX_WAIT_S = 60
"""Maximum time to wait; proxies rarely permit more."""

WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE)


def wait_s(prefer: str | None) -> int:
    """Seconds to wait according to a `Prefer` header; 0 without `wait`."""
    found = WAIT.search(prefer or "")
    return min(int(found[1]), MAX_WAIT_S) if found else 0


async def respond(service: ServiceContext, record: JobRecord, seconds: int) -> Response:
    """The response to an upload: 200 with the result if the job ends in time, otherwise 202."""
    headers = {"Location": job_path(record.job_id)}
    if seconds:
        headers["Preference-Applied"] = f"wait={seconds}"
        await _wait_until_ended(service, record.job_id, seconds)
        record = await run_in_threadpool(_current, service, record)
    if not record.ended:
        job = await run_in_threadpool(_serialized, service, record)
        return _json(job.model_dump_json(), 202, headers)
    result = await run_in_threadpool(_stored_result, service, record)
    ended = serialize_job(record, has_upload=service.settings.keep_uploads)
    return _json(AnsweredJob(**dict(ended), result=result).model_dump_json(), 200, headers)


def _current(service: ServiceContext, record: JobRecord) -> JobRecord:
    """The current state of the job, or the previous one if Redis is unreachable, as the job was accepted.

    A job that was erased meanwhile counts as cancelled.
    """
    try:
        now = service.jobs.read(record.job_id)
    except RedisError:
        return record
    if now is None:
        error = CancelledError()
        return replace(record, status=JobStatus.CANCELLED, ended_at=datetime.now(UTC), error=error)
    return now


def _serialized(service: ServiceContext, record: JobRecord) -> Job:
    """The job with its place, or without it if Redis is unreachable, as the job was accepted."""
    try:
        return serialize_jobs(service, [record])[0]
    except RedisError:
        return serialize_job(record, has_upload=service.settings.keep_uploads)


async def _wait_until_ended(service: ServiceContext, job_id: str, seconds: int) -> None:
    """Wait until the job ends, the time expires, Redis becomes unreachable or the shutdown begins."""
    deadline = time.monotonic() + seconds
    try:
        async with asyncio.timeout(seconds), aclosing(follow(service.event_redis, job_id)) as events:
            async for _ in service.shutdown.until(events):
                if time.monotonic() > deadline:  # connecting to Redis may swallow the timeout
                    return
    except (TimeoutError, RedisError):
        return


def _stored_result(service: ServiceContext, record: JobRecord) -> Result | None:
    """The result; None if it is unavailable. The job still links to it."""
    if record.status != JobStatus.SUCCEEDED:
        return None
    try:
        return stored_result(service, record.job_id, service.edits.read(record.job_id))
    except (ResultExpiredError, UnavailableError):
        return None


def _json(content: str, status: int, headers: dict[str, str]) -> Response:
    return Response(content, status, headers, "application/json")
