"""What workers do. Each task is named in shared/jobs/queues.py and called by rq with the arguments of the job."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rq.timeouts import JobTimeoutException

from duygu.services.worker.context import Turn, Workplace, current_turn
from duygu.services.worker.control import HandedBackError, PutOffError
from duygu.services.worker.videos.reporter import Reporter
from duygu.services.worker.videos.stages import Stages
from duygu.shared.errors import (
    CancelledError,
    DuyguError,
    JobTimeoutError,
    OutOfMemoryError,
    StorageAwayError,
    UnavailableError,
    UploadMissingError,
)
from duygu.shared.jobs.queues import STORAGE_PAUSES_S
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas import Result
from duygu.shared.storage.base import FILM, PLOT, RESULT, UPLOAD
from duygu.shared.telemetry.logs import about

logger = logging.getLogger(__name__)


def analyze_video(job_id: str) -> None:
    """Analyse the upload of a job, store the result, and delete the upload however it ends.

    Raises HandedBackError when the worker has to go and PutOffError when the storage is away; everything else that
    goes wrong is written into the job.
    """
    turn = current_turn()
    with about(job_id=job_id):
        record = turn.place.jobs.begin(job_id)
        if record is not None:
            with turn.place.traces.span("job", record.trace, job_id=job_id, attempt=record.attempts):
                _run(turn, record)
        tidy(turn.place, job_id)


def work_shift() -> None:
    """Answer live sessions until there is nothing to answer for a while."""
    turn = current_turn()
    if turn.place.live:
        turn.place.live.shift(turn.control.should_stop)


def _run(turn: Turn, record: JobRecord) -> None:
    jobs, metrics, traces = turn.place.jobs, turn.place.metrics, turn.place.traces
    if record.attempts == 1 and record.started_at:
        waited_s = (record.started_at - record.created_at).total_seconds()
        metrics.seconds.labels("wait").observe(waited_s)
        traces.note(waited_s=waited_s)
    reporter = Reporter(jobs, record, turn.control)
    error = _attempt(turn, record, reporter)
    if isinstance(error, HandedBackError):
        jobs.hand_back(record.job_id)
        raise error
    if isinstance(error, UnavailableError):
        error = _put_off(turn, record)
    reporter.flush()
    if error is None:
        jobs.succeed(record.job_id, reporter.next_number, reporter.done, reporter.faces)
    else:
        jobs.fail(record.job_id, error, reporter.next_number)
        traces.fail(error.code)
    metrics.jobs.labels(error.code if error else "succeeded").inc()
    logger.info("the job has ended: %s", error.code if error else "succeeded")


def _put_off(turn: Turn, record: JobRecord) -> DuyguError:
    """The storage is away: let the job come again later, or tell what to fail it with once that was done too often.

    Raises PutOffError.
    """
    if record.put_off >= len(STORAGE_PAUSES_S):
        return StorageAwayError()
    if not turn.place.jobs.hand_back(record.job_id, record.put_off + 1):
        return CancelledError()
    turn.control.put_off_s = STORAGE_PAUSES_S[record.put_off]
    logger.warning("the storage is away; the job comes again in %s s", turn.control.put_off_s)
    raise PutOffError


def tidy(place: Workplace, job_id: str) -> None:
    """Delete the upload of a job that ended well, and everything of one that did not or was erased meanwhile."""
    try:
        record = place.jobs.read(job_id)
        if record is None or record.in_vain:
            place.storage.erase(job_id)
        else:
            place.storage.remove(job_id, UPLOAD)
    except UnavailableError as error:
        logger.warning("the files of job %s are left to the sweeper: %s", job_id, error.detail)
        place.jobs.look_again(job_id)


def _attempt(turn: Turn, record: JobRecord, reporter: Reporter) -> DuyguError | HandedBackError | None:
    """Do the job once; what went wrong, or None."""
    try:
        _do(turn, record, reporter)
    except CancelledError as error:
        return HandedBackError() if turn.control.handing_back else error
    except DuyguError as error:
        return error
    except MemoryError:
        return OutOfMemoryError()
    except JobTimeoutException:
        return JobTimeoutError()
    except Exception:
        if turn.control.cancelled:  # its files were erased under its hands
            return CancelledError()
        logger.exception("job %s failed for a reason that lies with us", record.job_id)
        return DuyguError()
    return None


def _do(turn: Turn, record: JobRecord, reporter: Reporter) -> None:
    job_id, place = record.job_id, turn.place
    stages = Stages(reporter.progress, annotate=record.annotate)
    with _upload(place, job_id) as path:
        with place.stage("analyze"):
            result = place.analyze(
                path,
                job_id=job_id,
                on_progress=stages.analysed,
                on_window=reporter.window,
                should_stop=turn.control.should_stop,
            )
        _illustrate(turn, path, result, stages)
    with place.stage("store"), place.storage.writer(job_id, RESULT) as file:
        file.write(result.model_dump_json().encode())
    place.metrics.count(result)
    reporter.finish(result)


@contextmanager
def _upload(place: Workplace, job_id: str) -> Iterator[Path]:
    with ExitStack() as lent:
        try:
            with place.stage("fetch"):
                path = lent.enter_context(place.storage.local(job_id, UPLOAD))
        except FileNotFoundError as error:
            raise UploadMissingError from error
        yield path


def _illustrate(turn: Turn, video: Path, result: Result, stages: Stages) -> None:
    """Store the pictures of a result: the plot always, the annotated video where it was asked for."""
    pictures, storage, job_id = turn.place.pictures, turn.place.storage, str(result.job_id)
    if pictures is None:
        return
    with storage.writer(job_id, PLOT) as file:
        file.write(pictures.plot(result))
    if stages.annotate:
        with turn.place.stage("annotate"), storage.place(job_id, FILM) as target:
            pictures.film(
                video,
                result,
                target,
                on_progress=lambda share: stages.filmed(share, result),
                should_stop=turn.control.should_stop,
            )
