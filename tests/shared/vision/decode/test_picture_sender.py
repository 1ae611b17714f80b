"""The thread that sends pictures."""

import subprocess
import sys
from threading import Event

import pytest

from duygu.shared.vision.decode.picture_sender import PictureSender

FAILING = """
from duygu.shared.vision.decode.picture_sender import PictureSender

def fail(picture: int) -> None:
    raise LookupError(picture)

sender = PictureSender(fail, ValueError)
for picture in range(10):
    sender.put(picture)
sender.finish()
"""


def test_pictures_are_sent_in_order() -> None:
    """All pictures are sent, in order, before `finish` returns."""
    sent: list[tuple[int, str]] = []
    sender = PictureSender(lambda *picture: sent.append(picture))
    for index in range(50):
        sender.put(index, str(index))
    sender.finish()
    assert sent == [(index, str(index)) for index in range(50)]


def test_sending_does_not_block_the_next_picture() -> None:
    """While one picture is being sent, another one can be put."""
    begun, goes_on = Event(), Event()

    def send(_: int) -> None:
        begun.set()
        assert goes_on.wait(60)

    sender = PictureSender(send)
    sender.put(0)
    assert begun.wait(60)
    sender.put(1)
    goes_on.set()
    sender.finish()


def test_an_expected_error_is_raised_and_ends_sending() -> None:
    """An error of a picture is raised by a later call, and no further picture is sent."""
    sent = []

    def send(index: int) -> None:
        sent.append(index)
        if index == 2:
            raise ValueError("refused")

    def put_all() -> None:
        for index in range(50):
            sender.put(index)

    sender = PictureSender(send, ValueError)
    with pytest.raises(ValueError, match="refused"):
        put_all()
    with pytest.raises(ValueError, match="refused"):
        sender.finish()
    assert sent == [0, 1, 2]


def test_an_unexpected_error_ends_the_process() -> None:
    """Any other error is printed, and the process exits instead of waiting forever."""
    run = subprocess.run([sys.executable, "-c", FAILING], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert "LookupError: 0" in run.stderr
