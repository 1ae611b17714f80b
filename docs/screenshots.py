"""Takes the pictures of the documentation: `python -m docs.screenshots [VIDEO]`, with Debian's chromium.

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
from tests.support.videos import Actor, Scene, write_scene

PATIENCE_MS = 120_000

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

FIRST_PAGE = Shot("first-page", 1160, 720, "light")


def open_page(browser: Browser, url: str, shot: Shot) -> Page:
    """A page of that size and those colours, in English."""
    page = browser.new_page(
        base_url=url,
        locale="en-GB",
        viewport={"width": shot.width, "height": shot.height},
        color_scheme=shot.scheme,
        reduced_motion="reduce",
    )
    page.goto("/")
    return page


def show_result(page: Page, video: Path) -> None:
    """From choosing the video to all that the result page can show, at the moment to be pictured."""
    page.set_input_files("#file", video)
    page.wait_for_selector("#workspace:not([hidden])", timeout=PATIENCE_MS)
    page.wait_for_function("() => !document.querySelector('#face-list .thumb svg')")
    width = page.locator("#lane-view").evaluate("(lanes) => lanes.clientWidth")
    page.locator("#lane-view").click(position={"x": width * MOMENT, "y": 60})
    page.wait_for_function("() => !document.getElementById('video').seeking")
    page.mouse.move(0, 0)
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")


def take(url: str, video: Path, into: Path) -> None:
    """Every picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = open_page(browser, url, FIRST_PAGE)
        page.screenshot(path=into / f"{FIRST_PAGE.name}.png")
        for shot in RESULTS:
            page = open_page(browser, url, shot)
            show_result(page, video)
            page.screenshot(path=into / f"{shot.name}.png")
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
