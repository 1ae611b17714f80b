"""The network's answers about clips: at once, or while the next frames are followed."""

from concurrent.futures import Executor, Future
from typing import Protocol

import numpy as np

from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import Answer

Questions = list[tuple[int, Clip]]
"""Face ids with a clip of each."""


class Answering(Protocol):
    """Asks the network, and tells what it said."""

    def ask(self, questions: Questions) -> list[Answer]:
        """Ask about these clips in one batch: the answers that there are by now, in the order of the questions."""

    def rest(self) -> list[Answer]:
        """The answers that have not been told yet."""


class AtOnce:
    """Waits for the network, so that each clip is answered with the frame that completes it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, questions: Questions) -> list[Answer]:
        """All answers."""
        return answers(self._engine, questions)

    def rest(self) -> list[Answer]:
        """None: they have all been told."""
        return []


class InBackground:
    """Lets the network think in another thread, one batch at a time; answers come with the next question."""

    def __init__(self, engine: Engine, executor: Executor) -> None:
        self._engine, self._executor = engine, executor
        self._thinking: Future[list[Answer]] | None = None

    def ask(self, questions: Questions) -> list[Answer]:
        """The answers to the questions before these, for which it waits."""
        answered = self.rest()
        self._thinking = self._executor.submit(answers, self._engine, questions)
        return answered

    def rest(self) -> list[Answer]:
        """The answers to the last questions, for which it waits."""
        thinking, self._thinking = self._thinking, None
        return thinking.result() if thinking else []


def answers(engine: Engine, questions: Questions) -> list[Answer]:
    """What the network says of each clip."""
    if not questions:
        return []
    clips = normalise(np.stack([clip.images for _, clip in questions]), engine.recipe)
    logits = engine.classifier.logits(clips)
    return [
        Answer(face_id, clip.start_s, clip.end_s, scores, clip.flags)
        for (face_id, clip), scores in zip(questions, logits, strict=True)
    ]
