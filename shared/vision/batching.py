"""Classification of clips, synchronous or in a background thread."""

from concurrent.futures import Executor, Future
from typing import Protocol

import numpy as np

from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import Answer

Questions = list[tuple[int, Clip]]
"""Pairs of face id and clip."""


class Answering(Protocol):
    """Interface of both modes of classification."""

    def ask(self, questions: Questions) -> list[Answer]:
        """Submit these clips as one batch and return the results that are available, in the order of submission."""

    def rest(self) -> list[Answer]:
        """Wait for the pending results and return them."""


class AtOnce:
    """Synchronous classification: the frame that completes a clip also returns its result."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, questions: Questions) -> list[Answer]:
        """Classify the clips and return all results."""
        return answers(self._engine, questions)

    def rest(self) -> list[Answer]:
        """Return no result: none is ever pending."""
        return []


class InBackground:
    """Classification in another thread, one batch at a time. A batch is returned when the next one is submitted."""

    def __init__(self, engine: Engine, executor: Executor) -> None:
        self._engine, self._executor = engine, executor
        self._thinking: Future[list[Answer]] | None = None

    def ask(self, questions: Questions) -> list[Answer]:
        """Wait for the previous batch, submit this one, and return the previous results."""
        answered = self.rest()
        self._thinking = self._executor.submit(answers, self._engine, questions)
        return answered

    def rest(self) -> list[Answer]:
        """Wait for the last batch and return its results."""
        thinking, self._thinking = self._thinking, None
        return thinking.result() if thinking else []


def answers(engine: Engine, questions: Questions) -> list[Answer]:
    """Classify the clips."""
    if not questions:
        return []
    clips = normalise(np.stack([clip.images for _, clip in questions]), engine.recipe)
    logits = engine.classifier.logits(clips)
    return [
        Answer(face_id, clip.start_s, clip.end_s, scores, clip.flags)
        for (face_id, clip), scores in zip(questions, logits, strict=True)
    ]
