"""CPU time of each stage of the engine and of its decoding process: `scripts/bench video --profile`.

python -m benchmarks.files.profile VIDEO MODEL measures one video and prints JSON.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.files.footage import CASES, Footage
from benchmarks.files.stopwatch import Stopwatch
from benchmarks.files.timing import measure
from duygu.shared.config.settings import Settings
from duygu.shared.paths import ROOT

PROFILED = (*CASES[:3], CASES[3], *(Footage(f"1080p60_{faces}faces", 1920, 1080, 60, faces) for faces in (3, 0)))
"""720p30 and 1080p60, each with one face, three faces and nobody."""

PYTHON = "Python and the rest"

DECODER = "benchmarks.files.profiled_decoder"


def report(folder: Path, only: str | None = None) -> list[dict[str, Any]]:
    """CPU milliseconds per second of video by stage, for every case or the one of this name."""
    return [_case(footage, folder) for footage in PROFILED if only in (None, footage.name)]


def _case(footage: Footage, folder: Path) -> dict[str, Any]:
    video = footage.make(folder)
    alone = measure("decode", video, Settings().model)
    arguments = [sys.executable, "-m", "benchmarks.files.profile", str(video), str(Settings().model)]
    run = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - our own module
    measured = json.loads(run.stdout.splitlines()[-1])
    length_s = alone["frames"] / footage.fps
    stages = {stage: round(1000 * spent / length_s, 2) for stage, spent in measured["stages"].items()}
    return {
        "case": footage.name,
        "stages": stages,
        "total": round(sum(stages.values()), 1),
        "decode_alone": round(1000 * alone["cpu_s"] / length_s, 1),
        "calls": measured["calls"],
    }


def profile(video: Path, model: Path) -> dict[str, Any]:
    """Run the engine on one video, and return CPU seconds per stage."""
    from duygu.shared.config.engine import decode_limits, engine_options
    from duygu.shared.vision.analysis import analyze_video
    from duygu.shared.vision.engine import load_engine

    settings, watch, decoder = Settings(model=model), Stopwatch(), dict[str, float]()
    engine = load_engine(engine_options(settings))
    _watch_networks(engine, watch)
    _watch_functions(watch)
    _watch_decoder(watch, decoder)
    before = time.process_time()
    analyze_video(video, engine, decode_limits(settings))
    total = time.process_time() - before
    return {
        "stages": {**decoder, **watch.spent, PYTHON: total - sum(watch.spent.values())},
        "calls": watch.calls,
    }


def _watch_networks(engine: Any, watch: Stopwatch) -> None:
    detector, classifier = engine.detector, engine.classifier
    for name, stage in (("_proposal", "P-Net"), ("_refinement", "R-Net"), ("_output", "O-Net")):
        setattr(detector, name, Session(watch.timed(stage, getattr(detector, name).run)))
    for name, stage in (("features", "trunk"), ("head", "temporal part"), ("logits", "trunk")):
        if hasattr(classifier, name):
            setattr(classifier, name, watch.timed(stage, getattr(classifier, name)))
    if engine.second_trunk is not None:
        engine.second_trunk.features = watch.timed("second trunk", engine.second_trunk.features)


class Session:
    """A measured network."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run


def _watch_functions(watch: Stopwatch) -> None:
    from duygu.shared.vision import analyzer, batching, timeline
    from duygu.shared.vision.classify.clips import ClipBuilder
    from duygu.shared.vision.decode.planes import StoredFrame
    from duygu.shared.vision.detect import mtcnn
    from duygu.shared.vision.track import optical_flow, scene_change, track, tracker, transitions

    stages: dict[str, list[tuple[Any, str]]] = {
        "scale and convert": [(StoredFrame, "_area"), (StoredFrame, "grey_part"), (StoredFrame, "sparse_rgb")],
        "resample for MTCNN": [(mtcnn, "integral"), (mtcnn, "area_means")],
        "MTCNN's arithmetic": [(mtcnn.Mtcnn, name) for name in ("detect", "detect_near", "refine")],
        "optical flow": [(track.Track, "propagate_by_flow"), (optical_flow.Patch, "of")],
        "scene changes": [
            (scene_change.SceneChangeDetector, "update"),
            (scene_change.SceneChangeDetector, "motion_outside_tracks"),
            (transitions.TransitionDetector, "update"),
        ],
        "association": [(tracker.Tracker, "update"), (track, "appearance_template")],
        "crops": [(analyzer, "crop_of"), (analyzer, "quality_flags")],
        "clips": [(ClipBuilder, "add"), (batching, "classify")],
        "result": [(timeline.Timeline, "add"), (timeline.Timeline, "result")],
    }
    for stage, places in stages.items():
        for owner, name in places:
            setattr(owner, name, watch.timed(stage, getattr(owner, name)))


def _watch_decoder(watch: Stopwatch, decoder: dict[str, float]) -> None:
    from duygu.shared.runtime.processes.module_process import ModuleProcess
    from duygu.shared.vision.decode import video

    class Watched(ModuleProcess):
        def close(self) -> None:
            super().close()
            decoder.update(json.loads(self._stderr.text().splitlines()[-1]))

    module: Any = video
    module.ModuleProcess, module.CHILD = Watched, DECODER
    for name in ("receive", "frame", "release"):
        setattr(video.Child, name, watch.timed("messages of the worker", getattr(video.Child, name)))


if __name__ == "__main__":
    print(json.dumps(profile(*map(Path, sys.argv[1:]))))  # noqa: T201 - that is how the parent reads it
