"""Tasks that render pictures of a finished job: the plot or the annotated video with edits, and covered faces."""

import logging

from duygu.services.worker.context import Renderer, WorkerContext, current_job
from duygu.shared.errors import DuyguError
from duygu.shared.jobs.edits import record_rendered
from duygu.shared.runtime.telemetry.logs import about
from duygu.shared.schemas.result import Result
from duygu.shared.storage.base import BLURRED_VIDEO, EDITED_ANNOTATED_VIDEO, PLOT, RESULT, UPLOAD, versioned
from duygu.shared.workbench.edits.editing import apply_edits

logger = logging.getLogger(__name__)


def render_edited(job_id: str, file: str, version: int) -> None:
    """Render a file with one version of the edits, unless they have changed since.

    The API waits for the recorded version; an error leaves none, so that the next request renders again.
    """
    with about(job_id=job_id):
        try:
            _render(job_id, file, version)
        except (DuyguError, FileNotFoundError) as error:
            logger.warning("the edited %s could not be rendered: %s", file, error)


def render_blurred(job_id: str) -> None:
    """Make the video of a finished job with every face covered, from its kept upload.

    The API waits for the stored file; after an error the next request tries again.
    """
    with about(job_id=job_id):
        try:
            _blur(job_id)
        except (DuyguError, FileNotFoundError) as error:
            logger.warning("the video with covered faces could not be made: %s", error)


def _blur(job_id: str) -> None:
    job = current_job()
    storage, renderer = job.worker.storage, job.worker.renderer
    if renderer is None:
        return
    result = Result.read(storage.read(job_id, RESULT))
    with storage.local(job_id, UPLOAD) as video, storage.place(job_id, BLURRED_VIDEO) as target:
        should_stop = job.control.should_stop
        renderer.blur(video, result, target, on_progress=lambda _share: None, should_stop=should_stop)
    _erase_if_gone(job.worker, job_id)


def _erase_if_gone(worker: WorkerContext, job_id: str) -> None:
    """Erase the files of a job that was erased meanwhile."""
    if worker.jobs.read(job_id) is None:
        worker.storage.erase(job_id)


def _render(job_id: str, file: str, version: int) -> None:
    job = current_job()
    worker, renderer = job.worker, job.worker.renderer
    edits = worker.edits.read(job_id)
    if renderer is None:
        return
    if file == PLOT:
        _render_plot(worker, renderer, job_id)
        return
    if edits.version != version:
        return
    result = apply_edits(Result.read(worker.storage.read(job_id, RESULT)), edits.edits)
    name = versioned(file, version)
    if file == EDITED_ANNOTATED_VIDEO:
        with worker.storage.local(job_id, UPLOAD) as video, worker.storage.place(job_id, name) as target:
            should_stop = job.control.should_stop
            renderer.annotate(video, result, target, on_progress=lambda _share: None, should_stop=should_stop)
    else:
        with worker.storage.writer(job_id, name) as target_file:
            target_file.write(renderer.plot(result))
    record_rendered(worker.edits, worker.storage, job_id, file, version)
    _erase_if_gone(worker, job_id)


def _render_plot(worker: WorkerContext, renderer: Renderer, job_id: str) -> None:
    """Render the plot of a computed result that no analysis of this service made."""
    result = Result.read(worker.storage.read(job_id, RESULT))
    with worker.storage.writer(job_id, PLOT) as target:
        target.write(renderer.plot(result))
    _erase_if_gone(worker, job_id)
