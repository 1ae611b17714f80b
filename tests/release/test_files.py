"""Files beside the code that name the release."""

from typing import Any

import pytest
import yaml

from duygu.shared.paths import ROOT
from duygu.shared.version import VERSION

TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def test_the_citation_is_that_of_the_release() -> None:
    """`CITATION.cff` has the version, the date of the changelog and the fields that the format requires."""
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert found["version"] == VERSION
    assert f"## [{VERSION}] - {found['date-released']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert {"cff-version", "message", "title", "authors"} <= set(found)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_are_forms(path: Any) -> None:
    """Each template has a name, a description and fields with unique ids and labels."""
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields) > 0
    assert all(field["attributes"]["label"] for field in fields)
