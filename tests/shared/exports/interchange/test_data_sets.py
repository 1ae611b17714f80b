"""BIDS, checked by its validator, and Parquet, read back by pyarrow."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pandas
import pytest
from pyarrow import parquet

from duygu.shared.exports import EXPORTS, ExportName
from duygu.shared.exports.interchange.parquet import Column, Type, parquet_file
from duygu.shared.schemas.result import Result
from tests.support.results.edited import MOODS, NAME, edited, without_faces


def unpacked(result: Result, folder: Path) -> Path:
    """The data set in a folder."""
    with zipfile.ZipFile(io.BytesIO(EXPORTS[ExportName.BIDS].write(result))) as file:
        file.extractall(folder)
    return folder


@pytest.mark.parametrize(
    "result", [edited(), edited(name=None), edited(name="ğ/ü-ş.mov")], ids=["named", "unnamed", "foreign"]
)
def test_the_bids_validator_finds_no_error(result: Result, tmp_path: Path) -> None:
    """Whatever the name of the video, the data set is valid."""
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
    assert validator
    command = [validator, "--json", str(unpacked(result, tmp_path))]
    found = json.loads(subprocess.run(command, capture_output=True, check=False, text=True, timeout=120).stdout)
    assert [one for one in found["issues"]["issues"] if one["severity"] == "error"] == []
    assert found["summary"]["subjects"] == ["01"]


def test_bids_events_have_the_stretches(tmp_path: Path) -> None:
    """Events have onset, duration, emotion and face, in order of time; `n/a` where there is no name."""
    [path] = unpacked(edited(), tmp_path).rglob("*_events.tsv")
    events = pandas.read_csv(path, sep="\t", na_values="n/a", keep_default_na=False)
    assert events["onset"].is_monotonic_increasing
    one = events[events["face_id"] == 1]
    assert list(zip(one["trial_type"], one["onset"], (one["onset"] + one["duration"]).round(3), strict=True)) == MOODS
    assert set(one["face_name"]) == {NAME}
    assert events["face_name"].isna().sum() == 1
    assert events["uncertain"].sum() == 1
    described = json.loads(path.with_suffix(".json").read_text())
    assert set(events.columns) <= set(described)
    assert set(one["trial_type"]) <= set(described["trial_type"]["Levels"])


def test_the_same_result_gives_the_same_zip() -> None:
    """Archives have no time of their own."""
    assert EXPORTS[ExportName.BIDS].write(edited()) == EXPORTS[ExportName.BIDS].write(edited())


def table(result: Result) -> Any:
    """The Parquet export as pyarrow reads it."""
    return parquet.read_table(io.BytesIO(EXPORTS[ExportName.PARQUET].write(result)))


def test_parquet_has_the_values_of_the_csv() -> None:
    """Every cell is that of the CSV, with its type; a missing name is null."""
    result = edited()
    rows = pandas.read_csv(io.BytesIO(EXPORTS[ExportName.CSV].write(result)), keep_default_na=False)
    read = table(result).to_pandas()
    assert list(read.columns) == list(rows.columns)
    assert read.fillna({"name": ""}).astype(rows.dtypes).equals(rows)
    assert read["name"].isna().tolist() == [False] * 4 + [True]
    assert read["uncertain"].dtype == bool


def test_parquet_of_a_video_without_faces_has_columns() -> None:
    """A table without rows keeps its columns and their types."""
    assert table(without_faces()).num_rows == 0
    assert table(without_faces()).schema.equals(table(edited()).schema)


@pytest.mark.parametrize("rows", [0, 1, 8, 9, 1000])
def test_parquet_columns_of_every_type_read_back(rows: int) -> None:
    """Values and nulls of every type read back, whatever their number and pattern."""
    numbers = [None if place % 3 == 0 else place * 10**12 - 5 for place in range(rows)]
    columns: list[Column] = [
        ("text ğ", Type.BYTE_ARRAY, [None if place % 7 == 6 else "ş" * (place % 5) for place in range(rows)]),
        ("integer", Type.INT64, numbers),
        ("number", Type.DOUBLE, [None if value is None else value / 7 for value in numbers]),
        ("truth", Type.BOOLEAN, [None if place % 11 == 3 else place % 4 == 0 for place in range(rows)]),
        ("nothing", Type.DOUBLE, [None] * rows),
    ]
    read = parquet.read_table(io.BytesIO(parquet_file(columns, rows)))
    assert read.to_pydict() == {name: list(values) for name, _, values in columns}


def test_parquet_has_as_many_columns_as_movements_need() -> None:
    """A table of more than fourteen columns, whose lists have a longer header, reads back."""
    columns = [(f"column {place}", Type.INT64, [place]) for place in range(200)]
    assert parquet.read_table(io.BytesIO(parquet_file(columns, 1))).num_columns == 200
