"""Processor time of the page's main thread for an hour of twenty faces: while playing, and for each action.

The time is that of the thread (`TaskDuration` of Chromium in thread ticks), which other load hardly affects. An action
includes the two frames that are drawn after it.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from playwright.sync_api import CDPSession, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks import measured
from benchmarks.video import machine
from tests.support.browser import ARGUMENTS, CHROMIUM, served
from tests.support.results.hour import ACTIONS, FACES, SETTLED, SPLIT, UNDO, open_hour, point, react

PICTURE_MS = 1000 / 60
"""Maximum processor time of a frame while playing."""

ACTION_MS = 100.0
"""Maximum processor time of an action."""

PLAY = """async () => {
  let count = 0;
  const next = () => { count += 1; requestAnimationFrame(next); };
  next();
  press(" ");
  await new Promise((done) => setTimeout(done, 3000));
  press(" ");
  return count;
}"""


def meter(session: CDPSession) -> Callable[[], float]:
    """Return a function that reads the processor time of the main thread in milliseconds."""
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")

    return spent


def cost(page: Page, spent: Callable[[], float], action: str) -> float:
    """The processor time of an action and of the drawing that follows, in milliseconds."""
    page.evaluate(SETTLED)
    before = spent()
    react(page, action)
    return spent() - before


def measured_once(page: Page, spent: Callable[[], float]) -> dict[str, float]:
    """Milliseconds of each action, carried out once; a split is undone."""
    costs = {name: cost(page, spent, action) for name, action in ACTIONS.items()}
    point(page)
    return costs | {"split": cost(page, spent, SPLIT), "undo": cost(page, spent, UNDO)}


def measure(page: Page, repeats: int) -> dict[str, float]:
    """Median milliseconds of each action, and of a frame while playing."""
    open_hour(page)
    spent = meter(page.context.new_cdp_session(page))
    rounds = [measured_once(page, spent) for _ in range(repeats)]
    costs = {name: median(row[name] for row in rounds) for name in rounds[0]}
    page.keyboard.press("Home")
    before = spent()
    pictures = page.evaluate(PLAY)
    return costs | {"frame": (spent() - before) / pictures}


def main() -> int:
    """Run the benchmark and print its result; the exit status is 0 if it meets the targets."""
    parser = argparse.ArgumentParser(prog="scripts/bench pages", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--write", action="store_true", help="record the result in docs/measured.md")
    parser.add_argument("--repeats", type=int, default=5, help="number of times that each action is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(base_url=url, locale="en-GB", viewport={"width": 1280, "height": 900}).new_page()
        costs = measure(page, options.repeats)
        browser.close()
    frame_ms = round(costs.pop("frame"), 1)
    actions_ms = {name: round(ms) for name, ms in costs.items()}
    report = {"machine": machine(), "faces": FACES, "minutes": 60, "frame_ms": frame_ms, "actions_ms": actions_ms}
    report["good"] = frame_ms <= PICTURE_MS and all(ms <= ACTION_MS for ms in actions_ms.values())
    if options.write:
        measured.save("pages", report)
    if options.json:
        print(json.dumps(report))  # noqa: T201
    else:
        table = Table("action", "ms", title=f"{report['machine']}; a frame while playing takes {frame_ms} ms")
        for name, ms in actions_ms.items():
            table.add_row(name, str(ms))
        Console().print(table)
    return 0 if report["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
