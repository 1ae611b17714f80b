"""Hooks of MkDocs: brings pages from outside docs/ into the site, where their links work as well as on a code host."""

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent

GUESTS = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "models/emotion/MODEL_CARD.md": "model-card.md",
    "services/api/static/images/mark.svg": "images/mark.svg",
}
"""Where files of the project from outside docs/ are in the site."""

HOSTS = {page: path for path, page in GUESTS.items()}

LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
"""The relative address of a link or a picture, without its anchor."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the decisions, by number, below their list."""
    decisions = [f"adr/{page.name}" for page in sorted((ROOT / "docs" / "adr").glob("*.md"), key=_readme_first)]
    config.nav = _replaced(config.nav, "adr/README.md", decisions)
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the guests."""
    for path, page in GUESTS.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the project into links between pages of the site."""
    here = page.file.src_uri
    folder = PurePosixPath(HOSTS.get(here, f"docs/{here}")).parent
    return LINK.sub(lambda link: _in_site(os.path.normpath(folder / link[1]), here), markdown)


def _in_site(path: str, here: str) -> str:
    """The relative address in the site of a file of the project; what the site lacks keeps an address that fails."""
    if path == "docs/README.md":
        path = "README.md"
    there = GUESTS.get(path, path.removeprefix("docs/"))
    return os.path.relpath(there, PurePosixPath(here).parent)


def _readme_first(page: Path) -> tuple[bool, str]:
    return page.name != "README.md", page.name


def _replaced(nav: object, page: str, pages: list[str]) -> object:
    """The same navigation, with `pages` in the place of one page."""
    if isinstance(nav, list):
        return [_replaced(item, page, pages) for item in nav]
    if isinstance(nav, dict):
        return {title: pages if item == page else _replaced(item, page, pages) for title, item in nav.items()}
    return nav
