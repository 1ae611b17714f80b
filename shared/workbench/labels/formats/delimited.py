"""Tables of labels: our CSV, and the events and aggregated events that BORIS exports; any of three delimiters."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping

from duygu.shared.errors import InvalidLabelError
from duygu.shared.workbench.labels.formats.entries import Entries, Entry, quoted, seconds, without_other_codes

DELIMITERS = (",", ";", "\t")

MAX_PREAMBLE = 50
"""Lines before the header; BORIS writes facts of the observation there."""

Row = Mapping[str, str]
"""Cells by the name of their column, in lower case."""

PLAIN = {"face_id", "start_s", "end_s", "emotion"}

AGGREGATED = {"subject", "behavior", "start (s)", "stop (s)"}

EVENTS = {"time", "subject", "behavior"}

MEDIA_COLUMNS = ("video", "media file name", "media file path", "media file")

DURATION_COLUMNS = ("duration_s", "media duration (s)", "total length")

NOT_AVAILABLE = ("", "na", "nan")


def read_table(text: str) -> Entries:
    """Read a table. Raises InvalidLabelError for a table of another form."""
    try:
        return _read(text)
    except csv.Error as error:
        raise InvalidLabelError(f"invalid CSV: {error}") from error


def _read(text: str) -> Entries:
    header, delimiter, lines = _header(text)
    rows = _rows(header, delimiter, lines)
    comma = delimiter != ","
    found = Entries(on_player_clock=not set(header) >= PLAIN)
    if set(header) >= PLAIN:
        found.found = [_plain(row, where, comma=comma) for where, row in _noted(rows, found, comma=comma)]
    elif set(header) >= AGGREGATED:
        aggregated = (_aggregated(row, where, comma=comma) for where, row in _noted(rows, found, comma=comma))
        found.found = list(without_other_codes(aggregated, found.skipped))
    else:
        events = ((where, row) for where, row in _noted(rows, found, comma=comma))
        found.found = list(without_other_codes(_paired(events, comma=comma), found.skipped))
    return found


def _header(text: str) -> tuple[list[str], str, Iterator[tuple[int, str]]]:
    """Names of the columns in lower case, the delimiter, and the numbered lines behind the header."""
    lines = iter(enumerate(io.StringIO(text, newline=None), 1))
    for number, line in lines:
        for delimiter in DELIMITERS:
            names = [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])]
            if any(set(names) >= columns for columns in (PLAIN, AGGREGATED, EVENTS)):
                return names, delimiter, lines
        if number >= MAX_PREAMBLE:
            break
    raise InvalidLabelError(
        "the file has no header with the columns face_id, start_s, end_s and emotion, nor that of a table from BORIS"
    )


def _rows(header: list[str], delimiter: str, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[str, Row]]:
    """The place and the cells of each row that is not empty."""
    first, numbered = next(lines, (0, "")), lines
    texts = (line for _, line in (first, *numbered))
    reader = csv.reader(texts, delimiter=delimiter)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            yield f"line {first[0] + reader.line_num - 1}", row


def _noted(rows: Iterator[tuple[str, Row]], found: Entries, *, comma: bool) -> Iterator[tuple[str, Row]]:
    """The rows; facts of their video are added to `found`."""
    for where, row in rows:
        found.media.update(value for name in MEDIA_COLUMNS if (value := row.get(name, "")))
        for name in DURATION_COLUMNS:
            if row.get(name, "").lower() not in NOT_AVAILABLE:
                found.durations_s.add(seconds(row[name], where, decimal_comma=comma))
        if sha256 := row.get("sha256"):
            found.sha256.add(sha256.lower())
        yield where, row


def _plain(row: Row, where: str, *, comma: bool) -> Entry:
    start_s, end_s = (seconds(row.get(name, ""), where, decimal_comma=comma) for name in ("start_s", "end_s"))
    return Entry(where, row.get("face_id", ""), start_s, end_s, row.get("emotion", ""), row.get("rater", ""))


def _aggregated(row: Row, where: str, *, comma: bool) -> Entry:
    """A row of aggregated events. A point event ends where it begins."""
    start_s = seconds(row.get("start (s)", ""), where, decimal_comma=comma)
    stop = row.get("stop (s)", "")
    end_s = start_s if stop.lower() in NOT_AVAILABLE else seconds(stop, where, decimal_comma=comma)
    return Entry(where, row.get("subject", ""), start_s, end_s, row.get("behavior", ""))


def _paired(rows: Iterator[tuple[str, Row]], *, comma: bool) -> Iterator[Entry]:
    """The states between the START and STOP of each subject and behaviour."""
    begun: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for where, row in rows:
        missing = [name for name in EVENTS if name not in row]
        if missing:
            raise InvalidLabelError(f"{where}: the row has no {missing[0]}")
        time_s = seconds(row["time"], where, decimal_comma=comma)
        key = row["subject"], row["behavior"]
        if (row.get("behavior type") or row.get("status") or "").upper() == "POINT":
            yield Entry(where, key[0], time_s, time_s, key[1])
        elif begun[key]:
            yield Entry(where, key[0], begun[key].pop(), time_s, key[1])
        else:
            begun[key].append(time_s)
    if left := next((key for key, times in begun.items() if times), None):
        raise InvalidLabelError(f"{quoted(left[1])} of {quoted(left[0])} starts and does not stop")
