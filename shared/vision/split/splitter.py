"""The analysis of a video in parts, as workers use it. Plans are plain values, which Redis stores."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import Result, Window
from duygu.shared.vision.decode.file_index import read_index
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.options import DecodeLimits
from duygu.shared.vision.progress import Progress
from duygu.shared.vision.split.joining import PartJoiner
from duygu.shared.vision.split.part_analysis import analyze_part
from duygu.shared.vision.split.part_file import PartFile
from duygu.shared.vision.split.plan import VideoPart, plan_parts

Plan = Sequence[dict[str, Any]]


class VideoSplitter:
    """Cuts videos, analyses parts and joins them, with a loaded engine."""

    def __init__(self, engine: Engine, limits: DecodeLimits, longest_s: float | None) -> None:
        """`longest_s`: videos longer than this are cut; None: none is cut here, but parts of others are analysed."""
        self._engine, self._limits, self._longest_s = engine, limits, longest_s

    def plan(self, path: Path, options: AnalysisOptions, should_stop: Callable[[], bool]) -> Plan:
        """The parts of a video; empty if it is to be analysed in one piece.

        Raises a VideoError for an unusable file, and CancelledError once `should_stop` returns True.
        """
        if self._longest_s is None or _length_at_most(options) <= self._longest_s:
            return []
        index = read_index(path, self._limits, should_stop)
        return [asdict(part) for part in plan_parts(index, options, self._longest_s, self._engine.recipe.rate_hz)]

    def analyze(
        self,
        path: Path,
        target: Path,
        part: dict[str, Any],
        options: AnalysisOptions,
        *,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Analyse one part of a plan and write its file. Raises as `duygu.shared.vision.split.analyze_part`."""
        analyze_part(
            path,
            target,
            VideoPart(**part),
            self._engine,
            self._limits,
            options,
            on_progress=on_progress,
            should_stop=should_stop,
        )

    def joining(self, plan: Plan, options: AnalysisOptions) -> "JoinedVideo":
        """Begin to join the parts of a plan. Raises the error of an option that the engine does not have."""
        return JoinedVideo(PartJoiner([VideoPart(**part) for part in plan], self._engine, options))


class JoinedVideo:
    """A video whose parts are joined, in their order."""

    def __init__(self, joiner: PartJoiner) -> None:
        self._joiner = joiner

    def add(self, path: Path) -> None:
        """Add the file of the next part. Raises UnjoinableError."""
        with PartFile(path) as file:
            self._joiner.add(file)

    def windows(self) -> Iterator[tuple[int, Window]]:
        """All windows with their faces, in the order of their ends."""
        return self._joiner.windows()

    def result(self, job_id: str) -> Result:
        """The result of the video, after its last part, with packed windows and positions."""
        return self._joiner.result(job_id, in_lists=False)


def _length_at_most(options: AnalysisOptions) -> float:
    return float("inf") if options.end_s is None else options.end_s - (options.start_s or 0.0)
