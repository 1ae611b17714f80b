"""The documentation as a site."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from duygu.shared.paths import ROOT

LOADED = re.compile(r"""<(?:script|img|source|iframe)\b[^>]*?\bsrc="([^"]+)"|<link\b[^>]*?\bhref="([^"]+)\"""")
"""What a browser fetches by itself when it shows a page."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `mkdocs build --strict` makes it: a link that leads nowhere fails it."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_is_in_it(site: Path) -> None:
    """Every page of docs/, and the external pages, can be reached by the navigation."""
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html") if path.name != "404.html"}
    navigation = (site / "index.html").read_text(encoding="utf-8")
    assert {page for page in pages if f'href="{page}"' not in navigation} - {"index.html"} == set()
    assert {"model-card.html", "contributing.html", "changelog.html", "adr/index.html"} <= pages


def test_links_lead_to_other_pages_of_the_site(site: Path) -> None:
    """Those that leave docs/ on a code host as well: README, model card and back."""
    assert 'href="quickstart.html"' in (site / "index.html").read_text(encoding="utf-8")
    assert 'href="model-card.html"' in (site / "reading-the-result.html").read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """No font, script, style or picture of another site."""
    found = {
        address
        for page in site.rglob("*.html")
        for match in LOADED.findall(page.read_text(encoding="utf-8"))
        for address in match
        if re.match(r"(?:\w+:)?//", address)
    }
    assert found == set()
    styles = "".join(style.read_text(encoding="utf-8") for style in site.rglob("*.css"))
    assert re.findall(r"""url\(["']?(?:https?:)?//[^)]*""", styles) == []
