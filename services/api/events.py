"""`GET /v1/jobs/{id}/events`: what happens in a job, as server-sent events."""

import logging
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from redis.exceptions import RedisError

from duygu.services.api.dependencies import KnownJob, TheService
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.service import Service
from duygu.shared.errors import InvalidRequestError, JobNotFoundError
from duygu.shared.jobs.events import Told, follow, last_number

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

RETRY_MS = 1000
"""A browser whose connection broke comes back after this long."""

LastEventId = Annotated[
    str | None, Header(pattern=r"^\d{0,9}$", description="`id` of the last event that arrived; empty for none")
]

EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["queued", "started", "progress", "window", "succeeded", "failed", "cancelled"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string", "pattern": "^[0-9]+$"},
    },
}

ANSWERS: Responses = {
    200: {"description": "The events", "content": {"text/event-stream": {"itemSchema": EVENT}}},
    204: {"description": "The job has ended and there is nothing more to tell: do not come back"},
    **problems(JobNotFoundError, InvalidRequestError),
}


@router.get("/{job_id}/events", response_class=StreamingResponse, responses=ANSWERS)
async def read_events(record: KnownJob, service: TheService, last_event_id: LastEventId = None) -> Response:
    """What happens in a job, as it happens: queued, started, progress, window, and last succeeded, failed or cancelled.

    Begins with what was told before, or behind `Last-Event-ID`.
    """
    after = int(last_event_id or 0)
    if record.ended and after >= await last_number(service.news, record.job_id):
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # proxies shall pass events on at once
    return StreamingResponse(_stream(service, record.job_id, after), media_type="text/event-stream", headers=headers)


async def _stream(service: Service, job_id: str, after: int) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=RETRY_MS)
    try:
        async for told in service.shutdown.until(follow(service.news, job_id, after)):
            yield _written(told) if told else KEEPALIVE_COMMENT
    except RedisError as error:
        logger.warning("events of job %s break off: %s", job_id, error)


def _written(told: Told) -> bytes:
    number = str(told.number) if told.number is not None else None
    return format_sse_event(data_str=told.data, event=told.name, id=number)
