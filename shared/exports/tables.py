"""Tabular exports: one row or line per window."""

import csv
import io
import json
from collections.abc import Iterable, Iterator

from duygu.shared.exports.titles import title_of
from duygu.shared.schemas import Flag, Result, Window

COLUMNS = ("face_id", "start_s", "end_s", "emotion", "confidence", "uncertain", "flags")
"""`flags` contains several flags joined by `|`, and is empty without flags."""

FLAG_COLUMNS = tuple(f"flag_{flag}" for flag in Flag)
"""`true` or `false` per flag. pandas reads a column that is empty in all rows, as `flags` can be, as numeric."""


MEASURED_COLUMNS = ("valence", "speaking")
"""Columns of a result with movements, before those of the movements."""


def csv_table(result: Result) -> str:
    """Render tidy CSV (RFC 4180): `COLUMNS`, `video`, `FLAG_COLUMNS`, `name`, and a probability per label.

    Where movements were measured, `valence`, `speaking` and a column per movement follow.
    """
    header: list[object] = [*COLUMNS, "video", *FLAG_COLUMNS, "name", *result.model.labels, *_measured_columns(result)]
    return _csv([header, *_rows(result)])


def csv_rows(result: Result) -> str:
    """Render the same without the header, for a table of several videos."""
    return _csv(_rows(result))


def _csv(rows: Iterable[list[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _rows(result: Result) -> Iterator[list[object]]:
    title = title_of(result)
    for face in result.faces:
        for window in face.windows:
            yield [
                face.face_id,
                window.start_s,
                window.end_s,
                window.emotion,
                window.confidence,
                _truth(window.uncertain),
                "|".join(window.flags),
                title,
                *(_truth(flag in window.flags) for flag in Flag),
                face.name or "",
                *(window.probabilities.get(label, 0.0) for label in result.model.labels),
                *_measured(window, result),
            ]


def _measured_columns(result: Result) -> list[str]:
    movements = result.model.movements
    return [*MEASURED_COLUMNS, *movements] if movements else []


def _measured(window: Window, result: Result) -> Iterator[object]:
    """The cells of `_measured_columns`; empty for what is unknown."""
    if not result.model.movements:
        return
    yield "" if window.valence is None else window.valence
    yield "" if window.speaking is None else window.speaking
    values = window.movements or {}
    yield from (values.get(name, "") for name in result.model.movements)


def _truth(value: bool) -> str:
    return str(value).lower()


def ndjson_lines(result: Result) -> str:
    """Render one JSON object per line: first one of `type` video, then one of `type` window per window."""
    head = {"type": "video", **result.model_dump(mode="json", exclude={"faces"})}
    windows = (
        {"type": "window", "face_id": face.face_id, "name": face.name, **window.model_dump(mode="json")}
        for face in result.faces
        for window in face.windows
    )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (head, *windows))
