"""Queues for the classification of clips: synchronous, or pipelined in a background thread."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Protocol

import numpy as np

from duygu.shared.vision.classify.adaptive_temperature import DOUBTFUL
from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.classify.crop_features import clip_features
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.classify.relative import window_features, with_second
from duygu.shared.vision.classify.second_trunk import SecondTrunk
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import WindowLogits
from duygu.shared.vision.types import CropClassifier, Floats, GatedClassifier

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
    clips = [(face_id, clip.complete()) for face_id, clip in clips]
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
            second=clip.second if engine.keeps_features else None,
        )
        for (face_id, clip), (logits, features) in zip(clips, results, strict=True)
    ]


def _classified(engine: Engine, clips: list[Clip]) -> Iterator[tuple[Floats, Floats | None]]:
    """Logits (labels,) and, if something needs them, features of each clip for the layer for relative predictions.

    A classifier in two parts computes the trunk once for each crop.
    """
    if not isinstance(engine.classifier, CropClassifier):
        return zip(_whole(engine, clips), [None] * len(clips), strict=True)
    features = clip_features(engine.classifier, clips)
    logits, gates = engine.classifier.gated_head(features)
    if gates is not None:
        logits = _corrected(engine, clips, logits, gates, features.mean(axis=1))
    needed = engine.keeps_features or engine.relative is not None
    kept = _windows(engine, clips, features) if needed else [None] * len(clips)
    return zip(logits, kept, strict=True)


def _whole(engine: Engine, clips: list[Clip]) -> Floats:
    """Logits (N, labels) by a classifier of whole clips."""
    pictures = _pictures(engine, clips)
    is_plain = engine.second_trunk is None and engine.adaptive_temperature is None
    if is_plain or not isinstance(engine.classifier, GatedClassifier):
        return engine.classifier.logits(pictures)
    return _corrected(engine, clips, *engine.classifier.gated(pictures))


def _corrected(engine: Engine, clips: list[Clip], logits: Floats, gates: Floats, means: Floats) -> Floats:
    """The logits with the correction by the second trunk and the adaptive temperature, both by the gates."""
    if isinstance(engine.second_trunk, SecondTrunk):
        correction = engine.second_trunk.correction(means, [clip.second for clip in clips])
        logits = np.asarray(logits + gates[:, np.newaxis] * correction, np.float32)
    if engine.adaptive_temperature is not None:
        doubtful = np.array([not DOUBTFUL.isdisjoint(clip.flags) for clip in clips])
        logits = logits * engine.adaptive_temperature.factors(means, gates, doubtful)[:, np.newaxis]
    return logits


def _windows(engine: Engine, clips: list[Clip], features: Floats) -> Iterable[Floats | None]:
    """The features of each clip for the layer for relative predictions; None where it needs those of a second trunk."""
    first = window_features(features)
    if engine.second_trunk is None or (engine.relative is not None and engine.relative.width == first.shape[1]):
        return first
    return [with_second(own, clip.second) for own, clip in zip(first, clips, strict=True)]


def _relative(engine: Engine, features: Floats | None) -> Floats | None:
    """(labels,) output of the layer for relative predictions, None for a model without it."""
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
