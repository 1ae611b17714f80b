"""Where analyses run: in this process, or in a running service."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ForbiddenError, UnreadableFileError
from duygu.shared.exports.titles import printable
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import Result

if TYPE_CHECKING:
    from duygu.client import Service
    from duygu.shared.vision.engine import Engine


class Analyzer(Protocol):
    """Analyses a video file; `on_progress` receives the share done, or None while it is unknown."""

    def __call__(self, video: Path, options: AnalysisOptions, on_progress: Callable[[float | None], None]) -> Result:
        """Raises the errors of duygu.shared.errors."""
        ...


class LocalAnalyzer:
    """Analyses videos in this process. The model is loaded before the first one."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._loading = settings, Lock()

    @cached_property
    def _loaded(self) -> "Engine":
        from duygu.shared.config.engine import engine_options
        from duygu.shared.vision.engine import load_engine

        return load_engine(engine_options(self._settings))

    def __call__(self, video: Path, options: AnalysisOptions, on_progress: Callable[[float | None], None]) -> Result:
        """Raises VideoError and ModelError."""
        from duygu.shared.config.engine import decode_limits
        from duygu.shared.vision.analysis import analyze_video

        with self._loading:
            engine = self._loaded
        return analyze_video(
            video,
            engine,
            decode_limits(self._settings),
            options,
            name=printable(video.name),
            on_progress=lambda progress: on_progress(progress.fraction),
        )


class ServiceAnalyzer:
    """Uploads videos to a service and waits for their results. Its client reports no progress."""

    def __init__(self, service: "Service") -> None:
        self._service = service

    def __call__(self, video: Path, options: AnalysisOptions, on_progress: Callable[[float | None], None]) -> Result:
        """Raises the errors of the service, and httpx.TransportError when it does not respond."""
        from duygu.client import analyze

        result = analyze(video, self._service, **options.model_dump(exclude_none=True))
        return result.model_copy(update={"video": result.video.model_copy(update={"name": printable(video.name)})})


def readable_file(path: str, folders: list[Path]) -> Path:
    """The resolved path of a file. `folders` are those from which files may be read; empty allows all.

    Raises ForbiddenError for a path that leads outside `folders`, also through a link, whether or not it exists, and
    UnreadableFileError for what is not a file.
    """
    file = Path(path).expanduser().resolve()
    if folders and not any(file.is_relative_to(folder.resolve()) for folder in folders):
        raise ForbiddenError(f"{printable(path)} is outside the folders that this server may read")
    if not file.is_file():
        raise UnreadableFileError(f"{printable(path)}: {'not a file' if file.exists() else 'the file does not exist'}")
    return file
