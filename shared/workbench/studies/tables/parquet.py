"""Tables as Parquet, with typed columns and nulls. Needs pyarrow, the extra `study`."""

import importlib.util
import io

from duygu.shared.workbench.studies.tables.columns import Kind
from duygu.shared.workbench.studies.tables.table import Table


def has_parquet() -> bool:
    """Whether pyarrow is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def parquet_of(table: Table) -> bytes:
    """Render a table; the meaning and unit of each column are its metadata."""
    import pyarrow
    from pyarrow import parquet

    types = {
        Kind.TEXT: pyarrow.string(),
        Kind.NUMBER: pyarrow.float64(),
        Kind.INTEGER: pyarrow.int64(),
        Kind.TRUTH: pyarrow.bool_(),
    }
    fields = [
        pyarrow.field(one.name, types[one.kind], metadata={"meaning": one.meaning, "unit": one.unit})
        for one in table.columns
    ]
    content = [pyarrow.array(table.values(one), types[one.kind]) for one in table.columns]
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(content, pyarrow.schema(fields)), file)
    return file.getvalue()
