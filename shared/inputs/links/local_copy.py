"""Fetches the video of a link into a local folder, for an analysis without a service."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from duygu.shared.config.settings import Settings
from duygu.shared.exports.titles import printable
from duygu.shared.inputs.links.fetching import fetch, fetch_rules
from duygu.shared.inputs.links.link import parse_link

LONGEST_NAME = 100


def fetch_copy(
    url: str,
    folder: Path,
    settings: Settings,
    *,
    on_progress: Callable[[int, int | None], None] = lambda _received, _size: None,
) -> Path:
    """Fetch the video of a link by the rules of the settings; the path of the copy.

    Raises the errors of `fetch`.
    """
    link = parse_link(url)
    path = folder / link_name(url)
    with path.open("wb") as file:
        fetch(link, file, fetch_rules(settings), on_progress=on_progress)
    return path


def link_name(url: str) -> str:
    """A file name for the video of a link: the last part of its path. Raises LinkRefusedError."""
    name = unquote(parse_link(url).shown.rpartition("/")[2]).replace("/", "_").strip(".")
    return printable(name)[-LONGEST_NAME:] or "video"
