"""Pages of the documentation that the service shows."""

import re

import pytest
from starlette.routing import Route

from docs.tools.documents import DOCUMENTS, document, title_of
from duygu.services.api.pages import STATIC, router

PATHS = {route.path for route in router.routes if isinstance(route, Route)}


def anchors(name: str) -> set[str]:
    """The ids of a page."""
    return set(re.findall(r' id="([^"]+)"', (STATIC / f"{name}.html").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    """A link leads to another site, or to a page of the service and an id that this page has."""
    assert f"/docs/{name}" in PATHS
    for address in re.findall(r'href="([^"]+)"', document(name)):
        path, _, anchor = address.partition("#")
        if "://" in address:
            continue
        assert not path or path in PATHS
        if anchor:
            assert anchor in anchors(path.rpartition("/")[2] or name)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_pages_have_no_markdown_and_no_styles(name: str) -> None:
    """Headings, tables and code are elements, and the content security policy permits all of them."""
    html = document(name)
    assert f">{title_of(name)}</h1>" in html
    text = re.sub(r"<(code|pre)\b.*?</\1>", "", html, flags=re.DOTALL)
    assert not re.search(r"^\s*(\||#|```)|\]\(|\*\*", text, re.MULTILINE)
    assert "style=" not in html
    assert "<script" not in html


def test_files_that_the_service_does_not_have_are_not_linked() -> None:
    """The text of a link to another file of the repository remains."""
    html = document("reading-the-result")
    assert "model card" in html
    assert "MODEL_CARD.md</a>" not in html
    assert ".md" not in "".join(re.findall(r'href="[^"]*"', html))
