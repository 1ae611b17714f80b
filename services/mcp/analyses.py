"""The analyses of one server: they run one after the other, and their results stay in memory until the server ends."""

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from duygu.services.mcp.sources import Analyzer, source_name
from duygu.shared.errors import InvalidRequestError, JobNotFoundError, QueueFullError, ResultNotReadyError
from duygu.shared.schemas.job import JobStatus
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import Result

logger = logging.getLogger(__name__)

MOST_ANALYSES = 100
"""Analyses in memory; with more, the oldest ended one is dropped."""


@dataclass(eq=False)
class Analysis:
    """One analysis, waiting, running or ended."""

    analysis_id: str
    name: str
    future: "Future[Result]" = field(init=False)
    progress: float | None = 0.0

    @property
    def status(self) -> JobStatus:
        """The state, by the words of a job."""
        if self.future.cancelled():
            return JobStatus.CANCELLED
        if self.future.done():
            return JobStatus.FAILED if self.future.exception() else JobStatus.SUCCEEDED
        return JobStatus.RUNNING if self.future.running() else JobStatus.QUEUED

    @property
    def error(self) -> BaseException | None:
        """Why it failed; None otherwise."""
        return self.future.exception() if self.status == JobStatus.FAILED else None

    def wait(self, seconds: float) -> None:
        """Wait for the end, at most so many seconds."""
        with suppress(NotYetError):
            self.future.exception(timeout=seconds)

    @property
    def result(self) -> Result:
        """The result. Raises ResultNotReadyError before the end, and the error of a failed analysis."""
        if self.status not in {JobStatus.SUCCEEDED, JobStatus.FAILED}:
            raise ResultNotReadyError(f"analysis {self.analysis_id} is {self.status.value}; wait with `get_analysis`")
        return self.future.result()


class Analyses:
    """Analyses by their id, `a1`, `a2`, …"""

    def __init__(self, analyze: Analyzer) -> None:
        self._analyze = analyze
        self._found: dict[str, Analysis] = {}
        self._number = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="analysis")

    def __iter__(self) -> Iterator[Analysis]:
        return iter(list(self._found.values()))

    def get(self, analysis_id: str) -> Analysis:
        """Raises JobNotFoundError for an unknown id."""
        if analysis_id not in self._found:
            raise JobNotFoundError(f"no analysis `{analysis_id[:20]}`; known: {', '.join(self._found) or 'none'}")
        return self._found[analysis_id]

    def start(self, video: Path | str, options: AnalysisOptions) -> Analysis:
        """Queue a file or a link. Raises QueueFullError."""
        analysis = self._add(source_name(video))

        def report(share: float | None) -> None:
            analysis.progress = share

        analysis.future = self._pool.submit(self._analyze, video, options, report)
        return analysis

    def add(self, result: Result, name: str) -> Analysis:
        """Add a result that exists."""
        analysis = self._add(name)
        analysis.future = Future()
        analysis.future.set_result(result)
        return analysis

    def cancel(self, analysis_id: str) -> Analysis:
        """Cancel an analysis that waits. Raises InvalidRequestError if it runs or has ended."""
        analysis = self.get(analysis_id)
        if not analysis.future.cancel():
            raise InvalidRequestError(
                f"analysis {analysis_id} is {analysis.status.value}, only a queued one is cancelled"
            )
        return analysis

    def _add(self, name: str) -> Analysis:
        if len(self._found) >= MOST_ANALYSES:
            ended = next((one.analysis_id for one in self if one.future.done()), None)
            if ended is None:
                raise QueueFullError(f"{MOST_ANALYSES} analyses wait; try again when one has ended")
            del self._found[ended]
        self._number += 1
        analysis = Analysis(f"a{self._number}", name)
        self._found[analysis.analysis_id] = analysis
        return analysis
