"""Exports of studies: the ZIP of the tables of `duygu study`, which a worker computes."""

import asyncio
import time
from http import HTTPStatus

from fastapi import Response
from fastapi.concurrency import run_in_threadpool

from duygu.services.api.http.byte_ranges import Conditions, file_response
from duygu.services.api.http.problems import problem_response
from duygu.services.api.service import ServiceContext
from duygu.shared.errors import DuyguError, QueueFullError, RateLimitedError
from duygu.shared.jobs.queues import enqueue_export, export_task, waiting, withdraw
from duygu.shared.schemas.study import StudyExport
from duygu.shared.workbench.sheets.exports import ZIP, Export, ExportOrder, unfinished

WAIT_S = 10
"""Seconds that a request without `Prefer: wait` waits for the ZIP."""

POLL_S = 0.15

RETRY_S = 2
"""`Retry-After` of a response without the ZIP."""

MAX_UNFINISHED, MAX_STORED = 3, 20
"""Exports of one caller that are being computed, and that are stored; a further one replaces the oldest."""


async def respond(service: ServiceContext, order: ExportOrder, seconds: int, conditions: Conditions) -> Response:
    """The ZIP; 202 with the progress if it is not ready within so many seconds. A failed export gives its error.

    Raises RateLimitedError and QueueFullError.
    """
    deadline = time.monotonic() + seconds
    while True:
        export = await run_in_threadpool(_current, service, order)
        if export.status == "succeeded":
            response = await run_in_threadpool(_file, service, export, conditions)
            if response:
                return response
        elif export.error:
            return _failed(export.error)
        elif time.monotonic() >= deadline or service.shutdown.begun:
            return _unfinished(export)
        await asyncio.sleep(POLL_S)


def _failed(error: DuyguError) -> Response:
    """A server error becomes 409, as of a failed job: the service itself has not failed."""
    return problem_response(
        error, status=HTTPStatus.CONFLICT if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else error.status
    )


def _unfinished(export: Export) -> Response:
    state = StudyExport(status="running" if export.status == "running" else "queued", progress=export.progress)
    headers = {"Retry-After": str(RETRY_S), "Cache-Control": "private, no-cache"}
    return Response(state.model_dump_json(), HTTPStatus.ACCEPTED, headers, "application/json")


def _file(service: ServiceContext, export: Export, conditions: Conditions) -> Response | None:
    """The stored ZIP; None if it was deleted, and is to be made again."""
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="study-{export.export_id[:8]}.zip"',
    }
    try:
        return file_response(service.storage, export.export_id, ZIP, "application/zip", conditions, headers)
    except FileNotFoundError:
        service.study_exports.erase(export.export_id)
        return None


def _current(service: ServiceContext, order: ExportOrder) -> Export:
    """The export of an order, which is queued if there is none or its task was lost."""
    export_id, timeout_s = order.export_id, service.settings.job_timeout_s
    export = service.study_exports.read(export_id)
    if export is None:
        _admit(service, order.owner)
        service.study_exports.create(order)
        export = Export(export_id, order.owner, order.study_id, "queued")
    if export.status in ("queued", "running"):
        enqueue_export(service.videos, export_id, timeout_s)
    return export


def _admit(service: ServiceContext, owner: str) -> None:
    """Make room for another export. Raises RateLimitedError and QueueFullError."""
    known = service.study_exports.of_owner(owner)
    if len(unfinished(known)) >= MAX_UNFINISHED:
        raise RateLimitedError(f"{MAX_UNFINISHED} exports are being computed, the maximum", retry_after_s=RETRY_S)
    if waiting(service.videos) >= service.settings.max_queued:
        raise QueueFullError
    ended = [one for one in known if one not in unfinished(known)]
    for one in ended[: max(0, len(known) + 1 - MAX_STORED)]:
        erase_export(service, one.export_id)


def erase_export(service: ServiceContext, export_id: str) -> None:
    """Stop an export that has not ended, and erase its ZIP. Raises EraseFailedError."""
    withdraw(service.videos, export_task(export_id))
    service.storage.erase(export_id)
    service.study_exports.erase(export_id)


def erase_exports_of_job(service: ServiceContext, job_id: str) -> None:
    """Erase every ZIP that contains a job. Raises EraseFailedError."""
    for export_id in service.study_exports.of_job(job_id):
        erase_export(service, export_id)


def erase_exports_of_study(service: ServiceContext, owner: str, study_id: str) -> None:
    """Erase every ZIP of a study. Raises EraseFailedError."""
    for export in service.study_exports.of_owner(owner):
        if export.study_id == study_id:
            erase_export(service, export.export_id)
