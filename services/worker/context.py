"""The context of a task: what the worker has set up once, and the control of the running job."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rq import Queue

from duygu.services.worker.control import JobControl
from duygu.services.worker.metrics import WorkerMetrics
from duygu.services.worker.webhooks.sender import Sender
from duygu.shared.inputs.links.fetching import FetchRules
from duygu.shared.inputs.uploads.store import UploadStore
from duygu.shared.jobs.edits import EditStore
from duygu.shared.jobs.parts import PartStore
from duygu.shared.jobs.store import JobStore
from duygu.shared.runtime.telemetry.opening import NoTraces
from duygu.shared.runtime.telemetry.tracing import Traces
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import Result, Window
from duygu.shared.storage.base import Storage
from duygu.shared.vision.progress import Progress
from duygu.shared.workbench.sheets.exports import ExportStore


class Analyze(Protocol):
    """The analysis of one video file, with the model already loaded."""

    def __call__(
        self,
        path: Path,
        *,
        options: AnalysisOptions,
        job_id: str,
        on_progress: Callable[[Progress], None],
        on_window: Callable[[int, Window], None],
        should_stop: Callable[[], bool],
    ) -> Result:
        """Raises CancelledError soon after `should_stop` returns True, and a VideoError for an unusable file."""
        ...


class Renderer(Protocol):
    """Renders the pictures of a result."""

    def plot(self, result: Result) -> bytes:
        """The timeline as PNG."""
        ...

    def annotate(
        self,
        video: Path,
        result: Result,
        target: Path,
        *,
        on_progress: Callable[[float], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Write the annotated video; `on_progress` receives the share done. Raises as `Analyze` does."""
        ...

    def blur(
        self,
        video: Path,
        result: Result,
        target: Path,
        *,
        on_progress: Callable[[float], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Write the video with every face covered; otherwise as `annotate`."""
        ...


class JoinedVideo(Protocol):
    """Joins the parts of a video."""

    def add(self, path: Path) -> None:
        """Add the file of the next part. Raises UnjoinableError."""
        ...

    def windows(self) -> Iterator[tuple[int, Window]]:
        """All windows with their faces, in the order of their ends."""
        ...

    def result(self, job_id: str) -> Result:
        """The result of the video, after its last part."""
        ...


class Splitter(Protocol):
    """Cuts videos, analyses parts and joins them, with the model already loaded."""

    def plan(self, path: Path, options: AnalysisOptions, should_stop: Callable[[], bool]) -> Sequence[dict[str, Any]]:
        """The parts of a video, as JSON values with `length_s` in seconds; empty for one piece."""
        ...

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
        """Analyse one part and write its file. Raises as `Analyze` does."""
        ...

    def joining(self, plan: Sequence[dict[str, Any]], options: AnalysisOptions) -> JoinedVideo:
        """Begin to join the parts of a plan."""
        ...


@dataclass(frozen=True, slots=True)
class VideoParts:
    """What a worker needs for parts of videos."""

    splitter: Splitter
    store: PartStore
    queue: Queue
    timeout_s: int  # of the task of a part


class LiveWork(Protocol):
    """Serves live sessions, with the model already loaded."""

    def drain(self, should_stop: Callable[[], bool]) -> int:
        """Take steps until no session is ready or the time is over; returns their number."""
        ...

    def close(self) -> None:
        """Stop the child processes."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What a worker sets up once for all its jobs."""

    jobs: JobStore
    storage: Storage
    edits: EditStore
    analyze: Analyze
    live: LiveWork | None = None
    renderer: Renderer | None = None
    keep_uploads: bool = False
    sender: Sender | None = None
    fetch_rules: FetchRules | None = None
    uploads: UploadStore | None = None
    exports: ExportStore | None = None
    video_parts: VideoParts | None = None
    min_free_bytes: int = 0
    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    traces: Traces = field(default_factory=NoTraces)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Record the block as a stage of a job, in metrics and traces."""
        with self.metrics.seconds.labels(name).time(), self.traces.span(name):
            yield


@dataclass(frozen=True, slots=True)
class JobContext:
    """The running job and its worker."""

    worker: WorkerContext
    control: JobControl


_job: ContextVar[JobContext] = ContextVar("job")


def current_job() -> JobContext:
    """The context of the job that this thread runs; rq passes a task only its arguments."""
    return _job.get()


@contextmanager
def running(job: JobContext) -> Iterator[None]:
    """Make this the current job while the block runs."""
    token = _job.set(job)
    try:
        yield
    finally:
        _job.reset(token)
