"""Stored results of jobs, with their edits."""

import gc
import threading
import time

from duygu.services.api.service import ServiceContext
from duygu.shared.errors import NotBlurredError, ResultExpiredError, ResultNotReadyError, VideoNotKeptError
from duygu.shared.jobs.edits import EditList, record_rendered
from duygu.shared.jobs.queues import enqueue_blurred, enqueue_render
from duygu.shared.schemas.result import Result
from duygu.shared.storage.base import (
    BLURRED_VIDEO,
    EDITED_ANNOTATED_VIDEO,
    EDITED_RESULT,
    PLOT,
    RESULT,
    UPLOAD,
    versioned,
)
from duygu.shared.workbench.edits.editing import apply_edits

RENDER_WAIT_S = 10.0
"""Time that a request waits for a rendering before the response tells the client to try again."""

POLL_S = 0.1

_one_parse = threading.Lock()

COMPUTED = EditList()
"""No edits."""


def stored_json(service: ServiceContext, job_id: str, edits: EditList = COMPUTED) -> bytes:
    """The result as JSON, stored for each version of the edits; without edits, the computed bytes.

    Raises ResultExpiredError.
    """
    if not edits.edits:
        return _stored(service, job_id, RESULT)
    try:
        return service.storage.read(job_id, versioned(EDITED_RESULT, edits.version))
    except FileNotFoundError:
        return _apply(service, job_id, edits)


def stored_result(service: ServiceContext, job_id: str, edits: EditList = COMPUTED) -> Result:
    """The result with these edits. Raises ResultExpiredError."""
    content = stored_json(service, job_id, edits)
    with _one_parse:  # of an hour with twenty faces takes seconds and a gigabyte
        gc.disable()  # the collector would visit the growing result again and again, five times the work
        try:
            return Result.read(content)
        finally:
            gc.enable()


def _apply(service: ServiceContext, job_id: str, edits: EditList) -> bytes:
    """Apply the edits and store the outcome."""
    content = apply_edits(stored_result(service, job_id), edits.edits).model_dump_json().encode()
    with service.storage.writer(job_id, versioned(EDITED_RESULT, edits.version)) as file:
        file.write(content)
    record_rendered(service.edits, service.storage, job_id, EDITED_RESULT, edits.version)
    return content


def rendered_file(service: ServiceContext, job_id: str, file: str, edits: EditList) -> str:
    """Name of a stored file that shows these edits; a worker renders it if necessary.

    Raises ResultNotReadyError when the rendering takes longer than RENDER_WAIT_S, and VideoNotKeptError when the video
    that an annotated video needs has been deleted.
    """
    name = versioned(file, edits.version)
    if service.edits.rendered(job_id, file) == edits.version:
        return name
    if file == EDITED_ANNOTATED_VIDEO:
        _require_upload(service, job_id)
    enqueue_render(service.videos, job_id, file, edits.version, service.settings.job_timeout_s)
    deadline = time.monotonic() + RENDER_WAIT_S
    while service.edits.rendered(job_id, file) != edits.version:
        if time.monotonic() > deadline:
            raise ResultNotReadyError("The edits are being rendered; try again in a few seconds")
        time.sleep(POLL_S)
    return name


def rendered_plot(service: ServiceContext, job_id: str) -> str:
    """Name of the stored plot of the computed result; a worker renders that of an imported result if necessary.

    Raises ResultNotReadyError when the rendering takes longer than RENDER_WAIT_S.
    """
    if _is_stored(service, job_id, PLOT) or not _is_stored(service, job_id, RESULT):
        return PLOT
    enqueue_render(service.videos, job_id, PLOT, 0, service.settings.job_timeout_s)
    _await_file(service, job_id, PLOT, "The plot is being rendered")
    return PLOT


def blurred_file(service: ServiceContext, job_id: str) -> str:
    """Name of the stored video with every face covered; a worker makes it if necessary. Edits do not change it.

    Raises ResultNotReadyError when that takes longer than RENDER_WAIT_S, and NotBlurredError when the video that it
    needs has been deleted.
    """
    if _is_stored(service, job_id, BLURRED_VIDEO):
        return BLURRED_VIDEO
    if not _is_stored(service, job_id, UPLOAD):
        raise NotBlurredError
    enqueue_blurred(service.videos, job_id, service.settings.job_timeout_s)
    _await_file(service, job_id, BLURRED_VIDEO, "The video is being made")
    return BLURRED_VIDEO


def _await_file(service: ServiceContext, job_id: str, file: str, reason: str) -> None:
    deadline = time.monotonic() + RENDER_WAIT_S
    while not _is_stored(service, job_id, file):
        if time.monotonic() > deadline:
            raise ResultNotReadyError(f"{reason}; try again in a few seconds")
        time.sleep(POLL_S)


def _is_stored(service: ServiceContext, job_id: str, file: str) -> bool:
    try:
        service.storage.stat(job_id, file)
    except FileNotFoundError:
        return False
    return True


def _require_upload(service: ServiceContext, job_id: str) -> None:
    if not _is_stored(service, job_id, UPLOAD):
        raise VideoNotKeptError


def _stored(service: ServiceContext, job_id: str, name: str) -> bytes:
    try:
        return service.storage.read(job_id, name)
    except FileNotFoundError as error:
        raise ResultExpiredError from error
