"""Arguments that select the files to write."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from duygu.services.commands.completion import complete_files
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.exports import ExportName

if TYPE_CHECKING:
    from duygu.services.commands.outputs import Outputs


ANALYZE_OUTPUTS = {
    "--json": (ExportName.JSON, "the whole result"),
    "--csv": (ExportName.CSV, "a table with one row per window"),
    "--ndjson": (ExportName.NDJSON, "one JSON object per window and line"),
    "--vtt": (ExportName.VTT, "subtitles for players"),
    "--srt": (ExportName.SRT, "subtitles for video editors"),
    "--report": (ExportName.HTML, "an HTML report with timelines and tables"),
    "--plot": (ExportName.PNG, "a plot of the timeline (.png, .svg or .pdf)"),
    "--video": (ExportName.MP4, "the video with boxes, emotions and a timeline"),
    "--blurred": (ExportName.BLURRED, "the video with every face covered, so that nobody can be recognised,"),
}
"""Output formats of `duygu analyze`, by option."""


VIDEOS = (ExportName.MP4, ExportName.BLURRED)
"""Formats that need the video itself, which a result file lacks."""


FORMATS_HELP = (
    "eaf (ELAN), textgrid (Praat), boris, bids, edl and otio (video editors), parquet, and those of the options"
)


def add_formats(command: argparse.ArgumentParser, names: Sequence[ExportName]) -> None:
    """Add the arguments of the formats that a command writes to one place."""
    command.add_argument(
        "--format",
        dest="formats",
        type=lambda text: _formats(text, names),
        default=(),
        metavar="F,F",
        help=f"write these formats to --output: {FORMATS_HELP}",
    )
    output = command.add_argument(
        "-o",
        "--output",
        default=".",
        metavar="FILE",
        help="where --format writes: a folder, or a file for a single format (default: the current folder)",
    )
    complete_files(output)
    command.add_argument(
        "--mark-speaking", action="store_true", help="mark in subtitles where a person speaks (with measured movements)"
    )


def _formats(text: str, names: Sequence[ExportName]) -> tuple[ExportName, ...]:
    chosen = [name.strip().lower() for name in text.split(",")]
    if unknown := [name for name in chosen if name not in list(names)]:
        raise argparse.ArgumentTypeError(f"unknown format {unknown[0]!r}; known: {', '.join(names)}")
    return tuple(dict.fromkeys(ExportName(name) for name in chosen))


def outputs_of(
    files: Mapping[str, str | None],
    formats: Sequence[ExportName],
    output: str,
    settings: Settings,
    *,
    mark_speaking: bool = False,
) -> "Outputs":
    """The outputs that the options select: files by format, and further formats in one place.

    Raises ConfigurationError for a format that is selected twice, or several formats for one file.
    """
    from duygu.services.commands.outputs import Destination, Outputs, format_for

    given = [(ExportName(name), Destination.parse(text)) for name, text in files.items() if text]
    chosen = {format_for(name, destination): destination for name, destination in given}
    place = Destination.parse(output)
    if len(formats) > 1 and not place.is_folder:
        raise ConfigurationError(f"{output} is a file; name a folder, such as {output}/, for {len(formats)} formats")
    if twice := [name for name in formats if name in chosen]:
        raise ConfigurationError(f"the format {twice[0]} is selected by --format and by an option of its own")
    return Outputs({**chosen, **dict.fromkeys(formats, place)}, settings, mark_speaking)
