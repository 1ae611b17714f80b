"""The results of an export's jobs, read one after the other."""

from dataclasses import dataclass
from pathlib import Path

from duygu.services.worker.context import JobContext
from duygu.shared.errors import (
    CancelledError,
    DuyguError,
    InvalidStudyError,
    ResultExpiredError,
    UnavailableError,
    from_code,
)
from duygu.shared.schemas.result import Result
from duygu.shared.storage.base import RESULT
from duygu.shared.workbench.edits.editing import apply_edits
from duygu.shared.workbench.sheets.exports import ExportedJob, ExportOrder, ExportStore

READING_SHARE, COMPUTING_SHARE = 0.7, 0.9
"""Progress once all results are read, and once the statistics are computed."""

MAX_HOURS = 24
"""Most hours of video in one export. The tables of an hour with one face have about 7,200 windows."""


class ExportAbortedError(Exception):
    """The whole export ends with an error, which is not that of one row. Internal to the worker."""

    def __init__(self, error: DuyguError) -> None:
        self.error = error
        super().__init__(error.detail)


@dataclass
class ExportResults:
    """Reads results with their edits, and reports the progress. Each call may raise ExportAbortedError."""

    job: JobContext
    exports: ExportStore
    export_id: str
    order: ExportOrder
    read: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self._jobs = {one.job_id: one for one in self.order.jobs}

    def result_of(self, path: Path) -> Result:
        """The result of the job whose id is the path. Raises the error of a job that failed, and ResultExpiredError."""
        self._report(READING_SHARE * min(1.0, self.read / len(self.order.rows)))
        self.read += 1
        try:
            result = self._result(self._jobs[path.name])
        except UnavailableError as error:
            raise ExportAbortedError(error) from error
        self.seconds += result.video.duration_s
        if self.seconds > MAX_HOURS * 3600:
            too_long = InvalidStudyError(f"the recordings are longer than {MAX_HOURS} hours, the maximum of one export")
            raise ExportAbortedError(too_long)
        return result

    def computed(self) -> None:
        """Report that the statistics are computed."""
        self._report(COMPUTING_SHARE)

    def _report(self, share: float) -> None:
        known = self.exports.report(self.export_id, share)
        if not known or self.job.control.should_stop():
            raise ExportAbortedError(CancelledError())

    def _result(self, exported: ExportedJob) -> Result:
        if exported.error:
            raise from_code(exported.error, exported.detail)
        worker = self.job.worker
        try:
            result = Result.read(worker.storage.read(exported.job_id, RESULT))
        except FileNotFoundError as error:
            raise ResultExpiredError from error
        edits = worker.edits.read(exported.job_id)
        return apply_edits(result, edits.edits) if edits.edits else result
