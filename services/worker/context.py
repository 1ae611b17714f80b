"""What a task needs besides its arguments, and how it finds it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from duygu.services.worker.control import JobControl
from duygu.services.worker.metrics import WorkerMetrics
from duygu.services.worker.webhooks.sender import Sender
from duygu.shared.jobs.store import JobStore
from duygu.shared.schemas import Result, Window
from duygu.shared.storage.base import Storage
from duygu.shared.telemetry.opening import NoTraces
from duygu.shared.telemetry.tracing import Traces


class Progress(Protocol):
    """How far the analysis of a video has come."""

    @property
    def fraction(self) -> float | None:
        """Share done; None while the length is unknown."""
        ...

    @property
    def time_s(self) -> float:
        """Seconds of the video that are done."""
        ...

    @property
    def duration_s(self) -> float | None:
        """Seconds of the video altogether; None while unknown."""
        ...

    @property
    def frames_analysed(self) -> int:
        """Pictures that were looked at."""
        ...


class Analyze(Protocol):
    """The analysis of one video file, with the model already loaded."""

    def __call__(
        self,
        path: Path,
        *,
        job_id: str,
        on_progress: Callable[[Progress], None],
        on_window: Callable[[int, Window], None],
        should_stop: Callable[[], bool],
    ) -> Result:
        """Raises CancelledError soon after `should_stop` says so, and any DuyguError that lies in the file."""
        ...


class Pictures(Protocol):
    """What is made of a result besides its JSON."""

    def plot(self, result: Result) -> bytes:
        """The timeline as PNG."""
        ...

    def film(
        self,
        video: Path,
        result: Result,
        target: Path,
        *,
        on_progress: Callable[[float], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Write the annotated video; `on_progress` gets the share done. Raises as the analysis does."""
        ...


class Live(Protocol):
    """Work on live sessions, with the model already loaded."""

    def shift(self, should_stop: Callable[[], bool]) -> int:
        """Take steps until nothing is ready or the shift is over; returns how many there were."""
        ...

    def close(self) -> None:
        """End what the work has started."""
        ...


@dataclass(frozen=True, slots=True)
class Workplace:
    """The same for every job of a worker."""

    jobs: JobStore
    storage: Storage
    analyze: Analyze
    live: Live | None = None
    pictures: Pictures | None = None
    sender: Sender | None = None
    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    traces: Traces = field(default_factory=NoTraces)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage of a job while the block runs."""
        with self.metrics.seconds.labels(name).time(), self.traces.span(name):
            yield


@dataclass(frozen=True, slots=True)
class Turn:
    """One job's turn at a workplace."""

    place: Workplace
    control: JobControl


_turn: ContextVar[Turn] = ContextVar("turn")


def current_turn() -> Turn:
    """The turn of the job that this thread runs; rq hands a task nothing but its arguments."""
    return _turn.get()


@contextmanager
def taking(turn: Turn) -> Iterator[None]:
    """Make it the current turn while the block runs."""
    token = _turn.set(turn)
    try:
        yield
    finally:
        _turn.reset(token)
