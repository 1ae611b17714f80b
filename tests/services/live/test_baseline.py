"""Resting faces of live sessions, through real sockets and workers."""

from pathlib import Path
from typing import Any

import pytest

from duygu.client import Service, stream
from duygu.shared.config.settings import Settings
from duygu.shared.live.header import pack
from duygu.shared.live.messages import Configured, SessionCreated, SessionOptions
from duygu.shared.model.folder import open_model_folder
from tests.services.conftest import serving, wait_until, worker
from tests.support.media.videos import PAIR, Scene, VideoMaker
from tests.support.sockets import LIVE, jpeg, open_socket, opens, receive, send
from tests.support.tiny_model import write_tiny_model


def results_of(address: str, scene: Scene, baseline: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the results and errors of a session, each frame sent after the reply to the previous one, and its end."""
    messages = []
    with open_socket(address) as socket:
        receive(socket)
        send(socket, "session.configure", baseline=baseline)
        assert receive(socket)["baseline"] == baseline
        for number, time_s in enumerate(scene.times(), 1):
            socket.send(pack(jpeg(scene.picture(time_s)), number, time_s))
            while (message := receive(socket))["type"] != "result":
                messages.append(message)
            messages.append(message)
        send(socket, "session.close")
        while (message := receive(socket))["type"] != "session.closed":
            messages.append(message)
    return messages, message


def test_a_resting_face_is_taken(served: str) -> None:
    """After the span, the face has the baseline, and its windows have a prediction relative to it beside the other."""
    results, closed = results_of(served, LIVE, "0-2")
    assert [message["type"] for message in results] == ["result"] * 30
    last = results[-1]["faces"][0]
    assert (last["baseline"]["source"], last["baseline"]["windows"]) == ("span", 3)
    assert (last["emotion"], last["relative"]["emotion"]) == ("happiness", "neutral")
    assert [one["code"] for message in results for one in message["warnings"]] == ["baseline_expressive"]
    windows = [window for face in closed["faces"] for window in face["windows"]]
    assert all(window["relative"] and window["relative_logits"] for window in windows)


def test_two_faces_are_refused(served: str) -> None:
    """A span with two faces is refused once, by an error without a frame; the session goes on without a baseline."""
    messages, closed = results_of(served, PAIR, "0-1")
    (error,) = [message for message in messages if message["type"] == "error"]
    assert (error["code"], error["seq"], error["recoverable"]) == ("baseline_several_faces", None, True)
    assert "1, 2" in error["detail"]
    assert closed["totals"]["errors"] == 0
    faces = [face for message in messages if message["type"] == "result" for face in message["faces"]]
    assert {(face["relative"], face["baseline"]) for face in faces} == {(None, None)}


def test_the_python_client_names_the_seconds(served: str, video_maker: VideoMaker) -> None:
    """`SessionOptions(baseline=…)` of the Python client asks for a resting face, and the model has its calibration."""
    created, configured, *_ = stream(video_maker.make(LIVE), Service(served), SessionOptions(baseline="0-2"))
    assert isinstance(created, SessionCreated)
    shipped = open_model_folder(Settings().model).manifest.relative
    assert created.model.relative is not None
    assert shipped is not None
    assert created.model.relative.certain_means == shipped.certain_means
    assert isinstance(configured, Configured)
    assert configured.baseline == "0-2"


@pytest.mark.parametrize("baseline", ["auto", "3-1", "1", "-3-4", "a-b", "0-1e99", "", [], [[1, 2], "x"], 5, True])
def test_an_invalid_span_is_refused(served: str, baseline: Any) -> None:
    """A span that is none changes no option, and the session goes on."""
    with open_socket(served) as socket:
        receive(socket)
        send(socket, "session.configure", baseline="0-3")
        assert receive(socket)["baseline"] == "0-3"
        send(socket, "session.configure", baseline=baseline)
        error = receive(socket)
        assert (error["type"], error["code"], error["recoverable"]) == ("error", "invalid_message", True)
        assert "baseline" in error["detail"]
        send(socket, "session.configure", baseline=[[1, 2.5], "7-8"])
        assert receive(socket)["baseline"] == "1-2.5,7-8"


def test_a_model_without_the_layer_refuses(live_settings: Settings, tmp_path: Path) -> None:
    """With a model that has no relative predictions, the message is refused with a code, and the session goes on."""
    settings = live_settings.model_copy(update={"model": write_tiny_model(tmp_path / "tiny")})
    with serving(settings) as client, worker(settings, "duygu.services.cli", "worker", "streams"):
        assert client.get("/v1/model").json()["relative"] is None
        wait_until(lambda: opens(str(client.base_url)))
        with open_socket(str(client.base_url)) as socket:
            receive(socket)
            send(socket, "session.configure", baseline="0-3")
            error = receive(socket)
            assert (error["type"], error["code"], error["recoverable"]) == ("error", "baseline_unsupported", True)
            send(socket, "session.configure", labels=["happiness"])
            assert receive(socket)["baseline"] is None
