"""MkDocs hooks: add pages from outside docs/ to the site and adapt links, which work on a code host too."""

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent.parent

EXTERNAL_PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "clients/typescript/README.md": "typescript.md",
    "models/emotion/MODEL_CARD.md": "model-card.md",
    "services/api/static/images/mark.svg": "images/mark.svg",
}
"""Paths in the site of files from outside docs/, by their path in the repository."""

EXTERNAL_SOURCES = {page: path for path, page in EXTERNAL_PAGES.items()}

LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
"""The relative address of a link or a picture, without its anchor."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Insert the decisions, by number, below their index."""
    decisions = [f"adr/{page.name}" for page in sorted((ROOT / "docs" / "adr").glob("*.md"), key=_readme_first)]
    config.nav = _replaced(config.nav, "adr/README.md", decisions)
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the external pages."""
    for path, page in EXTERNAL_PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace links between files of the repository by links between pages of the site."""
    here = page.file.src_uri
    folder = PurePosixPath(EXTERNAL_SOURCES.get(here, f"docs/{here}")).parent
    return LINK.sub(lambda link: _in_site(os.path.normpath(folder / link[1]), here), markdown)


def _in_site(path: str, here: str) -> str:
    """The relative address in the site of a file of the repository. The strict build rejects missing files."""
    if path == "docs/README.md":
        path = "README.md"
    there = EXTERNAL_PAGES.get(path, path.removeprefix("docs/"))
    return os.path.relpath(there, PurePosixPath(here).parent)


def _readme_first(page: Path) -> tuple[bool, str]:
    return page.name != "README.md", page.name


def _replaced(nav: object, page: str, pages: list[str]) -> object:
    """A copy of the navigation in which `pages` replace one page."""
    if isinstance(nav, list):
        return [_replaced(item, page, pages) for item in nav]
    if isinstance(nav, dict):
        return {title: pages if item == page else _replaced(item, page, pages) for title, item in nav.items()}
    return nav
