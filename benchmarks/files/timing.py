"""Run one measurement in a separate process, with its own memory and cold caches.

python -m benchmarks.files.timing decode|engine|plain VIDEO MODEL
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from duygu.shared.config.settings import Settings
from duygu.shared.paths import ROOT

DECODER_EVERY = 50
"""Analysed frames between two measurements of the decoding process. Its ru_maxrss would include the worker's memory, as
it starts as a copy of the worker."""

PLAIN_FRAMES = 40
"""Number of frames for the plain pipeline. The time is extrapolated, since the whole video takes minutes."""


def measure(what: str, video: Path, model: Path) -> dict[str, Any]:
    """Run a measurement in a new process."""
    arguments = [sys.executable, "-m", "benchmarks.files.timing", what, str(video), str(model)]
    run = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - our own module
    return dict(json.loads(run.stdout.splitlines()[-1]))


def decode(video: Path, model: Path) -> dict[str, Any]:
    """Decode every frame on all cores."""
    import av

    started = time.perf_counter()
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        frames = sum(1 for _ in container.decode(stream))
    return {"wall_s": time.perf_counter() - started, "frames": frames, "cpu_s": cpu_s(resource.RUSAGE_SELF)}


@dataclass
class Stopwatch:
    """Seconds per stage."""

    spent: dict[str, float] = field(default_factory=dict)

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function to measure its time."""

        def watched(*arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*arguments)
            finally:
                self.spent[stage] = self.spent.get(stage, 0.0) + time.perf_counter() - started

        return watched


@dataclass
class Watched:
    """Part of the engine with some calls measured."""

    part: Any
    calls: dict[str, Callable[..., Any]]

    def __getattr__(self, name: str) -> Any:
        return self.calls.get(name) or getattr(self.part, name)


def engine(video: Path, model: Path) -> dict[str, Any]:
    """Run the engine with its models preloaded, as in a worker."""
    from duygu.shared.config.engine import decode_limits, engine_options
    from duygu.shared.vision.analysis import analyze_video
    from duygu.shared.vision.decode.video import standby_decoder
    from duygu.shared.vision.engine import load_engine

    settings = Settings(model=model)
    watch = Stopwatch()
    loaded = load_engine(engine_options(settings), standby_decoder(keep=False))
    detector, classifier = loaded.detector, loaded.classifier
    watched = replace(
        loaded,
        detector=Watched(detector, {name: watch.timed(name, getattr(detector, name)) for name in ("detect", "refine")}),
        classifier=Watched(classifier, _classification(classifier, watch)),
    )
    sizes: list[int] = []
    decoder_sizes: list[int] = []

    def measure_memory(_: Any) -> None:
        if len(sizes) % DECODER_EVERY == 0:
            decoder_sizes.append(resident_children())
        sizes.append(resident())

    started = time.perf_counter()
    result = analyze_video(video, watched, decode_limits(settings), on_progress=measure_memory)
    wall_s = time.perf_counter() - started
    return {
        "wall_s": wall_s,
        "faces": len(result.faces),
        "stages": {stage: spent / wall_s for stage, spent in watch.spent.items()},
        "decoder_cpu_s": cpu_s(resource.RUSAGE_CHILDREN),
        "worker_cpu_s": cpu_s(resource.RUSAGE_SELF),
        "peak_rss_mb": max(sizes) / 1e6,
        "decoder_rss_mb": max(decoder_sizes) / 1e6,
        "rss_mb": [round(size / 1e6) for size in sizes[:: max(1, len(sizes) // 5)]],
    }


def _classification(classifier: Any, watch: Stopwatch) -> dict[str, Callable[..., Any]]:
    """The measured calls of a classifier, undivided or as trunk and head."""
    names = [name for name in ("logits", "features", "head") if hasattr(classifier, name)]
    return {name: watch.timed("classify", getattr(classifier, name)) for name in names}


def resident() -> int:
    """Resident memory of this process, in bytes."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def resident_children() -> int:
    """Resident memory of the child processes, in bytes."""
    import psutil

    return sum(int(child.memory_info().rss) for child in psutil.Process().children())


def cpu_s(whose: int) -> float:
    """CPU time so far."""
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def plain(video: Path, model: Path) -> dict[str, Any]:
    """The original pipeline: facenet-pytorch's MTCNN on every frame, `model.predict` on every fifth."""
    # isort: off
    from facenet_pytorch import MTCNN
    import keras

    # isort: on
    import av
    import numpy as np

    detector = MTCNN(keep_all=True, device="cpu")
    network = keras.models.load_model(model, compile=False)
    clip = np.zeros((1, *network.input_shape[1:]), np.float32)
    network.predict(clip, verbose=0)
    with av.open(str(video)) as container:
        started = time.perf_counter()
        for index, frame in enumerate(container.decode(video=0)):
            detector.detect(frame.to_ndarray(format="rgb24"))
            if index % 5 == 4:
                network.predict(clip, verbose=0)
            if index + 1 == PLAIN_FRAMES:
                break
    return {"frame_s": (time.perf_counter() - started) / PLAIN_FRAMES}


if __name__ == "__main__":
    kind, video_path, model_path = sys.argv[1:]
    measured = {"decode": decode, "engine": engine, "plain": plain}[kind](Path(video_path), Path(model_path))
    print(json.dumps(measured))  # noqa: T201 - that is how the parent reads it
