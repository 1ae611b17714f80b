"""`duygu.client` against a real service."""

import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from duygu.client import Picture, Service, live, stream, video
from duygu.client import __main__ as example
from tests.services.conftest import wait_until
from tests.support.media.videos import VideoMaker
from tests.support.sockets import LIVE


def test_the_client_accepts_pictures_of_any_source(served: str, pictures: list[bytes]) -> None:
    """An iterable of pictures is a source like a camera or a file."""
    source = (Picture(number / 10, picture) for number, picture in enumerate(pictures[:3]))
    messages = list(stream(source, Service(served)))
    assert [message.type for message in messages] == ["session.created", *["result"] * 3, "session.closed"]


def test_the_example_runs(served: str, video_maker: VideoMaker, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m duygu.client FILE URL` prints the smile."""
    assert example.main(str(video_maker.make(LIVE)), served) == 0
    assert "face 1: happiness" in capsys.readouterr().out


def test_a_file_is_sent_at_its_own_rate(video_maker: VideoMaker) -> None:
    """The pictures of a file arrive at its playback rate, and fewer arrive where a rate is given."""
    path = video_maker.make(LIVE)
    started = time.monotonic()
    times = [picture.captured_at for picture in video(path, rate_hz=5)]
    assert time.monotonic() - started >= 2.5
    assert times == pytest.approx([number / 5 for number in range(15)], abs=0.02)


def test_a_source_that_fails_ends_the_session(served: str, pictures: list[bytes], tmp_path: Path) -> None:
    """A failing source raises its own error, after the results that precede it."""

    def breaking() -> Iterator[Picture]:
        yield Picture(0.0, pictures[0])
        raise RuntimeError("the camera is gone")

    (text := tmp_path / "notes.txt").write_text("no film", encoding="utf-8")
    started = time.monotonic()
    with pytest.raises(FileNotFoundError):
        list(stream(tmp_path / "gone.mp4", Service(served)))
    with pytest.raises(ValueError, match="Invalid data"):
        list(stream(text, Service(served)))
    with pytest.raises(RuntimeError, match="the camera is gone"):
        list(stream(breaking(), Service(served)))
    assert time.monotonic() - started < 15


def test_a_refused_connection_raises_its_error(address: str) -> None:
    """A refused connection raises an error; otherwise the iteration would block for ever."""
    with pytest.raises(InvalidStatus, match=r"HTTP 40\d"):
        list(stream([], Service(f"{address}/elsewhere")))


def test_a_client_that_leaves_while_replies_wait_leaves_nothing_behind(
    served: str, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaving the loop ends the session and its thread although the queue of results is full."""
    monkeypatch.setattr(live, "MAX_QUEUED_MESSAGES", 1)

    def endless() -> Iterator[Picture]:
        for number in count():
            time.sleep(0.02)
            yield Picture(number / 10, pictures[0])

    for _ in stream(endless(), Service(served)):
        time.sleep(0.5)  # lets results fill the queue
        break
    wait_until(lambda: live.THREAD_NAME not in {thread.name for thread in threading.enumerate()}, 20)
