"""A worker that cuts videos of seconds: `python -m tests.support.workers.split_worker`.

In the middle of each part it waits for the file of the variable GATE. Leases and heartbeats are shorter than in
production, so that tests detect a dead worker soon.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from duygu.services.worker import main, model_worker
from duygu.services.worker.context import JoinedVideo, Splitter
from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.jobs import parts
from duygu.shared.jobs.queues import QueueName
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.vision.engine import load_engine
from duygu.shared.vision.progress import Progress
from duygu.shared.vision.split import splitter as splitting
from duygu.shared.vision.split.plan import plan_parts


class GatedSplitter:
    """A splitter that waits in each part."""

    def __init__(self, splitter: Splitter) -> None:
        self._splitter = splitter

    def plan(self, path: Path, options: AnalysisOptions, should_stop: Callable[[], bool]) -> Sequence[dict[str, Any]]:
        """Call the splitter."""
        return self._splitter.plan(path, options, should_stop)

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
        """Call the splitter, and wait in the middle of the part."""
        gate = Path(os.environ["GATE"])

        def advance(progress: Progress) -> None:
            on_progress(progress)
            while progress.time_s > part["length_s"] / 2 and not gate.exists() and not should_stop():
                time.sleep(0.05)

        self._splitter.analyze(path, target, part, options, on_progress=advance, should_stop=should_stop)

    def joining(self, plan: Sequence[dict[str, Any]], options: AnalysisOptions) -> JoinedVideo:
        """Call the splitter."""
        return self._splitter.joining(plan, options)


if __name__ == "__main__":
    model_worker.HEARTBEAT_S = 1  # type: ignore[attr-defined]
    model_worker.JOB_TTL_S = 4
    model_worker.MAINTENANCE_S = 2
    parts.LEASE_S = 4.0
    splitting.plan_parts = partial(plan_parts, warm_up_s=2.0, max_extra=9.0)  # type: ignore[attr-defined]
    settings = Settings()
    engine = load_engine(engine_options(settings))
    splitter = GatedSplitter(main.video_splitter(settings, engine))
    renderer = main.ResultRenderer(settings)
    analyze = main.video_analysis(settings, engine)
    sys.exit(main.serve(settings, QueueName.VIDEOS, analyze, renderer=renderer, splitter=splitter))
