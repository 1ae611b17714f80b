"""Stored results of jobs, with their edits."""

import time

from duygu.services.api.service import ServiceContext
from duygu.shared.edits.editing import apply_edits
from duygu.shared.errors import ResultExpiredError, ResultNotReadyError, VideoNotKeptError
from duygu.shared.jobs.edits import EditList
from duygu.shared.jobs.queues import enqueue_render
from duygu.shared.schemas import Result
from duygu.shared.storage.base import EDITED_FILM, RESULT, UPLOAD

RENDER_WAIT_S = 10.0
"""Time that a request waits for a rendering before the client is asked to try again."""

POLL_S = 0.1

COMPUTED = EditList()
"""No edits."""


def stored_json(service: ServiceContext, job_id: str, edits: EditList = COMPUTED) -> bytes:
    """The result as JSON; without edits, the stored bytes. Raises ResultExpiredError."""
    if edits.edits:
        return stored_result(service, job_id, edits).model_dump_json().encode()
    return _stored(service, job_id)


def stored_result(service: ServiceContext, job_id: str, edits: EditList = COMPUTED) -> Result:
    """The result with these edits. Raises ResultExpiredError."""
    return apply_edits(Result.model_validate_json(_stored(service, job_id)), edits.edits)


def rendered_file(service: ServiceContext, job_id: str, file: str, edits: EditList) -> str:
    """Name of a stored file that shows these edits; a worker renders it if necessary.

    Raises ResultNotReadyError when the rendering takes longer than RENDER_WAIT_S, and VideoNotKeptError when the video
    that an annotated video needs has been deleted.
    """
    if service.edits.rendered(job_id, file) == edits.version:
        return file
    if file == EDITED_FILM:
        _require_upload(service, job_id)
    enqueue_render(service.videos, job_id, file, edits.version, service.settings.job_timeout_s)
    deadline = time.monotonic() + RENDER_WAIT_S
    while service.edits.rendered(job_id, file) != edits.version:
        if time.monotonic() > deadline:
            raise ResultNotReadyError("The edits are being rendered; try again in a few seconds")
        time.sleep(POLL_S)
    return file


def _require_upload(service: ServiceContext, job_id: str) -> None:
    try:
        service.storage.stat(job_id, UPLOAD)
    except FileNotFoundError as error:
        raise VideoNotKeptError from error


def _stored(service: ServiceContext, job_id: str) -> bytes:
    try:
        return service.storage.read(job_id, RESULT)
    except FileNotFoundError as error:
        raise ResultExpiredError from error
