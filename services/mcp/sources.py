"""Where analyses run: in this process, or in a running service."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from duygu.shared.config.settings import Settings
from duygu.shared.errors import ForbiddenError, UnreadableFileError
from duygu.shared.exports.titles import printable
from duygu.shared.inputs.links.link import is_link, parse_link
from duygu.shared.inputs.links.local_copy import fetch_copy, link_name
from duygu.shared.schemas.options import AnalysisOptions, require_no_job
from duygu.shared.schemas.result import Result

if TYPE_CHECKING:
    from duygu.client import Service
    from duygu.shared.vision.engine import Engine

MOST_SHOWN = 200
"""Characters of a path that cannot exist, in the message about it."""


class Analyzer(Protocol):
    """Analyses a video file, or the video of a link; `on_progress` receives the share done, or None if unknown."""

    def __call__(
        self, video: Path | str, options: AnalysisOptions, on_progress: Callable[[float | None], None]
    ) -> Result:
        """Raises the errors of duygu.shared.errors."""
        ...


class LocalAnalyzer:
    """Analyses videos in this process. The model is loaded before the first one."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._loading = settings, Lock()

    @cached_property
    def _loaded(self) -> "Engine":
        from duygu.shared.config.engine import engine_options
        from duygu.shared.vision.decode.video import standby_decoder
        from duygu.shared.vision.engine import load_engine

        return load_engine(engine_options(self._settings), standby_decoder(keep=True))

    def __call__(
        self, video: Path | str, options: AnalysisOptions, on_progress: Callable[[float | None], None]
    ) -> Result:
        """A link is fetched into a temporary folder by the rules of the settings.

        Raises VideoError, ModelError, InvalidBaselineError and the errors of a link.
        """
        require_no_job(options)
        if isinstance(video, str):
            with TemporaryDirectory(prefix="duygu-") as folder:
                return self(fetch_copy(video, Path(folder), self._settings), options, on_progress)
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
    """Uploads videos to a service, or names links to it, and waits for results. Its client reports no progress."""

    def __init__(self, service: "Service") -> None:
        self._service = service

    def __call__(
        self, video: Path | str, options: AnalysisOptions, on_progress: Callable[[float | None], None]
    ) -> Result:
        """Raises the errors of the service, and httpx.TransportError when it does not respond."""
        from duygu.client import analyze

        result = analyze(video, self._service, **options.model_dump(exclude_none=True))
        return result.model_copy(update={"video": result.video.model_copy(update={"name": source_name(video)})})


def source_name(video: Path | str) -> str:
    """The name of a file, or of the video of a link. Raises LinkRefusedError for a malformed link."""
    return printable(video.name) if isinstance(video, Path) else link_name(video)


def readable_source(path: str, folders: list[Path]) -> Path | str:
    """The path of a file, as `readable_file` returns it, or a link, to which `folders` does not apply.

    Raises LinkRefusedError for a malformed link, and the errors of `readable_file`.
    """
    if not is_link(path):
        return readable_file(path, folders)
    parse_link(path)
    return path


def readable_file(path: str, folders: list[Path]) -> Path:
    """The resolved path of a file. `folders` are those from which files may be read; empty allows all.

    Raises ForbiddenError for a path that leads outside `folders`, also through a link, whether or not it exists, and
    UnreadableFileError for what is not a file or no path.
    """
    try:
        return _readable_file(path, folders)
    except (OSError, RuntimeError, ValueError) as error:  # too long, of an unknown user, with a null character
        shown = printable(path)[:MOST_SHOWN]
        raise UnreadableFileError(f"{shown}: {getattr(error, 'strerror', None) or error}") from error


def _readable_file(path: str, folders: list[Path]) -> Path:
    file = Path(path).expanduser().resolve()
    if folders and not any(file.is_relative_to(folder.resolve()) for folder in folders):
        raise ForbiddenError(f"{printable(path)} is outside the folders that this server may read")
    if not file.is_file():
        raise UnreadableFileError(f"{printable(path)}: {'not a file' if file.exists() else 'the file does not exist'}")
    return file
