"""Known vulnerabilities of the packages that ship, by pip-audit: `python -m release.advisories`.

Without a database of advisories in reach, the check is skipped with a line that says so, and succeeds.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from release.pins import shipped

LIMIT_S = 20
"""Longest time of the check."""

REPLY_S = 4
"""Longest wait for one reply of the database."""

SKIPPED = "advisories: SKIPPED, {}; run scripts/audit where the database of PyPI can be reached\n"


def audit(arguments: Sequence[str] = (), limit_s: float = LIMIT_S) -> dict[str, Any] | str:
    """The report of pip-audit, or why there is none. `arguments` go to pip-audit."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("".join(f"{name}=={version}\n" for name, version in shipped().items()), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(pins), "--disable-pip", "--no-deps",
                   "--format", "json", "--progress-spinner", "off", "--timeout", str(REPLY_S), *arguments]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit_s)  # noqa: S603
        except subprocess.TimeoutExpired:
            return f"no response within {limit_s:g} s"
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        return _last_line(done.stderr)


def _last_line(text: str) -> str:
    """The exception's name at the end of an output, without addresses."""
    lines = [line for line in text.splitlines() if line and not line.startswith(" ")]
    return lines[-1].partition(":")[0] if lines else "pip-audit printed nothing"


def judge(report: dict[str, Any] | str) -> tuple[int, str]:
    """Exit status and text for a report."""
    if isinstance(report, str):
        return 0, SKIPPED.format(report)
    audited = [package for package in report["dependencies"] if "skip_reason" not in package]
    if not audited:
        return 0, SKIPPED.format("the package index has no advisories")
    text = "".join(
        f"{package['name']} {package['version']}: {flaw['id']}, fixed in {_fixed_in(flaw)}\n"
        for package in audited
        for flaw in package["vulns"]
    )
    left_out = len(report["dependencies"]) - len(audited)
    summary = f"advisories: {len(audited)} packages checked" + (f", {left_out} not found" if left_out else "")
    return int(bool(text)), f"{text}{summary}\n"


def _fixed_in(flaw: dict[str, Any]) -> str:
    return ", ".join(flaw["fix_versions"]) or "no version"


def main() -> int:
    """Print the findings; the exit status is 1 if a package has a known vulnerability."""
    status, text = judge(audit())
    sys.stdout.write(text)
    return status


if __name__ == "__main__":
    sys.exit(main())
