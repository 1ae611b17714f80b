"""The baseline of an analysis that is the recording of another job."""

from duygu.services.worker.context import WorkerContext
from duygu.shared.baselines.recordings import recorded_baseline
from duygu.shared.errors import InvalidBaselineError
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import RecordedBaseline, Result
from duygu.shared.storage.base import RESULT
from duygu.shared.workbench.edits.editing import apply_edits


def baseline_of_job(worker: WorkerContext, options: AnalysisOptions) -> RecordedBaseline | None:
    """The resting face in the recording of the job that the options name; None if they name none.

    Raises InvalidBaselineError for a job without result, which was erased since the request, and a BaselineError for a
    recording that cannot be a baseline any more.
    """
    if (job_id := options.baseline_job) is None:
        return None
    try:
        result = Result.read(worker.storage.read(job_id, RESULT))
    except FileNotFoundError as error:
        raise InvalidBaselineError(f"`baseline` {job_id}: the result of the job was deleted") from error
    return recorded_baseline(apply_edits(result, worker.edits.read(job_id).edits))
