"""Tabular exports: one row or line per window."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from duygu.shared.exports.titles import title_of
from duygu.shared.schemas.result import Flag, Result, Window

COLUMNS = ("face_id", "start_s", "end_s", "emotion", "confidence", "uncertain", "flags")
"""`flags` contains several flags joined by `|`, and is empty without flags."""

FLAG_COLUMNS = tuple(f"flag_{flag}" for flag in Flag)
"""`true` or `false` per flag. pandas reads a column that is empty in all rows, as `flags` can be, as numeric."""


MEASURED_COLUMNS = ("valence", "speaking")
"""Columns of a result with movements, before those of the movements."""
RELATIVE_COLUMNS = ("relative_emotion", "relative_confidence", "relative_uncertain")
"""Columns of a result with a baseline, before those of the labels with the prefix `relative_`."""

FORMULA = re.compile(r"[=@\t\r]|[+-](?!$|\d*[.,]?\d+(?:[eE][+-]?\d+)?$)")
"""Start of a text that spreadsheets take for a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""

Cell = str | float | bool | None
"""Value of a cell; None if it is missing."""


def csv_table(result: Result) -> str:
    """Render tidy CSV (RFC 4180): `COLUMNS`, `video`, `FLAG_COLUMNS`, `name`, and a probability per label.

    Where movements were measured, `valence`, `speaking` and a column per movement follow. Where a baseline was
    requested or an edit chose one, `RELATIVE_COLUMNS` and a probability per label follow.
    """
    return _csv([[name for name, _ in header_of(result)], *rows_of(result)])


def csv_rows(result: Result) -> str:
    """Render the same without the header, for a table of several videos."""
    return _csv(rows_of(result))


def _csv(rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(map(_written, row) for row in rows)
    return text.getvalue()


def header_of(result: Result) -> list[tuple[str, type]]:
    """Names and types of the columns."""
    plain = zip(COLUMNS, (int, float, float, str, float, bool, str), strict=True)
    measured = [*MEASURED_COLUMNS, *result.model.movements] if result.model.movements else []
    flags = [(name, bool) for name in FLAG_COLUMNS]
    numbers = [(name, float) for name in (*result.model.labels, *measured)]
    return [*plain, ("video", str), *flags, ("name", str), *numbers, *_relative_header(result)]


def _relative_header(result: Result) -> list[tuple[str, type]]:
    if not _has_baseline(result):
        return []
    labels = [(f"relative_{label}", float) for label in result.model.labels]
    return [*zip(RELATIVE_COLUMNS, (str, float, bool), strict=True), *labels]


def _has_baseline(result: Result) -> bool:
    requested = result.options is not None and result.options.baseline is not None
    return requested or any(face.baseline for face in result.faces)


def rows_of(result: Result) -> Iterator[list[Cell]]:
    """One row per window."""
    title = title_of(result)
    for face in result.faces:
        for window in face.windows:
            yield [
                face.face_id,
                window.start_s,
                window.end_s,
                window.emotion,
                window.confidence,
                window.uncertain,
                "|".join(window.flags),
                title,
                *(flag in window.flags for flag in Flag),
                face.name or None,
                *(window.probabilities.get(label, 0.0) for label in result.model.labels),
                *_measured(window, result),
                *_relative(window, result),
            ]


def _measured(window: Window, result: Result) -> Iterator[float | None]:
    """The cells of `MEASURED_COLUMNS` and of the movements."""
    if not result.model.movements:
        return
    yield window.valence
    yield window.speaking
    values = window.movements or {}
    yield from (values.get(name) for name in result.model.movements)


def _relative(window: Window, result: Result) -> Iterator[Cell]:
    """The cells of the relative prediction, empty where the face has no baseline."""
    if not _has_baseline(result):
        return
    prediction = window.relative
    if prediction is None:
        yield from [None] * (len(RELATIVE_COLUMNS) + len(result.model.labels))
        return
    yield from (prediction.emotion, prediction.confidence, prediction.uncertain)
    yield from (prediction.probabilities.get(label, 0.0) for label in result.model.labels)


def _written(cell: Cell) -> object:
    """The cell in CSV: `true` and `false`, nothing for a missing value, and text that no spreadsheet computes."""
    if isinstance(cell, bool):
        return str(cell).lower()
    return inert(cell) if isinstance(cell, str) else cell


def inert(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet would compute it as a formula; numbers stay."""
    return f"'{text}" if FORMULA.match(text) else text


def ndjson_lines(result: Result) -> str:
    """Render one JSON object per line: first one of `type` video, then one of `type` window per window."""
    head = {"type": "video", **result.model_dump(mode="json", exclude={"faces"})}
    windows = (
        {"type": "window", "face_id": face.face_id, "name": face.name, **window.model_dump(mode="json")}
        for face in result.faces
        for window in face.windows
    )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (head, *windows))
