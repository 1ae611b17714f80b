"""A thread that works as long as a block runs."""

import threading

import pytest

from duygu.shared.runtime.background import in_background


def test_the_thread_ends_with_the_block() -> None:
    """It works while the block runs, and has ended afterwards, also if the block raises."""
    began, rounds = threading.Event(), list[int]()

    def work(ended: threading.Event) -> None:
        began.set()
        ended.wait()
        rounds.append(1)

    with in_background(work, "work"):
        assert began.wait(60)
        assert not rounds
    assert rounds == [1]
    with pytest.raises(KeyError), in_background(work, "work"):
        raise KeyError
    assert rounds == [1, 1]
