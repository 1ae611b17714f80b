"""`Prefer: wait=N`: a small video is answered in the call that handed it in."""

import asyncio
import re
import time
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from redis.exceptions import RedisError

from duygu.services.api.service import Service
from duygu.services.api.views import job_path, job_view
from duygu.shared.errors import CancelledError, UnavailableError
from duygu.shared.jobs.events import follow
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas import AnsweredJob, JobStatus, Result
from duygu.shared.storage.base import RESULT

LONGEST_S = 60
"""Nobody is kept waiting longer; proxies on the way seldom allow more."""

WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE)


def wait_s(prefer: str | None) -> int:
    """Seconds to wait by a `Prefer` header; 0 where it asks for something else, or nothing."""
    found = WAIT.search(prefer or "")
    return min(int(found[1]), LONGEST_S) if found else 0


async def answer(service: Service, record: JobRecord, seconds: int) -> Response:
    """Answer a video that was handed in: 200 with the result if its job ends in time, 202 otherwise."""
    headers = {"Location": job_path(record.job_id)}
    if seconds:
        headers["Preference-Applied"] = f"wait={seconds}"
        await _wait(service, record.job_id, seconds)
        record = await run_in_threadpool(_now, service, record)
    if not record.ended:
        return _json(job_view(record).model_dump_json(), 202, headers)
    result = await run_in_threadpool(_result, service, record)
    job = AnsweredJob(**dict(job_view(record)), result=result)
    return _json(job.model_dump_json(), 200, headers)


def _now(service: Service, record: JobRecord) -> JobRecord:
    """The job as it is, or as it was when Redis has gone away: it was taken, and to say otherwise would be wrong.

    One that somebody has erased meanwhile was cancelled, or had ended before.
    """
    try:
        now = service.jobs.read(record.job_id)
    except RedisError:
        return record
    if now is None:
        error = CancelledError()
        return replace(record, status=JobStatus.CANCELLED, ended_at=datetime.now(UTC), error=error)
    return now


async def _wait(service: Service, job_id: str, seconds: int) -> None:
    """Until the job ends, the time is over, Redis goes away or the service stops."""
    deadline = time.monotonic() + seconds
    try:
        async with asyncio.timeout(seconds), aclosing(follow(service.news, job_id)) as events:
            async for _ in service.shutdown.until(events):
                if time.monotonic() > deadline:  # a connection that is just being made may swallow the timeout
                    return
    except (TimeoutError, RedisError):
        return


def _result(service: Service, record: JobRecord) -> Result | None:
    """None where it cannot be had just now: the job is answered all the same, and says where its result is."""
    if record.status != JobStatus.SUCCEEDED:
        return None
    try:
        return Result.model_validate_json(service.storage.read(record.job_id, RESULT))
    except (FileNotFoundError, UnavailableError):
        return None


def _json(content: str, status: int, headers: dict[str, str]) -> Response:
    return Response(content, status, headers, "application/json")
