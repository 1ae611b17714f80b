"""Analyses of the videos of a study in a running service."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from duygu.client import Service
from duygu.client.responses import get, with_retries
from duygu.client.uploads import RESPONSE_TIMEOUT_S, analyze_async
from duygu.shared.errors import (
    ConfigurationError,
    DuyguError,
    ForbiddenError,
    QueueFullError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
    UnreadableFileError,
)
from duygu.shared.exports.titles import printable
from duygu.shared.model.folder import sha256_of
from duygu.shared.schemas.emotions import OTHER
from duygu.shared.schemas.model import ModelDescription
from duygu.shared.schemas.options import DEFAULTS, AnalysisOptions, require_labels
from duygu.shared.schemas.result import Result
from duygu.shared.storage.atomic import write_atomically
from duygu.shared.workbench.studies.outcome import RowError
from duygu.shared.workbench.studies.results import ResultFiles

AT_ONCE = 4
"""Videos that are sent at the same time: a worker analyses one while others arrive."""

BUSY_S = 3600.0
"""Time for which a video waits for a full queue or a limit of the API key."""


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that responds, with what its results depend on."""

    service: Service
    model: ModelDescription
    version: str


def analyse_in_service(
    stored: ResultFiles,
    videos: list[Path],
    url: str,
    key: str | None,
    console: Console,
    options: AnalysisOptions = DEFAULTS,
) -> Mapping[Path, RowError]:
    """Analyse the videos that have no current result in a service; the errors of those that failed.

    Raises ConfigurationError where no service responds, UnauthorizedError and ForbiddenError for its API key, and
    InvalidLabelsError for labels that its model lacks.
    """
    running = asyncio.run(_running(Service(url, key)))
    require_labels(options, running.model.labels)
    return asyncio.run(ServiceAnalyses(stored, running, console, options).run(videos))


async def _running(service: Service) -> RunningService:
    client = httpx.AsyncClient(base_url=service.url, headers=service.headers, timeout=RESPONSE_TIMEOUT_S)
    async with client:
        try:
            model = (await with_retries(lambda: client.get("/v1/model"), reached=False)).json()
            document = (await get(client, "/openapi.json")).json()
        except httpx.TransportError as error:
            raise ConfigurationError(f"{service.url} does not respond: {error}") from error
    return RunningService(service, ModelDescription.model_validate(model, extra="ignore"), document["info"]["version"])


@dataclass(frozen=True, slots=True)
class ServiceAnalyses:
    """Analyses of the videos of a study, a few at a time. Each result is written as soon as it is complete."""

    stored: ResultFiles
    running: RunningService
    console: Console
    options: AnalysisOptions = DEFAULTS

    async def run(self, videos: list[Path]) -> Mapping[Path, RowError]:
        """Analyse the videos without a current result; the errors of those that failed."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        waiting = [video for video in videos if not self.is_current(video)]
        turns = asyncio.Semaphore(AT_ONCE)
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task("", total=len(waiting))

            async def one(video: Path) -> RowError | None:
                async with turns:
                    progress.update(task, description=printable(video.name))
                    error = await self._failure(video)
                    progress.advance(task)
                    return error

            failures = await asyncio.gather(*(one(video) for video in waiting))
        return {video: error for video, error in zip(waiting, failures, strict=True) if error}

    def is_current(self, video: Path) -> bool:
        """Whether a result exists that is from this file, and from the model, options and version of the service."""
        if not self.stored.path(video).exists():
            return False
        try:
            result = self.stored.computed(video)
            return self._is_of_service(result) and result.video.sha256 == sha256_of(video)
        except (DuyguError, OSError):
            return False

    def _is_of_service(self, result: Result) -> bool:
        known, model, program = result.options, self.running.model, result.program
        wanted = model.labels if self.options.labels is None else self.options.labels
        return (
            known is not None
            and program is not None
            and program.version == self.running.version
            and result.model.sha256 == model.sha256
            and {*known.labels} - {OTHER} == {*wanted} - {OTHER}
            and set(known.measures) == set(self.options.measures or ())
        )

    async def _failure(self, video: Path) -> RowError | None:
        """Analyse one video; its error, None if it succeeded. Raises UnauthorizedError and ForbiddenError."""
        try:
            result = await self._analyse(video)
            write_atomically(self.stored.path(video), (result.model_dump_json(indent=2) + "\n").encode())
        except (UnauthorizedError, ForbiddenError):
            raise  # no other video would succeed
        except DuyguError as error:
            return RowError(error.code, error.detail)
        except httpx.TransportError as error:
            return RowError(UnavailableError.code, f"{self.running.service.url} does not respond: {error}")
        except OSError as error:
            return RowError(UnreadableFileError.code, f"{error.filename or video}: {error.strerror or error}")
        return None

    async def _analyse(self, video: Path) -> Result:
        """Submit a video, or find the job of an earlier run. Waits while the service is busy."""
        if not video.is_file():
            raise UnreadableFileError(f"{video}: {'not a file' if video.exists() else 'the file does not exist'}")
        given_up = time.monotonic() + BUSY_S
        values = self.options.model_dump(exclude_none=True)
        while True:
            try:
                return await analyze_async(
                    video, self.running.service, reuse=True, title=printable(video.name), **values
                )
            except (QueueFullError, RateLimitedError) as error:
                if time.monotonic() >= given_up:
                    raise
                await asyncio.sleep(min(error.retry_after_s or 1, 10))
