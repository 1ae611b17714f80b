"""A worker for live sessions whose first search of a picture is slow: `python -m tests.support.workers.slow_worker`.

Each search adds a line to the file of the variable SEARCHES; the first search of all workers lasts SLOW_S.
"""

import os
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from duygu.services.worker.main import live_work, no_analysis, serve
from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.jobs.queues import QueueName
from duygu.shared.vision.engine import load_engine
from duygu.shared.vision.types import Detections, Detector, Floats, Frame

SLOW_S = 7.0
"""Longer than two leases."""


class SlowDetector:
    """A detector whose first search is slow."""

    def __init__(self, detector: Detector, searches: Path) -> None:
        self.detector, self.searches = detector, searches

    def detect(self, frame: Frame) -> Detections:
        """Detect all faces, slowly if no worker has searched before."""
        with self.searches.open("a+") as file:
            first = not file.tell()
            file.write(f"{os.getpid()} {frame.index}\n")
        if first:
            time.sleep(SLOW_S)
        return self.detector.detect(frame)

    def detect_near(self, frame: Frame, boxes: Floats) -> Detections:
        """Call the detector."""
        return self.detector.detect_near(frame, boxes)

    def refine(self, frame: Frame, boxes: Floats) -> Detections:
        """Call the detector."""
        return self.detector.refine(frame, boxes)

    def with_limits(self, *, min_face: float, max_faces: int) -> "SlowDetector":
        """A slow detector with other limits."""
        return SlowDetector(self.detector.with_limits(min_face=min_face, max_faces=max_faces), self.searches)


if __name__ == "__main__":
    settings = Settings()
    engine = load_engine(engine_options(settings))
    slow = replace(engine, detector=SlowDetector(engine.detector, Path(os.environ["SEARCHES"])))
    with closing(live_work(settings, slow)) as live:
        sys.exit(serve(settings, QueueName.LIVE, no_analysis, live))
