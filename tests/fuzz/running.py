"""Runs a target on mutated inputs and stores those that it fails on."""

import hashlib
import os
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

import numpy as np

MB = 1_000_000

WARM_INPUTS = 30
"""Inputs after which caches are filled and libraries loaded; the memory use is compared with this state."""

MEASURED_EVERY = 25
"""Inputs between two measurements of memory."""

MOST_GROWTH_MB = 200
"""Maximum growth of the process and its children after the first inputs."""


class Target(Protocol):
    """A component that receives untrusted input."""

    name: str
    deadline_s: float
    """Longest time for one input."""

    def make(self, random: np.random.Generator) -> bytes:
        """Return an input that depends on the random numbers only."""
        ...

    def run(self, content: bytes) -> str:
        """Process an input and return the outcome as a word. Every exception is a finding."""
        ...


class FindingError(Exception):
    """An input whose response violates the contract."""


@dataclass(slots=True)
class Report:
    """The outcomes of a run of one target."""

    target: str
    seconds: float = 0.0
    growth_mb: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        count = self.outcomes.total()
        outcomes = ", ".join(f"{number} {name}" for name, number in self.outcomes.most_common(12))
        verdict = f"{len(self.findings)} FINDINGS" if self.findings else "ok"
        return (
            f"{self.target}: {count} inputs in {self.seconds:.0f} s ({outcomes or 'none'}), "
            f"memory {self.growth_mb:+.0f} MB: {verdict}"
        )


def fuzz(target: Target, seed: int, goes_on: Callable[[int], bool], folder: Path) -> Report:
    """Run a target on inputs that depend on the seed and their number.

    goes_on  returns whether the input of a number is run
    folder   receives a file for each finding, and a text file with the reason
    """
    report, number, warm_mb = Report(target.name), 0, None
    began = time.monotonic()
    while goes_on(number):
        content = target.make(np.random.default_rng((seed, number, *target.name.encode())))
        try:
            report.outcomes[_run(target, content)] += 1
        except Exception as error:  # noqa: BLE001 - every exception is a finding
            report.outcomes["findings"] += 1
            report.findings.append(_keep(target.name, content, error, folder))
        number += 1
        if number == WARM_INPUTS:
            warm_mb = resident_mb()
        if warm_mb is not None and number % MEASURED_EVERY == 0:
            report.growth_mb = resident_mb() - warm_mb
            if report.growth_mb > MOST_GROWTH_MB:
                grown = FindingError(f"memory has grown by {report.growth_mb:.0f} MB in {number} inputs")
                report.findings.append(_keep(target.name, content, grown, folder))
                break
    report.seconds = time.monotonic() - began
    return report


def _run(target: Target, content: bytes) -> str:
    began = time.monotonic()
    with _alarm(2 * target.deadline_s):
        outcome = target.run(content)
    if (took := time.monotonic() - began) > target.deadline_s:
        raise FindingError(f"it took {took:.1f} s, more than {target.deadline_s:.0f} s")
    return outcome


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise FindingError in the block after a number of seconds, unless another timer of this kind runs."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise FindingError(f"no response within {seconds:.0f} s")

    if signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _keep(name: str, content: bytes, error: Exception, folder: Path) -> str:
    """Write the input and the reason; return the path of the input with the first line of the reason."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
    path.write_bytes(content)
    path.with_suffix(".txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return f"{path}: {type(error).__name__}: {str(error)[:200]}"


def resident_mb() -> float:
    """Return the memory of this process and its descendants, or 0 on systems without /proc."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    waiting, total = [os.getpid()], 0.0
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        total += _resident_mb(process)
    return total


def _resident_mb(process: int) -> float:
    try:
        pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0.0
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / MB
