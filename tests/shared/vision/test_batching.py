"""The classification of clips, at once and pipelined: answers are returned in order, and none is lost."""

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from duygu.shared.vision.batching import Answering, AtOnce, InBackground, Questions
from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import Answer
from duygu.shared.vision.types import Floats


@pytest.fixture
def background() -> Iterator[Executor]:
    """An executor with one thread."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def questions(engine: Engine, first: int, count: int) -> Questions:
    """Return clips of noise for faces with ids from `first` on."""
    recipe = engine.recipe
    random = np.random.default_rng(first)
    images = random.integers(0, 255, (count, recipe.frames, recipe.size, recipe.size), np.uint8)
    return [(first + place, Clip(0.0, 1.0, image, ())) for place, image in enumerate(images)]


def told(answering: Answering, batches: list[Questions]) -> list[Answer]:
    """Return all answers to these batches."""
    return [answer for batch in batches for answer in answering.ask(batch)] + answering.rest()


def test_both_ways_tell_the_same(engine: Engine, background: Executor) -> None:
    """Both implementations return the same answers in the same order."""
    batches = [questions(engine, 1, 3), questions(engine, 10, 1), questions(engine, 20, 2)]
    at_once, later = told(AtOnce(engine), batches), told(InBackground(engine, background), batches)
    assert [answer.face_id for answer in at_once] == [answer.face_id for answer in later] == [1, 2, 3, 10, 20, 21]
    for one, other in zip(at_once, later, strict=True):
        assert one.logits == pytest.approx(other.logits, abs=1e-5)


def test_nobody_waits_for_a_first_question(engine: Engine, background: Executor) -> None:
    """The pipelined implementation does not block on the network."""
    release = threading.Event()

    class Slow:
        """A network that waits for the test."""

        recipe = engine.recipe

        def logits(self, clips: Floats) -> Floats:
            """Wait for the test."""
            assert release.wait(10)
            return engine.classifier.logits(clips)

    answering = InBackground(replace(engine, classifier=Slow()), background)
    assert answering.ask(questions(engine, 1, 1)) == []
    release.set()
    assert [answer.face_id for answer in answering.rest()] == [1]
    assert answering.rest() == []


def test_what_fails_in_the_background_is_not_lost(engine: Engine, background: Executor) -> None:
    """An error in the background is raised at the next call."""
    wrong = [(1, Clip(0.0, 1.0, np.zeros((1, 2, 2), np.uint8), ()))]
    answering = InBackground(engine, background)
    answering.ask(wrong)
    with pytest.raises(Exception, match=r"(?i)dimension"):
        answering.rest()
