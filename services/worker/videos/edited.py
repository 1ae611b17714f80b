"""The edited result of another job of the same video, which an annotated video shows."""

from duygu.services.worker.context import WorkerContext
from duygu.shared.errors import ResultExpiredError
from duygu.shared.jobs.record import JobRecord
from duygu.shared.schemas.packed import packed
from duygu.shared.schemas.result import Result
from duygu.shared.storage.base import RESULT
from duygu.shared.workbench.edits.editing import apply_edits


def edited_result_of(worker: WorkerContext, record: JobRecord) -> Result | None:
    """The result of the job that `edits_of` names, with its edits; None if the request named none.

    It is packed, as it is shown only after the analysis. Raises ResultExpiredError for a job that was erased since the
    request.
    """
    if not record.edits_of:
        return None
    try:
        result = Result.read(worker.storage.read(record.edits_of, RESULT))
    except FileNotFoundError as error:
        raise ResultExpiredError(f"`edits_of` {record.edits_of}: the result of the job was deleted") from error
    return packed(apply_edits(result, worker.edits.read(record.edits_of).edits))
