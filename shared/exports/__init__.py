"""Export formats of a result, shared by the API, the pages and the command line.

The module does not depend on numpy, since the API process creates these files itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from duygu.shared.exports.interchange.bids import bids
from duygu.shared.exports.interchange.boris import boris
from duygu.shared.exports.interchange.eaf import eaf
from duygu.shared.exports.interchange.edl import edl
from duygu.shared.exports.interchange.otio import otio
from duygu.shared.exports.interchange.parquet import parquet
from duygu.shared.exports.interchange.textgrid import textgrid
from duygu.shared.exports.pdf import pdf
from duygu.shared.exports.report import html_report
from duygu.shared.exports.subtitles import srt, vtt
from duygu.shared.exports.svg import svg
from duygu.shared.exports.tables import csv_rows, csv_table, ndjson_lines
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.edits.editing import visible


class ExportName(StrEnum):
    """Names of the formats in `?format=` and on the command line."""

    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"
    VTT = "vtt"
    SRT = "srt"
    HTML = "html"
    PNG = "png"
    MP4 = "mp4"
    SVG = "svg"
    PDF = "pdf"
    EAF = "eaf"
    TEXTGRID = "textgrid"
    BORIS = "boris"
    BIDS = "bids"
    EDL = "edl"
    OTIO = "otio"
    PARQUET = "parquet"
    BLURRED = "blurred"


@dataclass(frozen=True, slots=True)
class Export:
    """An export format: its media type and the function that renders its content."""

    media_type: str
    text: Callable[[Result], str | bytes]
    """Renders the content; a text is written as UTF-8."""
    more: Callable[[Result], str] | None = None
    """Renders the text of a further result in the same file; None if a file holds one result."""
    with_excluded: bool = False
    """Whether the file contains the faces that edits excluded."""

    marked: Callable[[Result], str] | None = None
    """Renders the content with marks where a person speaks; None for a format without such marks."""

    def write(self, result: Result, *, mark_speaking: bool = False) -> bytes:
        """Content of the file; `mark_speaking` applies to the formats that have marks where a person speaks."""
        render = self.marked if mark_speaking and self.marked else self.text
        return _encoded(render(self._shown(result)))

    def continued(self, result: Result) -> bytes:
        """Content to append to a file that holds other results; the whole file if the format cannot be appended to."""
        return _encoded((self.more or self.text)(self._shown(result)))

    def _shown(self, result: Result) -> Result:
        return result if self.with_excluded else visible(result)


def _encoded(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _json(result: Result) -> str:
    return result.model_dump_json(indent=2) + "\n"


EXPORTS = {
    ExportName.JSON: Export("application/json", _json, with_excluded=True),
    ExportName.CSV: Export("text/csv; charset=utf-8", csv_table, csv_rows),
    ExportName.NDJSON: Export("application/x-ndjson", ndjson_lines, ndjson_lines),
    ExportName.VTT: Export("text/vtt; charset=utf-8", vtt, marked=partial(vtt, mark_speaking=True)),
    ExportName.SRT: Export("application/x-subrip; charset=utf-8", srt, marked=partial(srt, mark_speaking=True)),
    ExportName.HTML: Export("text/html; charset=utf-8", html_report),
    ExportName.SVG: Export("image/svg+xml", svg),
    ExportName.PDF: Export("application/pdf", pdf),
    ExportName.EAF: Export("text/x-eaf+xml", eaf),
    ExportName.TEXTGRID: Export("text/praat-textgrid; charset=utf-8", textgrid),
    ExportName.BORIS: Export("application/x-boris+json", boris),
    ExportName.BIDS: Export("application/zip", bids),
    ExportName.EDL: Export("text/x-cmx3600-edl; charset=utf-8", edl),
    ExportName.OTIO: Export("application/x-otio+json", otio),
    ExportName.PARQUET: Export("application/vnd.apache.parquet", parquet),
}
"""Formats that need no pictures, by name."""

EXTENSIONS = {ExportName.TEXTGRID: "TextGrid", ExportName.BIDS: "bids.zip", ExportName.BLURRED: "blurred.mp4"}
"""Extensions of files that differ from the name of their format."""


def extension_of(name: ExportName) -> str:
    """Extension of the files of a format, without the point before it."""
    return EXTENSIONS.get(name, name.value)


PICTURES = {ExportName.PNG: "image/png", ExportName.MP4: "video/mp4", ExportName.BLURRED: "video/mp4"}
"""Media types of the formats that require images. duygu.shared.annotated creates them, in processes with the engine."""
