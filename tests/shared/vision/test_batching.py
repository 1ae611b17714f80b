"""The classification of clips, at once and pipelined: results are returned in order, and none is lost."""

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from duygu.shared.vision.batching import ClassificationQueue, FaceClips, PipelinedQueue, SynchronousQueue
from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.results import WindowLogits
from duygu.shared.vision.types import Floats


@pytest.fixture
def background() -> Iterator[Executor]:
    """An executor with one thread."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def noise_clips(engine: Engine, first: int, count: int) -> FaceClips:
    """Return clips of noise for faces with ids from `first` on."""
    recipe = engine.recipe
    random = np.random.default_rng(first)
    images = random.integers(0, 255, (count, recipe.frames, recipe.size, recipe.size), np.uint8)
    return [(first + place, Clip(0.0, 1.0, image, ())) for place, image in enumerate(images)]


def results(queue: ClassificationQueue, batches: list[FaceClips]) -> list[WindowLogits]:
    """Return all results of these batches."""
    return [window for batch in batches for window in queue.submit(batch)] + queue.flush()


def test_both_queues_return_the_same_results(engine: Engine, background: Executor) -> None:
    """Both implementations return the same results in the same order."""
    batches = [noise_clips(engine, 1, 3), noise_clips(engine, 10, 1), noise_clips(engine, 20, 2)]
    at_once, later = results(SynchronousQueue(engine), batches), results(PipelinedQueue(engine, background), batches)
    assert [window.face_id for window in at_once] == [window.face_id for window in later] == [1, 2, 3, 10, 20, 21]
    for one, other in zip(at_once, later, strict=True):
        assert one.logits == pytest.approx(other.logits, abs=1e-5)


def test_the_first_batch_does_not_block(engine: Engine, background: Executor) -> None:
    """The pipelined implementation does not block on the network."""
    release = threading.Event()

    class Slow:
        """A network that waits for the test."""

        recipe = engine.recipe

        def logits(self, clips: Floats) -> Floats:
            """Wait for the test."""
            assert release.wait(10)
            return engine.classifier.logits(clips)

    queue = PipelinedQueue(replace(engine, classifier=Slow()), background)
    assert queue.submit(noise_clips(engine, 1, 1)) == []
    release.set()
    assert [window.face_id for window in queue.flush()] == [1]
    assert queue.flush() == []


def test_an_error_in_the_background_is_raised_later(engine: Engine, background: Executor) -> None:
    """An error in the background is raised at the next call."""
    wrong = [(1, Clip(0.0, 1.0, np.zeros((1, 2, 2), np.uint8), ()))]
    queue = PipelinedQueue(engine, background)
    queue.submit(wrong)
    with pytest.raises(Exception, match=r"(?i)dimension"):
        queue.flush()
