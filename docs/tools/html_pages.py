"""The HTML documents of the web pages, each made of its own part and a layout that all of them share.

`python -m docs.generate` renders `services/api/templates/` to `services/api/static/*.html`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from string import Template

from docs.tools.documents import DOCUMENTS, document, title_of
from duygu.shared.paths import ROOT

TEMPLATES = ROOT / "services" / "api" / "templates"

STATIC = ROOT / "services" / "api" / "static"

LINKS = {
    "index": '<a href="/" data-i18n="camera.upload">Videos</a>',
    "camera": '<a href="/camera" data-i18n="nav.live">Live</a>',
    "api": '<a href="/api" data-i18n="nav.api">API</a>',
}
"""Links of the head, by the name of the page that they lead to."""

SHOW_KEY = (
    '<button class="icon" id="show-key" type="button" data-i18n-label="key.title" aria-label="API key" hidden>'
    '<svg aria-hidden="true"><use href="/static/images/icons.svg#key"/></svg></button>'
)


@dataclass(frozen=True, slots=True)
class WebPage:
    """What a page does not share with the others.

    name         of the file, and of its main part in `templates` or docs/
    title        English title, which the script translates by `title_key`
    description  of the page, for search engines
    styles       names of its style sheets, besides those of every page
    links        names of the pages that its head leads to
    has_key      whether an API key can be entered
    names_model  whether its foot names the model
    dialogs      file in `templates` with the parts after the foot
    script       name of its script; that of the page by default
    """

    name: str
    title: str
    title_key: str
    description: str
    styles: tuple[str, ...]
    links: tuple[str, ...]
    has_key: bool = True
    names_model: bool = False
    dialogs: str | None = None
    script: str | None = None


WEB_PAGES = (
    WebPage(
        name="index",
        title="Duygu",
        title_key="",
        description="Turns video into a timeline of emotions for every face in it",
        styles=("home", "pictures", "workspace", "timeline", "edits"),
        links=("camera", "api"),
        names_model=True,
        dialogs="index-dialogs.html",
    ),
    WebPage(
        name="camera",
        title="Live – Duygu",
        title_key="titles.live",
        description="Shows which expression each face in front of the camera wears, as it happens",
        styles=("workspace", "timeline", "camera"),
        links=("index",),
    ),
    WebPage(
        name="api",
        title="The API – Duygu",
        title_key="titles.api",
        description="Every call of the service, and how to make it",
        styles=("workspace", "api"),
        links=("index", "camera"),
    ),
    WebPage(
        name="label",
        title="Label by hand – Duygu",
        title_key="titles.label",
        description="Labels the expressions of the faces in a video by hand",
        styles=("workspace", "label"),
        links=("index",),
    ),
    WebPage(
        name="agreement",
        title="Agreement – Duygu",
        title_key="titles.agreement",
        description="Shows how far raters and the model agree on a video",
        styles=("workspace", "agreement"),
        links=("index",),
    ),
    WebPage(
        name="study",
        title="Study – Duygu",
        title_key="titles.study",
        description="Collects videos of a study into tables over all of them",
        styles=("workspace", "study"),
        links=("index",),
    ),
    WebPage(
        name="not-found",
        title="Nothing at this address – Duygu",
        title_key="titles.not_found",
        description="There is nothing at this address",
        styles=(),
        links=("index", "camera", "api"),
        has_key=False,
    ),
    *(
        WebPage(
            name=name,
            title=f"{title_of(name)} – Duygu",
            title_key="",
            description=title_of(name),
            styles=("document",),
            links=("index", "camera", "api"),
            has_key=False,
            script="document",
        )
        for name in DOCUMENTS
    ),
)


def render(page: WebPage) -> str:
    """The document: the layout, filled with the parts of a page."""
    title_key = f' data-i18n="{page.title_key}"' if page.title_key else ""
    return Template(_read("layout.html")).substitute(
        name=page.script or page.name,
        title=f"<title{title_key}>{page.title}</title>",
        description=page.description,
        styles=_lines(f'  <link rel="stylesheet" href="/static/css/{name}.css">' for name in page.styles),
        links=_lines(f"      {LINKS[name]}" for name in page.links),
        key=_lines([f"      {SHOW_KEY}"] if page.has_key else []),
        main=document(page.name) if page.name in DOCUMENTS else _read(f"{page.name}.html"),
        model=_lines(['    <p id="model-line"></p>'] if page.names_model else []),
        dialogs=f"\n{_read(page.dialogs)}" if page.dialogs else "",
    )


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
