"""A result in other forms, one implementation for the API, the pages and the command line.

Nothing here needs numpy: the API process makes these files itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared.exports.report import html_report
from shared.exports.subtitles import srt, vtt
from shared.exports.tables import csv_table, ndjson_lines
from shared.schemas import Result


@dataclass(frozen=True, slots=True)
class Export:
    """One form: its media type and the function that makes its text."""

    media_type: str
    text: Callable[[Result], str]

    def write(self, result: Result) -> bytes:
        """The file's content, UTF-8."""
        return self.text(result).encode()


def _json(result: Result) -> str:
    return result.model_dump_json(indent=2) + "\n"


EXPORTS = {
    "json": Export("application/json", _json),
    "csv": Export("text/csv; charset=utf-8", csv_table),
    "ndjson": Export("application/x-ndjson", ndjson_lines),
    "vtt": Export("text/vtt; charset=utf-8", vtt),
    "srt": Export("application/x-subrip; charset=utf-8", srt),
    "html": Export("text/html; charset=utf-8", html_report),
}
"""Every form by the name that `?format=` and the command line know it by."""
