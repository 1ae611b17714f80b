"""Line coverage of the pages' JavaScript, from V8: `python -m tests.support.page_coverage FOLDER`.

DUYGU_TEST_PAGE_COVERAGE names a folder. Node writes its coverage there, and each page of a browser test as well, in the
same format: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-ScriptCoverage. Web Workers are not
measured. Texts (js/locales) are left out.
"""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page

from duygu.shared.paths import ROOT

FOLDER = os.environ.get("DUYGU_TEST_PAGE_COVERAGE")

SCRIPTS = ROOT / "services" / "api" / "static" / "js"

TEXTS = SCRIPTS / "locales"

COMMENT = ("//", "/*", "*")
"""How lines without code begin."""


def node_environment() -> dict[str, str]:
    """Environment of a Node process, which writes its coverage where it is wanted."""
    return {**os.environ, "NODE_V8_COVERAGE": FOLDER} if FOLDER else dict(os.environ)


@contextmanager
def measured_pages() -> Iterator[None]:
    """Write the coverage of every page that a browser opens, when it or its context is closed."""
    if not FOLDER:
        yield
        return
    sessions: dict[Page, CDPSession] = {}
    open_page, close_page, close_context = BrowserContext.new_page, Page.close, BrowserContext.close

    def new_page(context: BrowserContext) -> Page:
        page = open_page(context)
        session = sessions[page] = context.new_cdp_session(page)
        session.send("Profiler.enable")
        session.send("Profiler.startPreciseCoverage", {"callCount": True, "detailed": True})
        return page

    def save(page: Page) -> None:
        session = sessions.pop(page, None)
        if session and not page.is_closed():
            write(session.send("Profiler.takePreciseCoverage"))

    def close(page: Page, **options: Any) -> None:
        save(page)
        close_page(page, **options)

    def close_all(context: BrowserContext, **options: Any) -> None:
        for page in context.pages:
            save(page)
        close_context(context, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BrowserContext, "new_page", new_page)
        patch.setattr(Page, "close", close)
        patch.setattr(BrowserContext, "close", close_all)
        yield


def write(coverage: dict[str, Any]) -> None:
    """Add a file to the folder."""
    (Path(FOLDER or ".") / f"page-{secrets.token_hex(8)}.json").write_text(json.dumps(coverage), "utf-8")


def executed(source: str, functions: Iterable[dict[str, Any]]) -> bytearray:
    """(len(source),) 1 for each executed character. Inner ranges follow outer ones and override them."""
    marks = bytearray(len(source))
    for function in functions:
        for part in function["ranges"]:
            start, end = part["startOffset"], min(part["endOffset"], len(source))
            marks[start:end] = bytes([part["count"] > 0]) * (end - start)
    return marks


def lines_of(source: str) -> Iterator[tuple[int, int]]:
    """First and last offset of each line with code, without the blanks around it."""
    start = 0
    for line in source.splitlines(keepends=True):
        code = line.strip()
        if code and not code.startswith(COMMENT):
            first = start + line.index(code)
            yield first, first + len(code)
        start += len(line)


def module_of(url: str) -> str | None:
    """Path of a module below `static/js`, from its address in a page or its file in Node; None for any other script."""
    _, found, name = url.partition("/static/js/")
    return name.partition("?")[0] if found else None


def line_coverage(folder: Path) -> dict[str, tuple[int, int]]:
    """Executed lines, also those executed in part, and all lines of each module, over all processes and pages."""
    sources = {
        str(path.relative_to(SCRIPTS)): path.read_text("utf-8")
        for path in sorted(SCRIPTS.rglob("*.js"))
        if TEXTS not in path.parents
    }
    marks = {name: bytearray(len(source)) for name, source in sources.items()}
    for path in folder.glob("*.json"):
        for script in json.loads(path.read_text("utf-8"))["result"]:
            name = module_of(script["url"])
            if name in sources:
                found = executed(sources[name], script["functions"])
                marks[name] = bytearray(a | b for a, b in zip(marks[name], found, strict=True))
    lines = {name: list(lines_of(source)) for name, source in sources.items()}
    return {name: (sum(any(marks[name][a:b]) for a, b in lines[name]), len(lines[name])) for name in sources}


def table(coverage: dict[str, tuple[int, int]]) -> str:
    """A line for each module, and one for all."""
    total = tuple(map(sum, zip(*coverage.values(), strict=True)))
    rows = [*coverage.items(), ("TOTAL", total)]
    return "".join(f"{name:40} {lines:6} {lines - ran:6} {percent(ran, lines):6.1f}%\n" for name, (ran, lines) in rows)


def percent(executed_lines: int, lines: int) -> float:
    """Share in percent; 100 for a module without code."""
    return 100 * executed_lines / lines if lines else 100.0


def main() -> int:
    """Print the table; the exit status is 1 below the floor."""
    parser = argparse.ArgumentParser(description="Line coverage of the pages' JavaScript by module.")
    parser.add_argument("folder", type=Path, help="folder with coverage of V8")
    parser.add_argument("--fail-under", type=float, default=0.0, help="minimum of the total, in percent")
    options = parser.parse_args()
    coverage = line_coverage(options.folder)
    sys.stdout.write(f"{'JavaScript':40} {'lines':>6} {'missed':>6} {'cover':>7}\n{table(coverage)}")
    total = percent(*map(sum, zip(*coverage.values(), strict=True)))
    if total < options.fail_under:
        sys.stderr.write(f"JavaScript: {total:.1f} % of lines is below the floor of {options.fail_under:g} %\n")
    return int(total < options.fail_under)


if __name__ == "__main__":
    sys.exit(main())
