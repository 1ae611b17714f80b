"""Queues for the classification of clips: synchronous, or pipelined in a background thread."""

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Protocol

import numpy as np

from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.classify.crop_features import clip_features
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.classify.relative import window_features
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import WindowLogits
from duygu.shared.vision.types import CropClassifier, Floats

FaceClips = list[tuple[int, Clip]]
"""Pairs of face id and clip."""


class ClassificationQueue(Protocol):
    """Classifies batches of clips in the order of submission."""

    @property
    def pending(self) -> int:
        """Number of submitted clips whose results have not been returned."""
        ...

    def submit(self, clips: FaceClips) -> list[WindowLogits]:
        """Submit clips as one batch, and return the results that are available."""
        ...

    def flush(self) -> list[WindowLogits]:
        """Wait for the pending results and return them."""
        ...


class SynchronousQueue:
    """`ClassificationQueue` in which the frame that completes a clip also returns its result."""

    pending = 0

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def submit(self, clips: FaceClips) -> list[WindowLogits]:
        """Classify the clips and return all results."""
        return classify(self._engine, clips)

    def flush(self) -> list[WindowLogits]:
        """Return no result, as none is ever pending."""
        return []


class PipelinedQueue:
    """`ClassificationQueue` that classifies one batch at a time in another thread, and returns it with the next one."""

    def __init__(self, engine: Engine, executor: Executor) -> None:
        self._engine, self._executor = engine, executor
        self._running: Future[list[WindowLogits]] | None = None
        self.pending = 0

    def submit(self, clips: FaceClips) -> list[WindowLogits]:
        """Wait for the previous batch, start this one, and return the previous results."""
        previous = self.flush()
        self._running, self.pending = self._executor.submit(classify, self._engine, clips), len(clips)
        return previous

    def flush(self) -> list[WindowLogits]:
        """Wait for the last batch and return its results. Raises what the network raised."""
        running, self._running, self.pending = self._running, None, 0
        return running.result() if running else []


def classify(engine: Engine, clips: FaceClips) -> list[WindowLogits]:
    """Classify clips as one batch, in their order."""
    if not clips:
        return []
    results = _classified(engine, [clip for _, clip in clips])
    return [
        WindowLogits(
            face_id,
            clip.start_s,
            clip.end_s,
            logits,
            clip.flags,
            *_movements(engine, clip),
            still=clip.still,
            features=features if engine.keeps_features else None,
            relative=_relative(engine, features),
        )
        for (face_id, clip), (logits, features) in zip(clips, results, strict=True)
    ]


def _classified(engine: Engine, clips: list[Clip]) -> Iterator[tuple[Floats, Floats | None]]:
    """Logits (labels,) and, if something needs them, features (2 F,) of each clip.

    A classifier in two parts computes the trunk once for each crop.
    """
    if not isinstance(engine.classifier, CropClassifier):
        return zip(engine.classifier.logits(_pictures(engine, clips)), [None] * len(clips), strict=True)
    features = clip_features(engine.classifier, clips)
    needed = engine.keeps_features or engine.relative is not None
    kept = window_features(features) if needed else [None] * len(clips)
    return zip(engine.classifier.head(features), kept, strict=True)


def _relative(engine: Engine, features: Floats | None) -> Floats | None:
    """(labels,) output of the layer for relative answers, None for a model without it."""
    return None if engine.relative is None or features is None else engine.relative.outputs(features)


def _pictures(engine: Engine, clips: list[Clip]) -> Floats:
    """(N, frames, size, size, 1) normalised clips."""
    pictures = [clip.images[..., ::-1] if engine.alternating and clip.mirrored else clip.images for clip in clips]
    return normalise(np.stack(pictures), engine.recipe)


def _movements(engine: Engine, clip: Clip) -> tuple[Floats | None, float | None]:
    """The mean movements of a clip and the probability of speaking, None where they were not measured."""
    if engine.movements is None or clip.movements is None:
        return None, None
    return engine.movements.mean(clip.movements), engine.movements.speaking(clip.movements)
