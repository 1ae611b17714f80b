import io
import json

import pandas
import pytest

from duygu.shared.exports import EXPORTS, ExportName
from duygu.shared.workbench.edits.editing import apply_edits
from duygu.shared.workbench.edits.operations import Exclude, Rename
from tests.support.results.known import two_faces

NAME = "Ayşe <b>&"
RESULT = apply_edits(two_faces(), [Rename(face_id=1, name=NAME), Exclude(face_id=2)])


@pytest.mark.parametrize("name", [ExportName.CSV, ExportName.NDJSON, ExportName.SRT])
def test_plain_text_has_the_name_and_no_excluded_face(name: ExportName) -> None:
    """Plain-text formats contain the name as it was given, and no window of an excluded face."""
    text = EXPORTS[name].write(RESULT).decode()
    assert NAME in text
    assert "surprise?" not in text
    assert "surprise,0.4" not in text
    assert '"face_id": 2' not in text


@pytest.mark.parametrize("name", [ExportName.VTT, ExportName.HTML, ExportName.SVG])
def test_markup_escapes_the_name(name: ExportName) -> None:
    """Formats with markup contain the escaped name, and no excluded face."""
    text = EXPORTS[name].write(RESULT).decode()
    assert "Ayşe &lt;b&gt;&amp;" in text
    assert NAME not in text
    assert "Face 2" not in text


def test_the_table_has_a_column_for_the_name() -> None:
    """Rows of a named face contain its name; that of a face without one is empty."""
    table = pandas.read_csv(io.BytesIO(EXPORTS[ExportName.CSV].write(RESULT)), keep_default_na=False)
    assert set(table["name"]) == {NAME}
    plain = pandas.read_csv(io.BytesIO(EXPORTS[ExportName.CSV].write(two_faces())), keep_default_na=False)
    assert set(plain["name"]) == {""}


@pytest.mark.parametrize("name", ["=1+1", '=cmd|"/c calc"!A0', "+SUM(A1)", "-2+3", "@SUM(A1)"])
def test_a_spreadsheet_computes_no_name(name: str) -> None:
    """A name that is a formula to spreadsheets has an apostrophe in the CSV, and is unchanged in NDJSON."""
    result = apply_edits(two_faces(), [Rename(face_id=1, name=name)])
    table = pandas.read_csv(io.BytesIO(EXPORTS[ExportName.CSV].write(result)), keep_default_na=False)
    assert set(table["name"]) == {f"'{name}", ""}
    assert json.dumps(name) in EXPORTS[ExportName.NDJSON].write(result).decode()


@pytest.mark.parametrize("name", ["-2", "+1.5", "-1e-5", "-", "Ann-Marie = A", "1+1"])
def test_a_name_that_is_no_formula_is_unchanged(name: str) -> None:
    """Numbers, and signs within a name, are written as they are."""
    result = apply_edits(two_faces(), [Rename(face_id=1, name=name)])
    table = pandas.read_csv(io.BytesIO(EXPORTS[ExportName.CSV].write(result)), keep_default_na=False, dtype=str)
    assert set(table["name"]) == {name, ""}


def test_json_keeps_excluded_faces_with_a_mark() -> None:
    """JSON is complete: excluded faces have their windows and `excluded` true."""
    faces = json.loads(EXPORTS[ExportName.JSON].write(RESULT))["faces"]
    assert [(face["name"], face["excluded"], len(face["windows"])) for face in faces] == [
        (NAME, False, 4),
        (None, True, 1),
    ]
