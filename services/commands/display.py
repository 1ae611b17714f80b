"""Terminal output of `duygu analyze`: a progress bar for each video and a summary table."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from duygu.shared.exports.spans import (
    guesses_in_words,
    is_uncertain,
    overall_in_words,
    resting_in_words,
    shares_in_words,
    uncertain_share,
)
from duygu.shared.exports.titles import face_title, short_title
from duygu.shared.schemas.result import Result
from duygu.shared.vision.progress import Progress as Done
from duygu.shared.workbench.edits.editing import visible


@contextmanager
def show_progress(name: str, console: Console) -> "Iterator[ProgressBar]":
    """Show the progress of one video while the block runs."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(show_speed=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, TextColumn("{task.fields[speed]}"), console=console, transient=True) as progress:
        yield ProgressBar(progress, name)


class ProgressBar:
    """Progress of one video: a line for the analysis and one for the annotated video."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._analysis = progress.add_task(name, total=None, speed="")
        self._annotation = progress.add_task("annotating", total=1.0, speed="", visible=False)

    def show_analysis(self, done: Done) -> None:
        """Update the line of the analysis."""
        elapsed = self._progress.tasks[0].elapsed or 0.0
        speed = f"{done.time_s / elapsed:.0f}x" if elapsed > 0 else ""
        self._progress.update(self._analysis, total=done.duration_s, completed=done.time_s, speed=speed)

    def show_fetch(self, received: int, size: int | None) -> None:
        """Update the line while the video of a link is fetched."""
        self._progress.update(self._analysis, total=size, completed=received, speed=f"{received / 1e6:.0f} MB")

    def show_annotation(self, share: float) -> None:
        """Update the line of the annotated video with the share that is written."""
        self._progress.update(self._annotation, completed=share, visible=True)


def summary(name: str, result: Result) -> Table:
    """A table with one row per face."""
    faces = visible(result).faces
    count = len(faces)
    title = f"{name}: {result.video.duration_s:.1f} s, {count} {'face' if count == 1 else 'faces'}"
    table = Table(title=escape(title), title_justify="left", caption=_caption(result), caption_justify="left")
    for heading in ("face", "from", "to", "overall", "confidence", "uncertain", "share of time"):
        table.add_column(heading, justify="left" if heading in {"overall", "share of time"} else "right")
    for face in faces:
        times = (f"{face.start_s:.1f} s", f"{face.end_s:.1f} s")
        figures = (f"{face.confidence:.0%}", f"{uncertain_share(face):.0%}")
        shares = guesses_in_words(face) if is_uncertain(face) else shares_in_words(face)
        table.add_row(escape(short_title(face)), *times, overall_in_words(face), *figures, shares)
    return table


def _caption(result: Result) -> str | None:
    resting = [f"{face_title(face)}: {words}" for face in visible(result).faces if (words := resting_in_words(face))]
    return escape("\n".join(resting + [f"warning: {warning.detail}" for warning in result.warnings])) or None
