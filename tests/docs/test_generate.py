"""The generated pages are up to date, and links resolve."""

import re
from pathlib import Path

import pytest

from docs.generate import DOCS, PAGES
from duygu.shared.config.settings import Settings

PATH = re.compile(r"`((?:duygu|services|shared|training|models|tests|docs|benchmarks|scripts|deploy)/[\w./-]*)`")
"""A file or folder of the project, named in the text of a page."""

LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name: str) -> None:
    """Each generated page equals the output of `python -m docs.generate`."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()


def test_remedies_have_no_placeholders() -> None:
    """The page on errors has the defaults of limits, which the web page fills with those of the service."""
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert re.findall(r"\{\w+\}", text) == []
    assert f"the limit is {Settings.model_construct().max_upload_mb:g} MB." in text


def test_every_setting_is_described() -> None:
    """Every setting has a description."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    "page", [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")], ids=lambda page: page.relative_to(DOCS.parent).as_posix()
)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file of the project."""
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md", "README.md"])
def test_paths_in_the_text_exist(name: str) -> None:
    """A page that describes the tree names files and folders that are there."""
    paths = PATH.findall((DOCS.parent / name).read_text(encoding="utf-8"))
    assert [path for path in paths if not (DOCS.parent / path).exists()] == []


def test_the_quickstart_quotes_the_page() -> None:
    """Labels of the web page in the quickstart are those of its English texts."""
    texts = (DOCS.parent / "services/api/static/js/locales/en.js").read_text(encoding="utf-8")
    page = " ".join((DOCS / "quickstart.md").read_text(encoding="utf-8").split())
    labels = ["Downloads", "Also make a video with boxes", "How reliable this is"]
    assert [label for label in labels if f'"{label}' not in texts or label not in page] == []


def test_a_decision_has_a_number_of_its_own() -> None:
    """The number in the title is that of the file, and no other decision has it."""
    decisions = sorted((DOCS / "adr").glob("0*.md"))
    numbers = [path.name[:4] for path in decisions]
    assert len(set(numbers)) == len(numbers)
    assert [path.read_text().split()[1] for path in decisions] == numbers
