"""Takes the pictures of the documentation: `python -m docs.tools.screenshots [VIDEO]`, with Debian's chromium.

It starts a service, hands the video in as a person would, and pictures the result. Without a VIDEO it makes one of the
only face that may stand in the documentation, the astronaut of scikit-image, as the tests do.
"""

import argparse
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from docs.generate import DOCS
from tests.support.browser import ARGUMENTS, CHROMIUM, served
from tests.support.media.videos import Actor, Scene, write_scene

PATIENCE_MS = 600_000
"""Timeout of each step, among them the analysis of the video, on a machine with other load."""

SCENE = Scene(
    actors=(
        Actor(start=(0.24, 0.5), size=0.78, seen=((0.0, 4.4), (6.0, math.inf))),
        Actor(start=(0.9, 0.36), end=(0.52, 0.36), size=0.5, mirrored=True, seen=((1.5, 8.5),)),
        Actor(start=(0.84, 0.8), size=0.15, seen=((2.6, math.inf),)),
    ),
    duration_s=10.0,
    fps=20.0,
    width=960,
    height=460,
    container="webm",
    codec="libvpx",
)
"""Somebody who hides for a while, somebody who walks by, and somebody far away."""

MOMENT = 0.36
"""The share of the video at which it is pictured."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture to take: how wide the screen is, how high, and in which colours."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]


RESULTS = (
    Shot("workspace", 1160, 1190, "light"),
    Shot("workspace-dark", 1160, 1190, "dark"),
    Shot("workspace-phone", 390, 844, "light"),
)

FIRST_PAGE = Shot("first-page", 1160, 750, "light")


def open_page(browser: Browser, url: str) -> Page:
    """The first page, in English."""
    page = browser.new_page(base_url=url, locale="en-GB", reduced_motion="reduce")
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/")
    return page


def fit(page: Page, shot: Shot) -> None:
    """Set the size and the colours of a page."""
    page.set_viewport_size({"width": shot.width, "height": shot.height})
    page.emulate_media(color_scheme=shot.scheme)


def analyse(page: Page, video: Path) -> None:
    """Upload the video and wait for the page of its result."""
    page.set_input_files("#file", video)
    page.wait_for_selector("#workspace:not([hidden])")
    page.wait_for_function("() => !document.querySelector('#face-list .thumb svg')")


def show_moment(page: Page) -> None:
    """Seek to the moment to be pictured."""
    width = page.locator("#lane-view").evaluate("(lanes) => lanes.clientWidth")
    page.locator("#lane-view").click(position={"x": width * MOMENT, "y": 60})
    page.wait_for_function("() => !document.getElementById('video').seeking")
    page.mouse.move(0, 0)
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")


def take(url: str, video: Path, into: Path) -> None:
    """Every picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = open_page(browser, url)
        fit(page, FIRST_PAGE)
        page.screenshot(path=into / f"{FIRST_PAGE.name}.png", timeout=PATIENCE_MS)
        analyse(page, video)
        for shot in RESULTS:
            fit(page, shot)
            show_moment(page)
            page.screenshot(path=into / f"{shot.name}.png", timeout=PATIENCE_MS)
        browser.close()


def main() -> None:
    """Take them of a video that is given, or of one that is made."""
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation.")
    parser.add_argument("video", type=Path, nargs="?", help="a video; without it, the astronaut")
    parser.add_argument("--into", type=Path, default=DOCS / "images", help="folder for the pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = options.video or Path(folder) / "astronaut.webm"
        if not options.video:
            write_scene(SCENE, video)
        with served(Path(folder) / "data") as url:
            take(url, video, options.into)


if __name__ == "__main__":
    main()
