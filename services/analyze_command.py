"""`duygu analyze`: the engine without a server. The result goes to stdout, everything else to stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from shared.atomic import write_atomically
from shared.config import Settings
from shared.errors import ConfigurationError, DuyguError, NotAVideoError
from shared.exports import EXPORTS, ExportName
from shared.schemas import Result
from shared.vision.engine import Engine, load_engine
from shared.vision.video import Progress as Done
from shared.vision.video import analyze_video

EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130

OUTPUTS = {name.value: name for name in ExportName if name != ExportName.HTML} | {"report": ExportName.HTML}
"""Which form of shared.exports each option writes."""


def run(videos: list[Path], files: dict[str, Path], settings: Settings, *, quiet: bool = False) -> int:
    """Analyse files and folders; the exit status.

    files  option of OUTPUTS -> where to write; without any, each result is printed as one line of JSON

    Raises ModelError when there is no usable model, ConfigurationError when several results would go to one file.
    """
    found = list(_videos(videos))
    if len(found) > 1 and files:
        raise ConfigurationError("the results of several videos cannot go to one file")
    console = Console(stderr=True, quiet=quiet)
    try:
        engine = load_engine(settings)
        went_well = [_one(video, engine, settings, console, files) for video in found]
    except KeyboardInterrupt:
        return _complain("interrupted", EXIT_INTERRUPTED)
    return EXIT_OK if went_well and all(went_well) else EXIT_FAILED


def _videos(paths: list[Path]) -> Iterator[Path]:
    """Files as given; of a folder, every file in it and below, in order of name."""
    for path in paths:
        yield from sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _one(video: Path, engine: Engine, settings: Settings, console: Console, files: dict[str, Path]) -> bool:
    """Analyse one video and hand out its result; whether it went well."""
    try:
        if not video.is_file():
            raise NotAVideoError("there is no such file")
        with _progress(video.name, console) as tell:
            result = analyze_video(video, engine, settings, on_progress=tell)
    except DuyguError as error:
        _complain(f"{video}: {error.code}: {error.detail}", EXIT_FAILED)
        return False
    for name, path in files.items():
        write_atomically(path, EXPORTS[OUTPUTS[name]].write(result))
    if not files:
        sys.stdout.write(result.model_dump_json() + "\n")
    console.print(_summary(video, result))
    return True


@contextmanager
def _progress(name: str, console: Console) -> "Iterator[_Teller]":
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, TextColumn("{task.fields[speed]}"), console=console, transient=True) as progress:
        yield _Teller(progress, name)


class _Teller:
    """Hands what the engine has done on to the bar."""

    def __init__(self, progress: Progress, name: str) -> None:
        self.progress = progress
        self.task = progress.add_task(name, total=None, speed="")

    def __call__(self, done: Done) -> None:
        elapsed = self.progress.tasks[0].elapsed or 0.0
        speed = f"{done.time_s / elapsed:.0f}x" if elapsed > 0 else ""
        self.progress.update(self.task, total=done.duration_s, completed=done.time_s, speed=speed)


def _summary(video: Path, result: Result) -> Table:
    """A row a face."""
    table = Table(title=video.name, title_justify="left")
    for heading in ("face", "from", "to", "emotion", "confidence", "windows"):
        table.add_column(heading, justify="left" if heading == "emotion" else "right")
    for face in result.faces:
        times = (f"{face.start_s:.1f} s", f"{face.end_s:.1f} s")
        table.add_row(str(face.face_id), *times, face.emotion, f"{face.confidence:.0%}", str(len(face.windows)))
    return table


def _complain(what: str, status: int) -> int:
    sys.stderr.write(f"duygu: {what}\n")
    return status
