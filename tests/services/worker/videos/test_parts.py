"""Videos that several workers analyse in parts."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from duygu.services.worker.context import JobContext, VideoParts, WorkerContext, running
from duygu.services.worker.control import JobControl, RequeuedError
from duygu.services.worker.videos import parts as worker_parts
from duygu.services.worker.videos.parts import analyze_part
from duygu.services.worker.videos.tasks import analyze_video
from duygu.shared.broker import keys
from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.errors import CancelledError, OutOfMemoryError, UndecodableVideoError
from duygu.shared.jobs.edits import EditStore
from duygu.shared.jobs.parts import PartStore
from duygu.shared.jobs.queues import QueueName, open_queue
from duygu.shared.jobs.record import JobRecord, new_job_id
from duygu.shared.jobs.store import JobStore
from duygu.shared.schemas.job import JobStatus
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import Result, VideoInfo, Window
from duygu.shared.storage.base import UPLOAD
from duygu.shared.storage.folder import FolderStorage
from duygu.shared.storage.opening import open_storage
from duygu.shared.vision.analysis import analyze_video as analyze_whole
from duygu.shared.vision.engine import load_engine
from duygu.shared.vision.progress import Progress
from duygu.shared.vision.split.unjoinable import UnjoinableError
from tests.services.conftest import ended, serving, submit, wait_until, worker
from tests.support.media.videos import Actor, Scene, VideoMaker

LENGTH_S = 10.0

WINDOW = Window(
    start_s=0.0, end_s=0.9, emotion="neutral", confidence=1.0, probabilities={"neutral": 1.0}, uncertain=False
)


def result_of(job_id: str, name: str) -> Result:
    """A result whose video has this name."""
    model = ModelInfo(name="scripted", version="1", sha256="0" * 64, labels=["neutral"])
    video = VideoInfo(duration_s=1.0, width=64, height=64, rotation=0, frames_decoded=1, frames_analysed=1, name=name)
    return Result(job_id=job_id, model=model, video=video, faces=[])


class Whole:
    """Parts that are joined by their numbers."""

    def __init__(self) -> None:
        self.name = ""

    def add(self, path: Path) -> None:
        """Add the number of a part."""
        self.name += path.read_text()

    def windows(self) -> Iterator[tuple[int, Window]]:
        """Yield a window for each part."""
        yield from ((1, WINDOW) for _ in self.name)

    def result(self, job_id: str) -> Result:
        """Return a result with the numbers of all parts."""
        return result_of(job_id, self.name)


class ScriptedSplitter:
    """Cuts every video into parts, whose files are their numbers; `act` is called for each."""

    def __init__(self, count: int, act: Callable[[int], None] = lambda number: None) -> None:
        self.count, self.act = count, act
        self.analysed: list[int] = []

    def plan(self, path: Path, options: AnalysisOptions, should_stop: Callable[[], bool]) -> list[dict[str, Any]]:
        """Return equal parts."""
        return [{"number": number, "length_s": LENGTH_S} for number in range(self.count)]

    def analyze(
        self,
        path: Path,
        target: Path,
        part: dict[str, Any],
        options: AnalysisOptions,
        *,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Follow the script."""
        on_progress(Progress(1.0, LENGTH_S, LENGTH_S, 100, 50))
        self.act(part["number"])
        if should_stop():
            raise CancelledError
        target.write_text(str(part["number"]))
        self.analysed.append(part["number"])

    def joining(self, plan: Sequence[dict[str, Any]], options: AnalysisOptions) -> Whole:
        """Begin to join."""
        return Whole()


def analyze_in_one_piece(path: Path, *, job_id: str, **wishes: object) -> Result:
    """An analysis without parts."""
    return result_of(job_id, "one piece")


@pytest.fixture
def make_job(redis: Redis, tmp_path: Path) -> Callable[[ScriptedSplitter], tuple[JobContext, str]]:
    """Makes a queued job with its upload, and the context of a worker."""

    def make(splitter: ScriptedSplitter) -> tuple[JobContext, str]:
        queue, jobs = open_queue(redis, QueueName.VIDEOS), JobStore(redis, 60)
        parts = VideoParts(splitter, PartStore(redis), queue, 60)
        place = WorkerContext(jobs, FolderStorage(tmp_path), EditStore(redis), analyze_in_one_piece, video_parts=parts)
        record = JobRecord(new_job_id(), JobStatus.QUEUED, datetime.now(UTC))
        with redis.pipeline() as pipeline:
            jobs.create(record, pipeline)
            pipeline.execute()
        with place.storage.writer(record.job_id, UPLOAD) as file:
            file.write(b"film")
        return JobContext(place, JobControl()), record.job_id

    return make


MakeJob = Callable[[ScriptedSplitter], tuple[JobContext, str]]


def run(job: JobContext, task: Callable[[str], None], job_id: str) -> None:
    """Run a task as a worker does."""
    with running(job):
        task(job_id)


def record_of(job: JobContext, job_id: str) -> JobRecord:
    """The record of a job that exists."""
    record = job.worker.jobs.read(job_id)
    assert record
    return record


def result(job: JobContext, job_id: str) -> str:
    """What the result of a job is made of."""
    return Result.read(job.worker.storage.read(job_id, "result.json")).video.name or ""


def events_of(redis: Redis, job_id: str) -> list[tuple[bytes, bytes]]:
    """Names and data of the events of a job."""
    entries: Any = redis.xrange(keys.events(job_id))
    return [(fields[b"event"], fields[b"data"]) for _, fields in entries]


def files(tmp_path: Path) -> list[str]:
    """Names of the stored files."""
    return sorted(path.name for path in tmp_path.rglob("*") if path.is_file())


def test_one_worker_analyses_all_parts(make_job: MakeJob, redis: Redis, tmp_path: Path) -> None:
    """Without other workers, the job's worker analyses each part once, and leaves neither parts nor tasks."""
    splitter = ScriptedSplitter(4)
    job, job_id = make_job(splitter)
    run(job, analyze_video, job_id)
    record = record_of(job, job_id)
    assert (record.status, record.progress, record.windows) == (JobStatus.SUCCEEDED, 1.0, 4)
    assert splitter.analysed == [0, 1, 2, 3]
    assert result(job, job_id) == "0123"
    assert files(tmp_path) == ["result.json"]
    assert not redis.exists(keys.parts(job_id))
    assert open_queue(redis, QueueName.VIDEOS).count == 0


def test_others_help(make_job: MakeJob, redis: Redis) -> None:
    """The tasks of parts run on other workers; each part is analysed once, and the parts are joined in their order."""
    help_now = [True]

    def act(number: int) -> None:
        if number == 0 and help_now.pop():
            for task_id in open_queue(redis, QueueName.VIDEOS).get_job_ids():
                assert task_id.startswith("part-")
                run(JobContext(job.worker, JobControl()), analyze_part, job_id)

    splitter = ScriptedSplitter(4, act)
    job, job_id = make_job(splitter)
    run(job, analyze_video, job_id)
    assert splitter.analysed == [1, 2, 3, 0]
    assert result(job, job_id) == "0123"


def test_progress_is_that_of_all_parts(make_job: MakeJob, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress never goes back, and counts what all workers have done."""
    monkeypatch.setattr(worker_parts, "RENEW_S", 0.0)
    splitter = ScriptedSplitter(4, lambda number: time.sleep(0.3))
    job, job_id = make_job(splitter)
    run(job, analyze_video, job_id)
    shares = [json.loads(data)["progress"] for name, data in events_of(redis, job_id) if name == b"progress"]
    assert shares == sorted(shares)
    assert {0.25, 0.5, 0.75} <= {round(share, 3) for share in shares}


@pytest.mark.parametrize("helped", [False, True])
def test_an_error_of_a_part_fails_the_job_once(
    make_job: MakeJob, redis: Redis, tmp_path: Path, *, helped: bool
) -> None:
    """The job fails with the code of the part's error, whoever analyses it, and nothing is kept."""

    def act(number: int) -> None:
        if number == 0 and helped:
            run(JobContext(job.worker, JobControl()), analyze_part, job_id)
        if number == 1:
            raise OutOfMemoryError

    job, job_id = make_job(ScriptedSplitter(3, act))
    run(job, analyze_video, job_id)
    record = record_of(job, job_id)
    assert record.error
    assert record.error.code == "out_of_memory"
    assert files(tmp_path) == []
    assert [name for name, _ in events_of(redis, job_id)].count(b"failed") == 1


@pytest.mark.parametrize("error", [UndecodableVideoError(), UnjoinableError("of another size")])
def test_a_video_whose_parts_do_not_fit_is_analysed_in_one_piece(make_job: MakeJob, error: Exception) -> None:
    """A damaged file has the result, or the error, of one piece; a repeated attempt remembers it."""

    def act(number: int) -> None:
        if number == 1:
            raise error

    splitter = ScriptedSplitter(3, act)
    job, job_id = make_job(splitter)
    run(job, analyze_video, job_id)
    assert result(job, job_id) == "one piece"
    assert splitter.analysed == [0]


def test_a_stopped_worker_returns_its_part(make_job: MakeJob) -> None:
    """When the job's worker shuts down, the next one analyses what is left; parts that are done are kept."""

    def stop(number: int) -> None:
        if number == 1 and not splitter.analysed[1:]:
            job.control.requeue_in(0)

    splitter = ScriptedSplitter(3, stop)
    job, job_id = make_job(splitter)
    with pytest.raises(RequeuedError):
        run(job, analyze_video, job_id)
    assert record_of(job, job_id).status == JobStatus.QUEUED
    splitter.act = lambda number: None
    run(JobContext(job.worker, JobControl()), analyze_video, job_id)
    assert splitter.analysed == [0, 1, 2]
    assert result(job, job_id) == "012"


def test_a_stopped_helper_returns_its_part(make_job: MakeJob) -> None:
    """When a helping worker shuts down, its task is requeued, and its part waits."""

    def act(number: int) -> None:
        if number == 0:
            control = JobControl()
            helper.append(control)
            with pytest.raises(RequeuedError):
                run(JobContext(job.worker, control), analyze_part, job_id)
        elif helper:
            helper.pop().requeue_in(0)

    helper: list[JobControl] = []
    splitter = ScriptedSplitter(2, act)
    job, job_id = make_job(splitter)
    run(job, analyze_video, job_id)
    assert splitter.analysed == [0, 1]
    assert result(job, job_id) == "01"


def test_a_helper_of_an_ended_job_leaves_nothing(make_job: MakeJob, redis: Redis, tmp_path: Path) -> None:
    """A part that is analysed while its job is erased keeps no file, and its worker stops."""
    job, job_id = make_job(splitter := ScriptedSplitter(2))
    jobs, parts = job.worker.jobs, PartStore(redis)
    assert jobs.begin(job_id)
    parts.create(job_id, splitter.plan(tmp_path, AnalysisOptions(), lambda: False))
    splitter.act = lambda number: jobs.erase(job_id)
    run(job, analyze_part, job_id)
    assert files(tmp_path) == []
    run(job, analyze_part, job_id)
    assert splitter.analysed == [0]


SCENE = Scene(
    actors=(
        Actor(start=(0.25, 0.5), end=(0.4, 0.5), size=0.6),
        Actor(start=(0.75, 0.5), size=0.6, mirrored=True, seen=((2.0, 7.5),)),
    ),
    duration_s=9.0,
    fps=20.0,
    gop=20,
    cuts=(5.0,),
)

LONG_PATIENCE_S = 200.0
"""For workers that load their models."""


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file for which workers wait in the middle of each part."""
    monkeypatch.setenv("GATE", str(tmp_path / "gate"))
    return tmp_path / "gate"


@pytest.fixture
def split_settings(service_settings: Settings) -> Settings:
    """Settings by which SCENE has three parts."""
    return service_settings.model_copy(update={"split_minutes": 3.01 / 60})


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("killed", ["of the job", "that helps"])
def test_a_killed_worker_changes_nothing(
    split_settings: Settings, video_maker: VideoMaker, gate: Path, redis: Redis, killed: str
) -> None:
    """Two workers share a video; when one is killed, the other finishes it: the faces of one piece, nothing twice."""
    path = video_maker.make(SCENE)
    with serving(split_settings) as api, ExitStack() as started:
        job_id = submit(api, path)["job_id"]
        workers = [start_leasing(split_settings, started, redis, job_id, count) for count in (1, 2)]
        workers[0 if killed == "of the job" else 1].kill()
        gate.touch()
        job = ended(api, job_id, LONG_PATIENCE_S)
        assert (job["status"], job["error"]) == ("succeeded", None)
        split = Result.model_validate_json(api.get(job["links"]["result"]).content)
        events = api.get(job["links"]["events"]).text
        wait_until(lambda: not redis.exists(keys.parts(job_id)))
    whole = analyze_whole(path, load_engine(engine_options(split_settings)), decode_limits(split_settings))
    assert [face.face_id for face in split.faces] == [face.face_id for face in whole.faces]
    for one, other in zip(whole.faces, split.faces, strict=True):
        assert [window.start_s for window in other.windows] == [window.start_s for window in one.windows]
    assert split.video.frames_analysed == whole.video.frames_analysed
    assert events.count("event: window") == sum(len(face.windows) for face in split.faces)
    assert events.count("event: succeeded") == events.count("event: started") == 1
    assert stored(split_settings) == ["result.json", "timeline.png"]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_erasing_a_video_in_parts_stops_all_workers(
    split_settings: Settings, video_maker: VideoMaker, gate: Path, redis: Redis
) -> None:
    """Both workers stop, nothing is left, and the next video is analysed."""
    path = video_maker.make(SCENE)
    with serving(split_settings) as api, ExitStack() as started:
        job_id = submit(api, path)["job_id"]
        for count in (1, 2):
            start_leasing(split_settings, started, redis, job_id, count)
        assert api.delete(f"/v1/jobs/{job_id}").status_code == 204
        wait_until(lambda: not stored(split_settings))
        wait_until(lambda: not [key for key in redis.keys("*") if job_id.encode() in key])
        gate.touch()
        assert ended(api, submit(api, path)["job_id"], LONG_PATIENCE_S)["status"] == "succeeded"


def start_leasing(
    settings: Settings, started: ExitStack, redis: Redis, job_id: str, count: int
) -> "subprocess.Popen[bytes]":
    """Start a worker, and wait until so many parts are leased."""
    process = started.enter_context(worker(settings, "tests.support.workers.split_worker"))
    wait_until(lambda: list(_fields(redis, job_id).values()).count(b"leased") == count, LONG_PATIENCE_S)
    return process


def _fields(redis: Redis, job_id: str) -> dict[bytes, bytes]:
    found: Any = redis.hgetall(keys.parts(job_id))
    return dict(found)


def stored(settings: Settings) -> list[str]:
    """Names of the stored files."""
    return sorted(path.name for path in (settings.data_dir / "jobs").rglob("*") if path.is_file())


def test_parts_are_files_of_a_bucket(make_job: MakeJob, bucket_url: str, tmp_path: Path) -> None:
    """Workers without a common disk exchange parts through the bucket, and leave the result alone."""
    job, job_id = make_job(splitter := ScriptedSplitter(3))
    bucket = open_storage(Settings(storage_url=bucket_url, data_dir=tmp_path / "passing"))
    with bucket.writer(job_id, UPLOAD) as file:
        file.write(b"film")

    def act(number: int) -> None:
        if number == 0:
            run(JobContext(there, JobControl()), analyze_part, job_id)

    splitter.act = act
    here = replace(job.worker, storage=bucket)
    there = replace(job.worker, storage=open_storage(Settings(storage_url=bucket_url, data_dir=tmp_path / "elsewhere")))
    run(JobContext(here, JobControl()), analyze_video, job_id)
    assert splitter.analysed == [1, 0, 2]
    assert result(JobContext(here, JobControl()), job_id) == "012"
    assert [job.files for job in bucket.stored()] == [{"result.json"}]
