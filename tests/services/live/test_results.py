"""Results of live sessions, which equal those of an uploaded video."""

from collections.abc import Iterator
from pathlib import Path
from threading import Semaphore
from typing import Any

import pytest

from duygu.client import Picture, Service, analyze, stream, video
from duygu.shared.config.settings import Settings
from duygu.shared.live.messages import (
    FrameDropped,
    FrameError,
    FrameResult,
    SessionClosed,
    SessionCreated,
    SessionOptions,
)
from duygu.shared.schemas.result import Window
from tests.services.conftest import serving, wait_until, worker
from tests.support.media.videos import Scene, VideoMaker
from tests.support.sockets import LIVE, open_socket, opens, receive, send

SIX = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]

HALF_TICK_S = 0.05
"""Half the interval between two crops of a clip."""


def test_a_face_has_live_results(served: str, video_maker: VideoMaker) -> None:
    """Each frame has a result in order, the smile is recognised within 1.2 s of video, and the totals match."""
    created, *results, closed = sent_live(served, video_maker.make(LIVE))
    assert isinstance(created, SessionCreated)
    assert [message.seq for message in results] == list(range(1, 31))
    assert [message.frame for message in results] == list(range(1, 31))
    assert {(message.width, message.height) for message in results} == {(640, 480)}
    known = [message.captured_at for message in results for face in message.faces if face.state == "known"]
    assert known[0] <= 1.2
    last = results[-1].faces[0]
    assert (last.face_id, last.emotion, last.uncertain) == (1, "happiness", False)
    assert (closed.totals.frames, closed.totals.answered, closed.totals.faces) == (30, 30, 1)


def test_a_choice_of_labels_invents_nothing(served: str, video_maker: VideoMaker) -> None:
    """A smile is reported as `other` when only other labels are requested."""
    path = video_maker.make(LIVE)
    everything = sent_live(served, path)[-2].faces[0]
    chosen = sent_live(served, path, SessionOptions(labels=["anger"]))[-2].faces[0]
    assert everything.emotion == "happiness"
    assert (chosen.emotion, chosen.uncertain) == ("other", everything.uncertain)
    assert set(chosen.probabilities) == {"anger", "other"}
    assert chosen.probabilities["anger"] == pytest.approx(everything.probabilities["anger"], abs=0.01)
    assert chosen.confidence == chosen.probabilities["other"] == chosen.windows[-1].confidence


def test_without_neutral_no_message_contains_it(live_settings: Settings) -> None:
    """With `neutral` off, neither the model's description nor a session names it, and it cannot be chosen."""
    settings = live_settings.model_copy(update={"neutral": "off"})
    with serving(settings) as client, worker(settings, "duygu.services.cli", "worker", "streams"):
        assert client.get("/v1/model").json()["labels"] == SIX
        wait_until(lambda: opens(str(client.base_url)))
        with open_socket(str(client.base_url)) as socket:
            assert receive(socket)["model"]["labels"] == SIX
            send(socket, "session.configure", labels=["neutral"])
            error = receive(socket)
            assert (error["type"], error["code"], error["recoverable"]) == ("error", "invalid_message", True)
            assert error["detail"].startswith("labels: unknown label neutral; known: anger, ")
            send(socket, "session.configure", labels=["fear"])
            assert receive(socket)["labels"] == ["fear"]


def test_live_and_uploaded_give_the_same_windows(live_settings: Settings, served: str, video_maker: VideoMaker) -> None:
    """At least 95 % of the windows of a video have the same span and emotion live and uploaded."""
    same_either_way(live_settings, served, video_maker.make(Scene(duration_s=4.0, fps=15, width=640, height=480)))


def test_so_does_a_real_recording(live_settings: Settings, served: str, clips: Path) -> None:
    """A recording of a face that goes from neutral to a smile has the same windows live and uploaded."""
    same_either_way(live_settings, served, clips / "single_face.mp4")


def same_either_way(settings: Settings, address: str, path: Path) -> None:
    """Assert that the windows of a video are the same when it is uploaded and when it is sent live."""
    with worker(settings, "duygu.services.cli", "worker", "videos"):
        uploaded = {face.face_id: face.windows for face in analyze(path, Service(address)).faces}
    live = windows_of(sent_live(address, path))
    pairs = [
        (window, twin)
        for face_id, some in uploaded.items()
        for window in some
        for twin in live.get(face_id, [])
        if abs(window.start_s - twin.start_s) < HALF_TICK_S and window.emotion == twin.emotion
    ]
    assert len(pairs) >= 0.95 * max(sum(map(len, found.values())) for found in (uploaded, live)) > 0


def sent_live(address: str, path: Path, options: SessionOptions | None = None) -> list[Any]:
    """Return all messages of a session that receives a video. Each picture waits for the replies to those before, as a
    slow machine would drop it otherwise."""
    replied = Semaphore(1)

    def pictures() -> Iterator[Picture]:
        for picture in video(path):
            replied.acquire()
            yield picture

    messages = []
    for message in stream(pictures(), Service(address), options):
        messages.append(message)
        if isinstance(message, FrameResult | FrameDropped | FrameError):
            replied.release()
    return messages


def windows_of(messages: list[Any]) -> dict[int, list[Window]]:
    """Return the windows by face, from the results and from `session.closed`."""
    found: dict[int, list[Window]] = {}
    for message in messages:
        for face in message.faces if isinstance(message, FrameResult | SessionClosed) else ():
            found.setdefault(face.face_id, []).extend(face.windows)
    return found
