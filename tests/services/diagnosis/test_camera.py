"""Whether a stream delivers pictures: a real RTSP server, MJPEG over HTTP, files, and what goes wrong."""

import socket
from pathlib import Path

import pytest

from duygu.services.diagnosis.camera import GENERAL_HINT, check_camera, hint
from duygu.services.diagnosis.findings import CheckFailedError
from tests.services.conftest import wait_until
from tests.services.watch.test_capture import free_port, has_gstreamer, rtsp_server
from tests.support.media.videos import VideoMaker
from tests.support.servers.motion_jpeg_server import motion_jpeg_server
from tests.support.sockets import LIVE, jpeg


def test_a_stream_delivers_pictures() -> None:
    """The finding has the size of the pictures, and nothing of user, password and query."""
    with motion_jpeg_server(jpeg(LIVE.picture(1.0)), pictures=100) as address:
        found = check_camera(address.replace("http://", "http://ann:secret@") + "?token=secret")
    assert f"{LIVE.width}x{LIVE.height}" in found
    assert "secret" not in found


@pytest.mark.skipif(not has_gstreamer(), reason="GStreamer's RTSP server is not installed")
def test_rtsp(tmp_path: Path) -> None:
    """A real RTSP server is reached."""
    (path := tmp_path / "picture.jpg").write_bytes(jpeg(LIVE.picture(1.0)))
    port = free_port()
    with rtsp_server(port, path):
        wait_until(lambda: _listens(port))
        assert "delivers pictures" in check_camera(f"rtsp://127.0.0.1:{port}/camera")


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_an_absent_camera_has_a_hint() -> None:
    """A refused connection names the reason without the password."""
    with pytest.raises(CheckFailedError, match="refused") as failure:
        check_camera(f"rtsp://ann:secret@127.0.0.1:{free_port()}/camera")
    assert "port" in failure.value.hint
    assert "secret" not in failure.value.problem


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_host_without_an_answer_has_a_hint(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that accepts the connection and sends nothing is called that, not an invalid or interrupted stream."""
    for name in ("OPEN_TIMEOUT_S", "READ_TIMEOUT_S"):
        monkeypatch.setattr(f"duygu.services.watch.capture.{name}", 1.0)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(CheckFailedError, match="no answer within 1 s") as failure,
    ):
        check_camera(f"{scheme}://ann:secret@127.0.0.1:{listener.getsockname()[1]}/camera")
    assert "whether the camera is on" in failure.value.hint
    assert "secret" not in failure.value.problem


def test_sound_is_no_camera(video_maker: VideoMaker, tmp_path: Path) -> None:
    """A file without video, a missing device and a text fail with their own hints."""
    with pytest.raises(CheckFailedError, match="no video") as failure:
        check_camera(str(video_maker.audio_only()))
    assert "sound" in failure.value.hint
    with pytest.raises(CheckFailedError) as failure:
        check_camera("/dev/video99")
    assert "/dev/video" in failure.value.hint
    with pytest.raises(CheckFailedError) as failure:
        check_camera(str(video_maker.text()))
    assert failure.value.hint == GENERAL_HINT


def test_a_reason_that_is_unknown_has_the_general_hint() -> None:
    """Every failure has a hint."""
    assert hint("Server returned 401 Unauthorized (authorization failed)").startswith("put the user")
    assert hint("something else") == GENERAL_HINT
