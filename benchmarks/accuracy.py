"""Agreement of the engine with a reference that runs MTCNN on every analysed frame.

The reference decodes every frame, runs a full-frame detection on each analysed frame, and tracks the detected faces.
The engine skips frames and detects rarely. Both analyse the recordings in DUYGU_TEST_DATA, or else synthetic scenes.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measured
from benchmarks.video import machine
from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.schemas.result import Result, Window
from duygu.shared.vision.analysis import BATCH, analyze_video, video_info
from duygu.shared.vision.analyzer import Analyzer
from duygu.shared.vision.decode.video import Video, detection_side
from duygu.shared.vision.detect.boxes import overlaps
from duygu.shared.vision.engine import Engine, load_engine
from duygu.shared.vision.options import DecodeLimits
from duygu.shared.vision.results import DECIMALS_S, ResultConverter
from duygu.shared.vision.timeline import Timeline
from duygu.shared.vision.track.tracker import EVERY_FRAME, Tracker
from duygu.shared.vision.types import Detections, Floats
from tests.support.extra_data import CLIPS
from tests.support.media.videos import CROSSING, CROWD, CUT, HIDING, LEAVING, NOBODY, PAN, VideoMaker

CONFIDENT = 0.9
"""Minimum O-Net score of MTCNN's detections that must be found, fixed before the first measurement."""

MATCH_IOU = 0.5
"""Minimum intersection over union of two boxes of one face."""

TIME_TOLERANCE_S = 0.02
"""Tolerance for window times. Times have a resolution of 1 ms, and windows can differ by a frame at 60 Hz."""

TARGETS = {"found": 0.99, "extra": 0.01, "unchanged": 0.97}
"""Minimum share of MTCNN's faces that the engine finds, maximum share of the engine's faces that MTCNN lacks, and
minimum share of windows with the reference's emotion."""


@dataclass(slots=True)
class Count:
    """Counts over the frames and windows of one or all recordings."""

    confident: int = 0
    found: int = 0
    positions: int = 0
    extra: int = 0
    windows: int = 0
    unchanged: int = 0

    def __add__(self, other: "Count") -> "Count":
        """Sum of two counts."""
        return Count(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def shares(self) -> dict[str, Any]:
        """Shares for the report; an empty share counts as meeting its target."""
        return {
            "faces": self.confident,
            "found": round(self.found / self.confident, 4) if self.confident else 1.0,
            "positions": self.positions,
            "extra": round(self.extra / self.positions, 4) if self.positions else 0.0,
            "windows": self.windows,
            "unchanged": round(self.unchanged / self.windows, 4) if self.windows else 1.0,
        }


@dataclass(frozen=True, slots=True)
class ReferenceRun:
    """MTCNN's detections per analysed frame, by time in milliseconds, and the result of tracking them."""

    detections: dict[int, Detections]
    result: Result


def run_reference(path: Path, engine: Engine, limits: DecodeLimits) -> ReferenceRun:
    """Reference run: decode every frame, and run a full-frame detection on each analysed frame."""
    detections: dict[int, Detections] = {}
    timeline = Timeline(ResultConverter(engine.recipe, tuple(engine.model.labels)))
    with Video(path, limits, None, detection_side(engine.min_face)) as video:
        analyzer = Analyzer(engine, interval_s=video.interval_s, batch=BATCH)
        analyzer.tracker = Tracker(engine.detector, EVERY_FRAME, max_faces=engine.max_faces)
        for frame in video:
            analysed = analyzer.frames_analysed
            step = analyzer.push(frame)
            timeline.add(step.positions, step.windows)
            if analyzer.frames_analysed > analysed:
                detections[milliseconds(round(frame.time_s, DECIMALS_S))] = engine.detector.detect(frame)
        last = analyzer.finish()
    timeline.add(last.positions, last.windows)
    return ReferenceRun(detections, timeline.result(None, engine.model, video_info(video, analyzer), []))


def compare(path: Path, engine: Engine, limits: DecodeLimits) -> Count:
    """Compare the engine with the reference on one recording."""
    reference, result = run_reference(path, engine, limits), analyze_video(path, engine, limits)
    count = Count()
    positions = positions_by_time(result)
    for time_ms, detections in reference.detections.items():
        boxes = np.array(positions.get(time_ms, []), np.float32).reshape(-1, 4)
        confident = detections.boxes[detections.scores >= CONFIDENT]
        count.confident, count.positions = count.confident + len(confident), count.positions + len(boxes)
        count.found += covered(confident, boxes)
        count.extra += len(boxes) - covered(boxes, detections.boxes)
    for window, box in windows_of(reference.result):
        count.windows += 1
        count.unchanged += any(
            is_same(window, other) and covered(box[np.newaxis], other_box[np.newaxis])
            for other, other_box in windows_of(result)
        )
    return count


def covered(boxes: Floats, others: Floats) -> int:
    """Number of boxes (N, 4) that match one of the others (M, 4)."""
    return int((overlaps(boxes, others) >= MATCH_IOU).any(axis=1).sum()) if len(boxes) and len(others) else 0


def is_same(window: Window, other: Window) -> bool:
    """Whether two windows have the same time and emotion."""
    return abs(window.start_s - other.start_s) <= TIME_TOLERANCE_S and window.emotion == other.emotion


def windows_of(result: Result) -> Iterator[tuple[Window, Floats]]:
    """All windows, each with the box (4,) of its face at its start."""
    for face in result.faces:
        for window in face.windows:
            position = min(face.positions, key=lambda position: abs(position.time_s - window.start_s))
            yield window, corners(position.box)


def positions_by_time(result: Result) -> dict[int, list[Floats]]:
    """Boxes (4,) of all faces, by time in milliseconds."""
    boxes: dict[int, list[Floats]] = {}
    for face in result.faces:
        for position in face.positions:
            boxes.setdefault(milliseconds(position.time_s), []).append(corners(position.box))
    return boxes


def corners(box: tuple[float, float, float, float]) -> Floats:
    """Convert x, y, width, height to (4,) x1, y1, x2, y2."""
    left, top, width, height = box
    return np.array([left, top, left + width, top + height], np.float32)


def milliseconds(time_s: float) -> int:
    """Time in whole milliseconds, as a key."""
    return round(time_s * 1000)


def recordings(folder: Path) -> list[Path]:
    """The recordings in DUYGU_TEST_DATA, or else synthetic scenes written to the folder."""
    if CLIPS:
        return sorted(CLIPS.iterdir())
    return [VideoMaker(folder).make(scene) for scene in (PAN, CROSSING, CROWD, CUT, HIDING, LEAVING, NOBODY)]


def main() -> None:
    """Print a line of JSON per recording and one for the total; exit with status 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="scripts/bench accuracy", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="videos to analyse instead of these")
    parser.add_argument("--write", action="store_true", help="record the result in docs/measured.md")
    options = parser.parse_args()
    settings = Settings()
    engine, limits = load_engine(engine_options(settings)), decode_limits(settings)
    total = Count()
    with tempfile.TemporaryDirectory() as folder:
        paths = options.files or recordings(Path(folder))
        for path in paths:
            count = compare(path, engine, limits)
            total += count
            print(json.dumps({"file": path.name, **count.shares()}), flush=True)  # noqa: T201 - what it is for
    shares = total.shares()
    if options.write:
        measured.save("accuracy", {"machine": machine(), "recordings": len(paths), **shares})
    missed = [
        name for name, bound in TARGETS.items() if (shares[name] > bound if name == "extra" else shares[name] < bound)
    ]
    print(json.dumps({"file": "all", **shares, "bars": TARGETS, "missed": missed}))  # noqa: T201
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
