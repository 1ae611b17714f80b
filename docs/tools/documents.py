"""Pages of the documentation that the service shows: the Markdown of docs/ as the main part of a web page."""

import re
from pathlib import PurePosixPath

from markdown import Markdown

from duygu.shared.paths import ROOT

DOCUMENTS = ("reading-the-result", "editing-the-result", "file-kinds", "privacy-and-law")
"""Names of the pages, which the service has at `/docs/NAME`."""

ELSEWHERE = {"api.md": "/api"}
"""Pages of the service in place of other pages of the documentation, by the path from docs/."""

LINK = re.compile(r'<a href="([^"]+)">(.*?)</a>', re.DOTALL)

STYLE = re.compile(r' style="text-align: (\w+);"')
"""Alignment of a table's cell, which the content security policy does not permit as a style."""

GENERATED = re.compile(r"\nThis page is (?:generated|written) by `[^`]+`\.\n$")
"""The last line of a generated page."""


def title_of(name: str) -> str:
    """The heading of a page."""
    return _source(name).partition("\n")[0].removeprefix("# ")


def document(name: str) -> str:
    """The main part of a page, in HTML. Its language is English, whatever the language of the rest."""
    text = Markdown(extensions=["fenced_code", "tables", "toc"]).convert(GENERATED.sub("", _source(name)))
    text = STYLE.sub(r' class="\1"', LINK.sub(_link, text))
    text = text.replace("<table>", '<div class="wide" tabindex="0" role="group" aria-label="Table"><table>')
    text = text.replace("</table>", "</table></div>")
    return f'  <main id="main" class="document" lang="en" tabindex="-1">\n{text}\n  </main>\n'


def _link(link: re.Match[str]) -> str:
    """A link within the service or to another site; the text alone of one to a file that the service does not have."""
    address, text = link.groups()
    path, _, anchor = address.partition("#")
    if "://" in address or not path:
        return link[0]
    page = PurePosixPath(path).stem
    found = f"/docs/{page}" if path == f"{page}.md" and page in DOCUMENTS else ELSEWHERE.get(path)
    if found is None:
        return text
    kept = f"#{anchor}" if anchor and path not in ELSEWHERE else ""
    return f'<a href="{found}{kept}">{text}</a>'


def _source(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
