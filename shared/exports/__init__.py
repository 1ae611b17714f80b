"""A result in other forms, one implementation for the API, the pages and the command line.

Nothing here needs numpy: the API process makes these files itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from duygu.shared.exports.pdf import pdf
from duygu.shared.exports.report import html_report
from duygu.shared.exports.subtitles import srt, vtt
from duygu.shared.exports.svg import svg
from duygu.shared.exports.tables import csv_rows, csv_table, ndjson_lines
from duygu.shared.schemas import Result


class ExportName(StrEnum):
    """What `?format=` and the command line call a form."""

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


@dataclass(frozen=True, slots=True)
class Export:
    """One form: its media type and the function that makes its text."""

    media_type: str
    text: Callable[[Result], str]
    more: Callable[[Result], str] | None = None
    """Makes the text of a further result in the same file; None where a file holds one result."""

    def write(self, result: Result) -> bytes:
        """The file's content, UTF-8."""
        return self.text(result).encode()

    def continued(self, result: Result) -> bytes:
        """What follows in a file that holds other results already; the whole again where there is no such form."""
        return (self.more or self.text)(result).encode()


def _json(result: Result) -> str:
    return result.model_dump_json(indent=2) + "\n"


EXPORTS = {
    ExportName.JSON: Export("application/json", _json),
    ExportName.CSV: Export("text/csv; charset=utf-8", csv_table, csv_rows),
    ExportName.NDJSON: Export("application/x-ndjson", ndjson_lines, ndjson_lines),
    ExportName.VTT: Export("text/vtt; charset=utf-8", vtt),
    ExportName.SRT: Export("application/x-subrip; charset=utf-8", srt),
    ExportName.HTML: Export("text/html; charset=utf-8", html_report),
    ExportName.SVG: Export("image/svg+xml", svg),
    ExportName.PDF: Export("application/pdf", pdf),
}
"""Every form that is text, by its name."""

PICTURES = {ExportName.PNG: "image/png", ExportName.MP4: "video/mp4"}
"""Media types of the forms that are pictures: duygu.shared.annotated makes them, where the engine runs."""
