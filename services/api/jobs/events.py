"""`GET /v1/jobs/{id}/events`: the events of a job as server-sent events."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from redis.exceptions import RedisError

from duygu.services.api.dependencies import ReadableJob, ServiceDep
from duygu.services.api.http.problems import Responses, problems
from duygu.services.api.service import ServiceContext
from duygu.shared.errors import InvalidRequestError, JobNotFoundError
from duygu.shared.jobs.events import JobEvent, follow, last_number
from duygu.shared.jobs.place import places
from duygu.shared.jobs.record import JobRecord

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

RETRY_MS = 1000
"""Time after which a browser reconnects."""

LastEventId = Annotated[
    str | None,
    Header(pattern=r"^\d{0,9}$", description="`id` of the last event received; the response starts with the next one"),
]

EVENTS = [
    "queued",
    "ahead",
    "started",
    "fetching",
    "fetched",
    "progress",
    "window",
    "succeeded",
    "failed",
    "cancelled",
]

EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": EVENTS},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string", "pattern": "^[0-9]+$"},
    },
}

RESPONSES: Responses = {
    200: {"description": "The stream of events", "content": {"text/event-stream": {"itemSchema": EVENT}}},
    204: {"description": "The job has ended and no further event follows; do not reconnect"},
    **problems(JobNotFoundError, InvalidRequestError),
}


@router.get("/{job_id}/events", response_class=StreamingResponse, responses=RESPONSES)
async def read_events(record: ReadableJob, service: ServiceDep, last_event_id: LastEventId = None) -> Response:
    """Stream the events of a job: queued, started, progress, window, and finally succeeded, failed or cancelled.

    While the job waits behind others, `ahead` has their number, at first and whenever it changes; it has no id.
    The stream starts with the first stored event, or with the one after `Last-Event-ID`.
    """
    after = int(last_event_id or 0)
    if record.ended and after >= await last_number(service.event_redis, record.job_id):
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # no caching, no buffering
    return StreamingResponse(_stream(service, record, after), media_type="text/event-stream", headers=headers)


async def _stream(service: ServiceContext, record: JobRecord, after: int) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=RETRY_MS)
    place = PlaceEvents(service, record)
    try:
        async for event in service.shutdown.until(follow(service.event_redis, record.job_id, after)):
            yield _encoded(event) if event else KEEPALIVE_COMMENT
            if moved := await place.after(event):
                yield _encoded(moved)
    except RedisError as error:
        logger.warning("the event stream of job %s was interrupted: %s", record.job_id, error)


class PlaceEvents:
    """Makes the events `ahead` of a job while it waits."""

    def __init__(self, service: ServiceContext, record: JobRecord) -> None:
        self._service, self._record = service, record
        self._waits = not record.ended and record.started_at is None
        self._last: int | None = 0

    async def after(self, event: JobEvent | None) -> JobEvent | None:
        """The event to send after another one, or after a pause; None if the place has not changed."""
        self._waits = self._waits and (event is None or event.name == "queued")
        if not self._waits:
            return None
        found = await run_in_threadpool(places, self._service.redis, [self._record])
        before, self._last = self._last, found[self._record.job_id]
        return None if self._last == before else JobEvent(None, "ahead", json.dumps({"ahead": self._last}))


def _encoded(event: JobEvent) -> bytes:
    number = str(event.number) if event.number is not None else None
    return format_sse_event(data_str=event.data, event=event.name, id=number)
