"""A table of a study as CSV. A missing value is an empty field, never 0."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from duygu.shared.exports.tables import inert
from duygu.shared.workbench.studies.tables.columns import Column, Kind

Value = str | float | bool | None
Row = Mapping[str, Value]

DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by column name; a column that a row lacks is missing."""

    name: str
    about: str
    """What a row is."""
    columns: Sequence[Column]
    rows: Sequence[Row]

    def csv(self) -> str:
        """Render CSV (RFC 4180) with a header."""
        content = io.StringIO()
        writer = csv.writer(content)
        writer.writerow([column.name for column in self.columns])
        writer.writerows([_field(row.get(column.name)) for column in self.columns] for row in self.rows)
        return content.getvalue()

    def values(self, column: Column) -> list[Value]:
        """Values of a column; None where missing. An empty text is missing, and a number of study.csv is read."""
        return [_typed(row.get(column.name), column.kind) for row in self.rows]


def _typed(value: Value, kind: Kind) -> Value:
    if value == "":
        return None
    return float(value) if kind == Kind.NUMBER and isinstance(value, str) else rounded(value)


def rounded(value: Value) -> Value:
    """A number with at most `DECIMALS` decimals; anything else as it is."""
    return round(value, DECIMALS) + 0.0 if isinstance(value, float) else value


def _field(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return inert(value)
    return str(value).lower() if isinstance(value, bool) else str(rounded(value))
