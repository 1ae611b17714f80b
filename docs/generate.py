"""Writes the pages that follow from the code: `python -m docs.generate`. A test fails when they are out of date."""

import argparse
import functools
import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_args

from pydantic.fields import FieldInfo

from benchmarks import measured
from docs.tools import typescript
from docs.tools.html_pages import STATIC, WEB_PAGES, render
from duygu.services.cli import make_parser
from duygu.services.commands.completion import commands_of
from duygu.services.mcp.tool_results import MEANING
from duygu.shared.config.settings import Settings
from duygu.shared.errors import DuyguError, by_code
from duygu.shared.paths import ROOT

DOCS = ROOT / "docs"

SUBJECTS = (
    "Decoding",
    "Detection and tracking",
    "Classification and performance",
    "Network and training",
    "Live sessions",
    "Jobs, events, keys and webhooks",
    "Installing and containers",
    "Pages, exports and documentation",
)
"""Of decisions, in the order of the index."""

HELP_WIDTH = 110

LIMITS = {"too_large": "max_upload_mb", "too_long": "max_duration_s", "too_many_pixels": "max_pixels"}
"""The setting that is the limit of an error, by its code."""

SPEED = re.compile(r"takes about [\d.]+ s on (.*?)take about \d+ times as long", re.DOTALL)
"""The sentence of README.md about the speed."""

REMEDY = re.compile(r'^ +(\w+): "(.*)",$', re.MULTILINE)
"""A text of a locale: its key and its JavaScript string."""

COMMANDS = """\
duygu analyze holiday.mp4                                        # JSON on stdout, a table on stderr
duygu analyze holiday.mp4 --csv holiday.csv --video boxes.mp4    # a table and an annotated video
duygu analyze recordings/ --csv tables/ --every 1                # one table per video, one row per second
duygu analyze recordings/ --csv all.csv                          # one table for all videos
cat holiday.mp4 | duygu analyze - --csv -                        # from stdin to stdout
duygu analyze talk.mp4 --faces 1 --json - --quiet | jq .faces[0].emotion

duygu analyze talk.mp4 --json talk.json
duygu edit talk.json --rename 1=Ann --merge 3:1 --exclude 2      # the edits go to talk.edits.json
duygu analyze talk.mp4 --edits talk.edits.json --video boxes.mp4

duygu watch rtsp://camera.local/stream --csv today.csv           # a camera, live
duygu study study.csv -o out/                                    # tables over all recordings of a study
"""
"""Examples."""

BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
"""Words for the limits of a setting, by their names in pydantic."""


def settings_page() -> str:
    """docs/settings.md: every setting with its default, its bounds and its meaning."""
    rows = ((f"`{_variable(name)}`", _default(field), _meaning(field)) for name, field in Settings.model_fields.items())
    return _page(
        "Settings",
        "Every setting is an environment variable. Arguments of the `duygu` command take precedence over settings. "
        "Paths are relative to the project folder.",
        _table(("Variable", "Default", "Meaning"), rows),
    )


def errors_page() -> str:
    """docs/errors.md: every code of a problem, a failed job or a message on the live socket, with its remedy."""
    errors, remedies = sorted(by_code().items()), _remedies()
    rows = ((f"[`{code}`](#{code})", str(error.status), error.title) for code, error in errors)
    sections = (
        f"## {code}\n\n{error.title}. Status {error.status}.\n\n{_meaning_of(error)}\n\n**Remedy.** {remedies[code]}"
        for code, error in errors
    )
    return _page(
        "Errors",
        "Every unsuccessful response is `application/problem+json` (RFC 9457) with a `code` that never changes. "
        "The `error` of a failed job and the messages on the live socket use the same codes.",
        "\n\n".join([_table(("Code", "HTTP status", "Title"), rows), *sections]),
    )


def _with_limit(code: str, remedy: str) -> str:
    """The remedy with the default of the limit in place of that of a service, and the setting."""
    if code not in LIMITS:
        return remedy
    settings = Settings.model_construct()
    filled = remedy.format(
        found="more",
        size=f"{settings.max_upload_mb:g} MB",
        length=f"{settings.max_duration_s / 3600:g} hours",
        pixels=f"{settings.max_pixels / 1e6:.1f}",
    )
    return f"{filled} `{_variable(LIMITS[code])}` sets the limit; this is its default."


def readme() -> str:
    """README.md, with the time of docs/measured.md in whole seconds, and the ratio as a multiple of 5."""
    report = json.loads((measured.RESULTS / "video.json").read_text(encoding="utf-8"))
    case = next(case for case in report["cases"] if case["case"] == "720p30_1face")
    seconds, times = round(case["engine_s"]), 5 * round(case["plain_over_engine"] / 5)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    if len(SPEED.findall(text)) != 1:
        raise ValueError("README.md has no sentence about the speed, or several")
    return SPEED.sub(rf"takes about {seconds} s on \1take about {times} times as long", text)


def _meaning_of(error: type[DuyguError]) -> str:
    """The first paragraph of a class's docstring."""
    return " ".join((error.__doc__ or "").partition("\n\n")[0].split())


def _remedies() -> dict[str, str]:
    """The remedy of each code, from the English texts of the pages."""
    texts = (STATIC / "js" / "locales" / "en.js").read_text(encoding="utf-8")
    block = texts.partition("  remedies: {\n")[2].partition("\n  },")[0]
    return {code: _with_limit(code, json.loads(f'"{text}"')) for code, text in REMEDY.findall(block)}


def decisions_page() -> str:
    """docs/adr/README.md: the decisions by subject. Raises ValueError for one whose subject is not in SUBJECTS."""
    return _page(
        "Decisions",
        "Architecture decision records: context, measurements and their method, decision, and reasons to reconsider "
        "it. Numbers are never reused; a record that no longer holds names its successor.",
        "\n\n".join(f"## {subject}\n\n" + "\n".join(entries) for subject, entries in _decisions().items()),
    )


def _decisions() -> dict[str, list[str]]:
    """The entries of the index under each subject, by number."""
    entries: dict[str, list[str]] = {subject: [] for subject in SUBJECTS}
    for path in sorted((DOCS / "adr").glob("[0-9]*.md")):
        title, _, subject, *_ = path.read_text(encoding="utf-8").splitlines()
        if subject.removeprefix("**Subject.** ") not in entries:
            raise ValueError(f"{path.name}: line 3 has to be '**Subject.** ' and one of {', '.join(SUBJECTS)}")
        entries[subject.removeprefix("**Subject.** ")].append(f"- [{title.lstrip('# ')}]({path.name})")
    return entries


def command_line_page() -> str:
    """docs/command-line.md: what `--help` of every command says."""
    commands = commands_of(make_parser())
    return _page(
        "The command line",
        "`./scripts/run` installs `duygu` as `.venv/bin/duygu`. Every command reads its [settings](settings.md) from "
        "environment variables. `duygu doctor` checks the installation and prints a hint for each failed check. "
        '`eval "$(duygu completion)"` completes commands, options and file names in bash and zsh.\n\n'
        f"The exit status is 0 on success, 1 if a video or a check failed, 2 for invalid arguments or settings, and "
        "130 after Ctrl-C. `serve`, `worker`, `label`, `watch` and `mcp --http` run until Ctrl-C, which ends them in "
        "order: their exit status is then 0, or 1 if a source of `watch` failed.\n\n"
        f"```bash\n{COMMANDS}```",
        "\n\n".join(f"## duygu {name}\n\n```text\n{_help(command)}```" for name, command in commands.items()),
    )


def _help(command: argparse.ArgumentParser) -> str:
    """As it is printed where there is room for HELP_WIDTH letters."""
    command.formatter_class = functools.partial(argparse.HelpFormatter, width=HELP_WIDTH)
    nested = [f"\n{_help(inner)}" for inner in commands_of(command).values()]
    return "".join([command.format_help(), *nested])


def llms_page() -> str:
    """docs/llms.txt: the documentation for language models, in the form of llmstxt.org, from docs/README.md."""
    index = (DOCS / "README.md").read_text(encoding="utf-8").partition("**Start**")[2]
    sections = re.sub(r"^\*\*(.+)\*\*$", r"## \1", "**Start**" + index, flags=re.MULTILINE)
    return f"""# Duygu

> Turns video into a timeline of emotions for every face in it: anger, disgust, fear, happiness, sadness, surprise and
> neutral, each with a confidence. Runs as a service (REST, websocket), a command line and a Python package.

{MEANING} A window that is marked `uncertain` is a guess; its emotion must not be reported as found.

{sections.strip()}
"""


PAGES: dict[str, Callable[[], str]] = {
    "llms.txt": llms_page,
    "settings.md": settings_page,
    "errors.md": errors_page,
    "command-line.md": command_line_page,
    "adr/README.md": decisions_page,
    "../README.md": readme,
    "measured.md": measured.page,
    **{os.path.relpath(typescript.GENERATED / name, DOCS): types for name, types in typescript.MODULES.items()},
    **{os.path.relpath(STATIC / f"{page.name}.html", DOCS): functools.partial(render, page) for page in WEB_PAGES},
}
"""What is written, by path from docs/."""


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return str(alias) if alias else f"{Settings.model_config.get('env_prefix', '')}{name}".upper()


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        value = value.relative_to(ROOT)
    return f"`{value}`" if value is not None and str(value) else "(empty)"


def _meaning(field: FieldInfo) -> str:
    return " ".join((field.description or "").split()) + _bounds(field)


def _bounds(field: FieldInfo) -> str:
    choices = " or ".join(f"`{choice}`" for choice in get_args(field.annotation) if isinstance(choice, str))
    limits = [
        f"{words} {getattr(rule, bound)}"
        for rule in field.metadata
        for bound, words in BOUNDS.items()
        if hasattr(rule, bound)
    ]
    notes = ", ".join(filter(None, [choices, *limits]))
    return f" ({notes})" if notes else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    cells = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _page(title: str, introduction: str, body: str) -> str:
    return f"# {title}\n\n{introduction}\n\n{body}\n\nThis page is generated by `python -m docs.generate`.\n"


def main() -> None:
    """Write all of them."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
