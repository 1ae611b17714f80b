"""Code book of the tables: name, meaning, unit, range and computation of each column."""

import json
from collections.abc import Iterable, Iterator

from duygu.shared.workbench.studies.settings import StudySettings
from duygu.shared.workbench.studies.tables.table import Table

INTRODUCTION = (
    "A missing value is an empty field in CSV and null in Parquet, never 0. Times are in seconds: those of the video "
    "count from its first frame, those of the stimulus from `offset_s` of the video. An expression is not a feeling: "
    "the tables describe what a face shows.\n"
)


def codebook_json(tables: Iterable[Table], settings: StudySettings) -> str:
    """Render the code book for programs."""
    content = {
        "settings": settings.values(),
        "missing": "an empty field in CSV, null in Parquet",
        "tables": {table.name: _table(table) for table in tables},
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _table(table: Table) -> dict[str, object]:
    columns = [
        {
            "name": column.name,
            "type": column.kind.value,
            "meaning": column.meaning,
            "unit": column.unit or None,
            "range": column.range or None,
            "computed": column.computed or None,
        }
        for column in table.columns
    ]
    return {"about": table.about, "rows": len(table.rows), "columns": columns}


def codebook_markdown(tables: Iterable[Table], settings: StudySettings) -> str:
    """Render the code book for people."""
    lines = ["# Code book", "", INTRODUCTION, "## Settings", "", "| Setting | Value |", "|---|---|"]
    lines += [f"| {name} | {value:g} |" for name, value in settings.values().items()]
    for table in tables:
        lines += ["", *_section(table)]
    return "\n".join(lines) + "\n"


def _section(table: Table) -> Iterator[str]:
    yield from (f"## {table.name}", "", table.about, "")
    yield "| Column | Type | Meaning | Unit | Range | Computed |"
    yield "|---|---|---|---|---|---|"
    for column in table.columns:
        cells = (column.name, column.kind, column.meaning, column.unit, column.range, column.computed)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
