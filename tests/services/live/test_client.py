"""`duygu.client` against a real service."""

import time

import pytest

from duygu.client import Picture, Service, stream, video
from duygu.client import __main__ as example
from tests.services.live.sockets import LIVE
from tests.videos import VideoMaker


def test_the_client_takes_pictures_from_anywhere(served: str, pictures: list[bytes]) -> None:
    """An iterable of pictures is a source like a camera or a file."""
    source = (Picture(number / 10, picture) for number, picture in enumerate(pictures[:3]))
    messages = list(stream(source, Service(served)))
    assert [message.type for message in messages] == ["session.created", *["result"] * 3, "session.closed"]


def test_the_example_runs(served: str, video_maker: VideoMaker, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m duygu.client FILE URL` prints the smile."""
    assert example.main(str(video_maker.make(LIVE)), served) == 0
    assert "face 1: happiness" in capsys.readouterr().out


def test_a_file_is_sent_at_its_own_rate(video_maker: VideoMaker) -> None:
    """Pictures come when a player would show them, and fewer where a rate is given."""
    path = video_maker.make(LIVE)
    started = time.monotonic()
    times = [picture.captured_at for picture in video(path, rate_hz=5)]
    assert time.monotonic() - started >= 2.5
    assert times == pytest.approx([number / 5 for number in range(15)], abs=0.02)
