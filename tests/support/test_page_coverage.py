"""The line coverage of the pages' JavaScript."""

import json
from pathlib import Path

import pytest

from tests.support import page_coverage
from tests.support.page_coverage import executed, line_coverage, lines_of, module_of

SOURCE = """\
// A comment.
const used = () => {
  /* another */
  if (never) return 1;
  return 2;
};

const unused = () => 3;
"""


def ranges(*parts: tuple[str, int]) -> list[dict[str, int]]:
    """Ranges of V8 that cover these parts of the source."""
    found = [(SOURCE.index(text), len(text), count) for text, count in parts]
    return [{"startOffset": start, "endOffset": start + size, "count": count} for start, size, count in found]


MODULE = {"ranges": [{"startOffset": 0, "endOffset": len(SOURCE), "count": 1}]}

UNUSED = {"ranges": ranges(("() => 3", 0))}

SKIPPED = {"ranges": ranges((SOURCE[SOURCE.index("() =>") : SOURCE.index("};") + 1], 1), ("  return 2;\n", 0))}


def test_inner_ranges_override_outer_ones() -> None:
    """A function that never ran lies in a module that did."""
    marks = executed(SOURCE, [MODULE, UNUSED])
    start = SOURCE.index("() => 3")
    assert set(marks[:start]) == {1}
    assert set(marks[start : start + len("() => 3")]) == {0}


def test_comments_and_empty_lines_are_no_code() -> None:
    """Lines are given without the blanks around them."""
    lines = [SOURCE[start:end] for start, end in lines_of(SOURCE)]
    assert lines == ["const used = () => {", "if (never) return 1;", "return 2;", "};", "const unused = () => 3;"]


@pytest.mark.parametrize(
    ("url", "module"),
    [
        ("http://127.0.0.1:8000/static/js/pages/index.js", "pages/index.js"),
        ("file:///home/duygu/services/api/static/js/api/key.js?new", "api/key.js"),
        ("node:internal/process", None),
    ],
)
def test_pages_and_node_name_the_same_module(url: str, module: str | None) -> None:
    """A module has the same name, whether a page or Node ran it."""
    assert module_of(url) == module


def test_processes_and_pages_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line counts that ran in any of them; a module that none of them loaded counts with all of its lines."""
    scripts = tmp_path / "js"
    scripts.mkdir()
    (scripts / "a.js").write_text(SOURCE)
    (scripts / "b.js").write_text(SOURCE)
    monkeypatch.setattr(page_coverage, "SCRIPTS", scripts)
    monkeypatch.setattr(page_coverage, "TEXTS", scripts / "locales")
    found = tmp_path / "found"
    found.mkdir()
    url = "http://127.0.0.1/static/js/a.js"
    for number, functions in enumerate([[MODULE, SKIPPED], [{"ranges": []}]]):
        coverage = {"result": [{"url": url, "functions": functions}]}
        (found / f"{number}.json").write_text(json.dumps(coverage))
    assert line_coverage(found) == {"a.js": (4, 5), "b.js": (0, 5)}
    (found / "2.json").write_text(json.dumps({"result": [{"url": url, "functions": [MODULE]}]}))
    assert line_coverage(found) == {"a.js": (5, 5), "b.js": (0, 5)}
