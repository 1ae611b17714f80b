"""`duygu analyze`: the engine without a server. The result goes to stdout, everything else to stderr."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from shared.atomic import write_atomically
from shared.config import Settings
from shared.errors import DuyguError, ModelError, NotAVideoError
from shared.exports import EXPORTS
from shared.schemas import Result
from shared.vision.engine import Engine, load_engine
from shared.vision.video import Progress as Done
from shared.vision.video import analyze_video

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

FILES = {
    "json": ("json", "the whole result"),
    "csv": ("csv", "one row a window"),
    "ndjson": ("ndjson", "one line a window"),
    "vtt": ("vtt", "subtitles for players"),
    "srt": ("srt", "subtitles for editors"),
    "report": ("html", "a page with pictures and tables, in one file"),
}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Tell the command line about `analyze`."""
    parser = commands.add_parser(
        "analyze",
        help="analyse videos without a server",
        description="Find every face in a video and print what it shows when, as JSON, on stdout. "
        "Progress and a summary go to stderr.",
        epilog="exit status: 0 all went well, 1 a video could not be analysed, 2 wrong usage, 130 interrupted",
    )
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="a video file, or a folder of them")
    for name, (_, what) in FILES.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write {what} to FILE")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Analyse what the arguments name; the exit status."""
    console = Console(stderr=True, quiet=arguments.quiet)
    outputs = {name: getattr(arguments, name) for name in FILES if getattr(arguments, name)}
    try:
        videos = list(_videos(arguments.videos))
        if len(videos) > 1 and outputs:
            return _complain("several videos cannot be written to one file", EXIT_USAGE)
        engine = load_engine(settings)
        failures = [not _one(video, engine, settings, console, outputs) for video in videos]
    except ModelError as error:
        return _complain(f"{error.code}: {error.detail}", EXIT_FAILED)
    except KeyboardInterrupt:
        return _complain("interrupted", EXIT_INTERRUPTED)
    return EXIT_FAILED if any(failures) or not failures else EXIT_OK


def _videos(paths: list[Path]) -> Iterator[Path]:
    """Files as given; of a folder, every file in it and below, in order of name."""
    for path in paths:
        yield from sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _one(video: Path, engine: Engine, settings: Settings, console: Console, outputs: dict[str, Path]) -> bool:
    """Analyse one video and hand out its result; whether it went well."""
    try:
        if not video.is_file():
            raise NotAVideoError("there is no such file")
        with _progress(video.name, console) as tell:
            result = analyze_video(video, engine, settings, on_progress=tell)
    except DuyguError as error:
        _complain(f"{video}: {error.code}: {error.detail}", EXIT_FAILED)
        return False
    for name, path in outputs.items():
        write_atomically(path, EXPORTS[FILES[name][0]].write(result))
    if not outputs:
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
