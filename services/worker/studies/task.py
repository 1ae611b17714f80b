"""The task that computes the ZIP of a study from the results of its jobs, with their edits."""

import logging
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from duygu.services.worker.context import JobContext, current_job
from duygu.services.worker.failures import FAILURES, error_of
from duygu.services.worker.studies.results import ExportAbortedError, ExportResults
from duygu.shared.errors import CrashedError, DuyguError
from duygu.shared.runtime.telemetry.logs import about
from duygu.shared.workbench.sheets.exports import MAX_ATTEMPTS, ZIP, ExportOrder, ExportStore

logger = logging.getLogger(__name__)


def export_study(export_id: str) -> None:
    """Store the ZIP of an export. An error is written into its record; the API queues a lost task again."""
    job = current_job()
    with about(job_id=export_id):
        if job.worker.exports:
            ExportRun(job, job.worker.exports, export_id).run()


@dataclass(frozen=True, slots=True)
class ExportRun:
    """One attempt at an export."""

    job: JobContext
    exports: ExportStore
    export_id: str

    def run(self) -> None:
        """Compute the ZIP, unless the export was erased or has ended."""
        export, order = self.exports.read(self.export_id), self.exports.order(self.export_id)
        if export is None or order is None or export.status in ("succeeded", "failed"):
            return
        if export.attempts >= MAX_ATTEMPTS:
            self._fail(CrashedError("the computation of the tables has ended its worker twice"))
        elif self.exports.begin(export):
            self._end(self._attempt(order), order)

    def _end(self, error: DuyguError | None, order: ExportOrder) -> None:
        if error and self.job.control.requeueing:
            self.exports.requeue(self.export_id)
        elif error:
            self._fail(error)
        elif not self._succeed(order):
            self.job.worker.storage.erase(self.export_id)
            self.exports.erase(self.export_id)

    def _fail(self, error: DuyguError) -> None:
        logger.warning("the study was not exported: %s", error.detail)
        self.exports.fail(self.export_id, error)

    def _attempt(self, order: ExportOrder) -> DuyguError | None:
        """Compute and store the ZIP; the error, or None."""
        try:
            with self.job.worker.stage("study"), TemporaryDirectory() as folder:
                _write(order, Path(folder), ExportResults(self.job, self.exports, self.export_id, order))
                with self.job.worker.storage.place(self.export_id, ZIP) as target:
                    _pack(Path(folder), target)
        except ExportAbortedError as aborted:
            return aborted.error
        except FAILURES as failure:
            return error_of(failure)
        except Exception:
            logger.exception("export %s failed with an internal error", self.export_id)
            return DuyguError()
        return None

    def _succeed(self, order: ExportOrder) -> bool:
        """End an export whose jobs still exist; False if one was erased. The ZIP lives no longer than any of them."""
        records = self.job.worker.jobs.read_all([one.job_id for one in order.jobs])
        known = [record for record in records.values() if record]
        if len(known) < len(records):
            return False
        ends = [record.expires_at for record in known if record.expires_at]
        left_s = min(((end - datetime.now(UTC)).total_seconds() for end in ends), default=None)
        return self.exports.succeed(self.export_id, left_s)


def _write(order: ExportOrder, folder: Path, results: ExportResults) -> None:
    """Write the files of `duygu study`, and the tables that describe the study."""
    from duygu.shared.workbench.studies.kept import kept_study, write_description  # not for workers of other queues
    from duygu.shared.workbench.studies.output import write_study

    study = kept_study(order, results.result_of)
    write_description(order, folder)
    write_study(study, folder, before_file=results.computed)


def _pack(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(folder).as_posix())
