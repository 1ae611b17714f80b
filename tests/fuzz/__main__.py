"""`scripts/fuzz`: mutated input for everything that reads untrusted input."""

import argparse
import logging
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from duygu.shared.config.settings import Settings
from tests.fuzz.files import Files
from tests.fuzz.media import Media
from tests.fuzz.pictures import LivePictures
from tests.fuzz.requests import Requests
from tests.fuzz.running import Target, fuzz
from tests.fuzz.service import service
from tests.fuzz.sessions import Sessions
from tests.support.media.videos import STILL, VideoMaker

MINUTE_S = 60.0


def small_videos(folder: Path) -> list[bytes]:
    """Return contents of uploads: a video that is analysed, a file that is not a video, and an empty file."""
    maker = VideoMaker(folder)
    return [maker.make(replace(STILL, duration_s=0.5, width=160, height=120)).read_bytes(), b"no video", b""]


@contextmanager
def target(name: str, folder: Path) -> Iterator[Target]:
    """Yield the target of a name, ready to run in its own folder."""
    with ExitStack() as stack:
        match name:
            case "media":
                made: Target = Media(folder, Settings(data_dir=folder / "data", threads=1))
            case "pictures":
                made = LivePictures()
            case "files":
                made = Files(folder)
            case "http":
                made = Requests(stack.enter_context(service(folder)), small_videos(folder))
            case _:
                made = Sessions(stack.enter_context(service(folder)))
        yield made


NAMES = ("pictures", "files", "media", "http", "sessions")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns 1 when there are findings."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="altogether, shared evenly by the targets (10)")
    parser.add_argument("--seed", type=int, help="makes the same inputs again; another one each time by default")
    parser.add_argument("--target", choices=NAMES, nargs="+", default=NAMES, help="all by default")
    parser.add_argument("--folder", type=Path, default=Path("fuzz-findings"), help="gets inputs that are findings")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run one such input again, and no other")
    parser.add_argument("--verbose", action="store_true", help="also what libraries and child processes complain of")
    options = parser.parse_args(arguments)
    if options.replay:
        return _replay(options.replay)
    if not options.verbose:
        _silence()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)  # noqa: T201
    failed = False
    for name in options.target:
        with tempfile.TemporaryDirectory() as folder, target(name, Path(folder)) as made:
            ends = time.monotonic() + options.minutes * MINUTE_S / len(options.target)
            report = fuzz(made, seed, lambda _: time.monotonic() < ends, options.folder)  # noqa: B023 - not used after the iteration
        print(report, *report.findings, sep="\n  ", flush=True)  # noqa: T201
        failed = failed or bool(report.findings)
    return int(failed)


def _silence() -> None:
    """Discard the output of libraries and child processes; this process still writes to stderr."""
    logging.basicConfig(level=logging.ERROR)
    sys.stderr = os.fdopen(os.dup(2), "w", 1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)


def _replay(path: Path) -> int:
    name = path.name.partition("-")[0]
    with tempfile.TemporaryDirectory() as folder, target(name, Path(folder)) as made:
        print(f"{path}: {made.run(path.read_bytes())}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
