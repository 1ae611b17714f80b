"""Jobs whose analysis fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from redis import Redis

from duygu.services.worker.context import JobContext, WorkerContext, running
from duygu.services.worker.control import JobControl
from duygu.services.worker.videos.tasks import analyze_video
from duygu.shared.errors import StorageFullError
from duygu.shared.jobs.edits import EditStore
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.jobs.store import JobStore
from duygu.shared.schemas.job import JobStatus
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.packed import packed
from duygu.shared.schemas.result import Result
from duygu.shared.storage.base import ANNOTATED_VIDEO, RESULT, UPLOAD
from duygu.shared.storage.folder import FolderStorage
from duygu.shared.workbench.edits.operations import Edit, Exclude, Rename
from tests.support.results.known import two_faces
from tests.support.results.layer import with_layer
from tests.support.workers.scripted_worker import Script, analyze


class NoRoomForResults(FolderStorage):
    """A storage that is full when the result is written."""

    @contextmanager
    def writer(self, job_id: str, name: str) -> Iterator[BinaryIO]:
        """Raise StorageFullError for the result."""
        if name == RESULT:
            raise StorageFullError
        with super().writer(job_id, name) as file:
            yield file


class Paint:
    """Writes a plot and an annotated video of four bytes."""

    def plot(self, result: Result) -> bytes:
        """Return a plot."""
        return b"plot"

    def annotate(self, video: Path, result: Result, target: Path, **wishes: object) -> None:
        """Write an annotated video."""
        target.write_bytes(b"film")

    def blur(self, video: Path, result: Result, target: Path, **wishes: object) -> None:
        """Write a video with covered faces."""
        target.write_bytes(b"blurred")


def done(redis: Redis, job: JobContext, record: JobRecord, upload: bytes) -> JobRecord:
    """Run a job and return its record."""
    jobs, job_id = job.worker.jobs, record.job_id
    with redis.pipeline() as pipeline:
        jobs.create(record, pipeline)
        pipeline.execute()
    with job.worker.storage.writer(job_id, UPLOAD) as file:
        file.write(upload)
    with running(job):
        analyze_video(job_id)
    ended = jobs.read(job_id)
    assert ended
    return ended


def test_a_failed_job_keeps_no_picture(redis: Redis, tmp_path: Path) -> None:
    """A failed job keeps neither its upload nor its annotated video."""
    place = WorkerContext(JobStore(redis, 60), NoRoomForResults(tmp_path), EditStore(redis), analyze, renderer=Paint())
    waiting = JobRecord(new_job_id(), JobStatus.QUEUED, datetime.now(UTC), annotate=True)
    record = done(redis, JobContext(place, JobControl()), waiting, Script().upload())
    assert record.error
    assert record.error.code == "storage_full"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("erased", "outcome"), [(True, "cancelled"), (False, "internal")])
def test_files_erased_during_a_job_are_no_error(
    redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, erased: bool, outcome: str
) -> None:
    """A missing file ends an erased job as `cancelled` and any other job as `internal`."""
    control, job_id = JobControl(), new_job_id()

    def analyze(path: Path, **wishes: object) -> Result:
        if erased:
            control.cancel()
        raise FileNotFoundError(path)

    place = WorkerContext(JobStore(redis, 60), FolderStorage(tmp_path), EditStore(redis), analyze)
    record = done(redis, JobContext(place, control), JobRecord(job_id, JobStatus.QUEUED, datetime.now(UTC)), b"film")
    assert record.error
    assert record.error.code == outcome
    assert any("internal error" in message for message in caplog.messages) == (not erased)
    assert place.storage.stored() == []


def test_the_recording_of_another_job_is_the_baseline(redis: Redis, tmp_path: Path) -> None:
    """The worker adds the predictions relative to the recording; without its result the job fails, with a code."""
    recording = with_layer(two_faces())
    recording = recording.model_copy(update={"faces": recording.faces[:1]})
    place = WorkerContext(
        JobStore(redis, 60), FolderStorage(tmp_path), EditStore(redis), lambda path, **wishes: recording
    )
    rest = new_job_id()
    with place.storage.writer(rest, RESULT) as file:
        file.write(recording.model_dump_json().encode())
    outcomes = []
    for _ in range(2):
        waiting = JobRecord(new_job_id(), JobStatus.QUEUED, datetime.now(UTC), options=AnalysisOptions(baseline=rest))
        record = done(redis, JobContext(place, JobControl()), waiting, b"film")
        outcomes.append(record.error.code if record.error else "succeeded")
        if record.error is None:
            result = Result.read(place.storage.read(record.job_id, RESULT))
            assert [face.baseline.source for face in result.faces if face.baseline] == ["recording"]
            assert all(window.relative for window in result.faces[0].windows)
        place.storage.erase(rest)
    assert outcomes == ["succeeded", "invalid_baseline"]


def test_a_packed_result_is_stored_as_one_of_lists(redis: Redis, tmp_path: Path) -> None:
    """The stored JSON of a packed result, also with predictions relative to a recording, is that of the same lists."""
    recording = with_layer(two_faces())
    recording = recording.model_copy(update={"faces": recording.faces[:1]})
    rest, stored = new_job_id(), []
    for result in (recording, packed(recording)):
        place = WorkerContext(
            JobStore(redis, 60), FolderStorage(tmp_path), EditStore(redis), lambda path, found=result, **wishes: found
        )
        with place.storage.writer(rest, RESULT) as file:
            file.write(recording.model_dump_json().encode())
        waiting = JobRecord(new_job_id(), JobStatus.QUEUED, datetime.now(UTC), options=AnalysisOptions(baseline=rest))
        record = done(redis, JobContext(place, JobControl()), waiting, b"film")
        assert record.error is None
        stored.append(place.storage.read(record.job_id, RESULT))
    assert stored[0] == stored[1]
    assert Result.read(stored[1]).faces[0].windows[0].relative


class PaintTitles(Paint):
    """Writes the names of the faces that an annotated video shows."""

    def annotate(self, video: Path, result: Result, target: Path, **wishes: object) -> None:
        """Write the name of each face that is not excluded."""
        target.write_text(" ".join(face.name or str(face.face_id) for face in result.faces if not face.excluded))


def test_the_annotated_video_shows_the_edits_of_another_job(redis: Redis, tmp_path: Path) -> None:
    """The video has the other job's names and exclusions, the result none; an erased job fails with a code."""
    place = WorkerContext(
        JobStore(redis, 60),
        FolderStorage(tmp_path),
        EditStore(redis),
        lambda path, job_id, **wishes: two_faces().model_copy(update={"job_id": job_id}),
        renderer=PaintTitles(),
    )
    job = JobContext(place, JobControl())
    first = done(redis, job, JobRecord(new_job_id(), JobStatus.QUEUED, datetime.now(UTC)), b"film")
    edits: list[Edit] = [Rename(face_id=1, name="Ann"), Exclude(face_id=2)]
    place.edits.replace(first.job_id, place.edits.read(first.job_id), edits)

    def again() -> JobRecord:
        waiting = JobRecord(new_job_id(), JobStatus.QUEUED, datetime.now(UTC), annotate=True, edits_of=first.job_id)
        return done(redis, job, waiting, b"film")

    second = again()
    assert second.status == JobStatus.SUCCEEDED
    assert place.storage.read(second.job_id, ANNOTATED_VIDEO) == b"Ann"
    faces = Result.read(place.storage.read(second.job_id, RESULT)).faces
    assert [(face.name, face.excluded) for face in faces] == [(None, False), (None, False)]
    place.storage.erase(first.job_id)
    third = again()
    assert third.error
    assert third.error.code == "result_expired"
