"""Capturing: clocks, the newest frame, and streams that are cut."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice, pairwise
from pathlib import Path
from statistics import median

import pytest
from av.codec.hwaccel import hwdevices_available
from hypothesis import given
from hypothesis import strategies as st

from duygu.services.watch.capture import MOST_AHEAD_S, MOST_BEHIND_S, Capture, Clock, Source
from duygu.shared.paths import ROOT
from tests.support.media.videos import VideoMaker
from tests.support.servers.motion_jpeg_server import motion_jpeg_server
from tests.support.sockets import LIVE, jpeg

SYSTEM_PYTHON = "/usr/bin/python3"


def has_gstreamer() -> bool:
    """Whether the Python of the system has the bindings of GStreamer's RTSP server."""
    if shutil.which(SYSTEM_PYTHON) is None:
        return False
    check = "import gi; gi.require_version('GstRtspServer', '1.0')"
    return subprocess.run([SYSTEM_PYTHON, "-c", check], capture_output=True, check=False).returncode == 0


@pytest.fixture
def picture() -> bytes:
    """A face as JPEG."""
    return jpeg(LIVE.picture(1.0))


@contextmanager
def rtsp_server(port: int, picture: Path) -> Iterator[None]:
    """A real RTSP server while the block runs."""
    script = ROOT / "tests/support/servers/rtsp_server.py"
    server = subprocess.Popen([SYSTEM_PYTHON, str(script), str(port), str(picture)])
    try:
        yield
    finally:
        server.kill()
        server.wait()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6), st.just("reset")), max_size=60), st.floats(0.001, 3))
def test_capture_times_grow(events: list[float | str | None], step_s: float) -> None:
    """Whatever the clock of a stream does, and across reconnections, capture times grow and stay close to real time."""
    now = [100.0]
    clock, times = Clock(lambda: now[0]), []
    for event in events:
        now[0] += step_s
        if isinstance(event, str):
            clock.reset()
        else:
            times.append(clock.time_s(event))
    assert all(one < other for one, other in pairwise(times))


def test_the_clock_is_that_of_the_stream() -> None:
    """Frames that arrive late or in bursts keep the distances of their stream."""
    now = [0.0]
    clock = Clock(lambda: now[0])
    times = []
    for number, delay_s in enumerate([0.0, 0.4, 0.0, 0.0, 0.9]):
        now[0] += delay_s
        times.append(clock.time_s(50 + number * 0.1))
    assert times == pytest.approx([0, 0.1, 0.2, 0.3, 0.4], abs=1e-6)


def test_after_a_pause_the_time_that_passed_counts() -> None:
    """A stream that is opened again begins where real time is, not where it broke."""
    now = [0.0]
    clock = Clock(lambda: now[0])
    clock.time_s(7.0)
    now[0] = 20.0
    clock.reset()
    assert clock.time_s(0.0) == pytest.approx(20, abs=0.01)


@pytest.mark.parametrize("speed", [0.4, 1.0, 2.5])
def test_a_live_clock_that_runs_wrong_stays_near_real_time(speed: float) -> None:
    """A camera whose clock is too fast or too slow is followed within the bounds, and times still grow."""
    now = [0.0]
    clock, times = Clock(lambda: now[0]), []
    for number in range(600):
        now[0] = number * 0.1
        times.append(clock.time_s(now[0] * speed))
        assert -MOST_BEHIND_S - 1e-6 <= times[-1] - now[0] <= MOST_AHEAD_S + 1e-6
    assert all(one < other for one, other in pairwise(times))


def test_a_file_keeps_its_clock_on_a_slow_machine() -> None:
    """A file that is decoded slower than it plays has the times of its frames, as an upload has."""
    now = [0.0]
    clock = Clock(lambda: now[0], live=False)
    times = []
    for number in range(100):
        now[0] = number * 0.5
        times.append(clock.time_s(number * 0.1))
    assert times == pytest.approx([number * 0.1 for number in range(100)], abs=1e-6)


def test_pictures_without_times_have_those_of_their_arrival(picture: bytes) -> None:
    """FFmpeg invents 25 pictures a second for motion JPEG; the times of a slower camera are those of a clock here."""
    with motion_jpeg_server(picture, pictures=1000, interval_s=0.25) as address:
        capture = Capture(Source(address, rate_hz=30), lambda _: None)
        found = [(taken.captured_at, time.monotonic()) for taken in islice(capture.pictures(), 13)]
        capture.close()
    (first, began), (last, ended) = found[1], found[-1]
    assert last - first >= 0.9 * 11 * 0.25
    assert last - first == pytest.approx(ended - began, rel=0.5)


def test_the_newest_frame_wins(video_maker: VideoMaker) -> None:
    """A slow consumer gets the newest frame and skips those in between."""
    capture = Capture(Source(str(video_maker.make(LIVE)), rate_hz=30))
    times = []
    for picture in capture.pictures():
        times.append(picture.captured_at)
        time.sleep(0.5)
    assert len(times) < 10
    assert min(other - one for one, other in pairwise(times[:-1])) > 0.3


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """The address of a folder, served by HTTP while the block runs."""
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""


@contextmanager
def hls_encoder(folder: Path) -> Iterator[Path]:
    """A live playlist with segments of a second at 10 pictures per second, while the block runs."""
    playlist = folder / "live.m3u8"
    picture = ["-re", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10"]
    segments = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "6", "-hls_flags", "delete_segments"]
    encoder = subprocess.Popen(["ffmpeg", "-loglevel", "error", *picture, *codec, *segments, str(playlist)])
    try:
        deadline = time.monotonic() + 30
        while not playlist.exists() or playlist.read_text().count(".ts") < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield playlist
    finally:
        encoder.kill()
        encoder.wait()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_hls_is_paced_by_its_own_clock(tmp_path: Path) -> None:
    """The pictures of a live HLS stream are captured at its rate, although they arrive a segment at a time."""
    reports: list[str] = []
    with hls_encoder(tmp_path) as playlist, web_server(tmp_path) as address:
        capture = Capture(Source(f"{address}/{playlist.name}", rate_hz=5), reports.append)
        times = [found.captured_at for found in islice(capture.pictures(), 25)]
        capture.close()
    steps = [other - one for one, other in pairwise(times)]
    assert median(steps) == pytest.approx(0.2, abs=0.01)
    assert reports == []


def test_a_file_of_a_web_server_is_read_in_real_time(video_maker: VideoMaker) -> None:
    """A file that arrives faster than it plays has pictures at the rate of the command, as a local file has."""
    path = video_maker.make(LIVE)
    with web_server(path.parent) as address:
        capture = Capture(Source(f"{address}/{path.name}", rate_hz=5), lambda _: None)
        times = [found.captured_at for found in islice(capture.pictures(), 8)]
        capture.close()
    assert median(other - one for one, other in pairwise(times)) == pytest.approx(0.2, abs=0.05)


def test_a_cut_stream_is_opened_again(picture: bytes) -> None:
    """Pictures continue after each of several cuts, with growing times, and the cuts are reported."""
    reports: list[str] = []
    with motion_jpeg_server(picture, pictures=5) as address:
        capture = Capture(Source(address.replace("http://", "http://ann:secret@") + "?token=secret"), reports.append)
        times = [found.captured_at for found in islice(capture.pictures(), 12)]
        capture.close()
    assert capture.lost >= 2
    assert all(one < other for one, other in pairwise(times))
    assert reports
    assert not any("secret" in report for report in reports)


@pytest.mark.skipif(not has_gstreamer(), reason="GStreamer's RTSP server is not installed")
def test_rtsp_with_a_cut(picture: bytes, tmp_path: Path) -> None:
    """A real RTSP server that is killed and started again is captured before and after."""
    (path := tmp_path / "picture.jpg").write_bytes(picture)
    port = free_port()
    capture = Capture(Source(f"rtsp://127.0.0.1:{port}/camera"), lambda _: None)
    pictures = capture.pictures()
    with rtsp_server(port, path):
        before = [found.captured_at for found in islice(pictures, 5)]
    with rtsp_server(port, path):
        after = [found.captured_at for found in islice(pictures, 15)]
    capture.close()
    assert capture.lost >= 1
    assert all(one < other for one, other in pairwise([*before, *after]))


def test_what_is_no_stream_is_reported(tmp_path: Path) -> None:
    """A stream that cannot be opened is reported, and `close` ends the wait for it."""
    reports: list[str] = []
    capture = Capture(Source(f"rtsp://127.0.0.1:{free_port()}/camera"), reports.append)
    deadline = time.monotonic() + 30
    while not reports and time.monotonic() < deadline:
        time.sleep(0.05)
    capture.close()
    assert list(capture.pictures()) == []
    assert "rtsp://127.0.0.1" in reports[0]


@pytest.mark.parametrize("device", ["steam", *hwdevices_available()])
def test_without_the_hardware_software_decodes(video_maker: VideoMaker, device: str) -> None:
    """A device that FFmpeg lacks, that is not there or that cannot decode the stream is reported once, not retried.

    A machine with the device decodes with it and reports nothing; the pictures are the same.
    """
    reports: list[str] = []
    capture = Capture(Source(str(video_maker.make(LIVE)), rate_hz=5, hardware=device), reports.append)
    times = [picture.captured_at for picture in capture.pictures()]
    assert len(times) >= 5
    assert capture.lost == 0
    assert len(reports) <= 1
    if device == "steam":
        assert "this FFmpeg has no device steam" in reports[0]
    assert all(report.endswith("decoding in software") for report in reports)


def test_an_absent_stream_does_not_blame_the_hardware() -> None:
    """A stream that cannot be opened is retried with the device."""
    reports: list[str] = []
    device = (hwdevices_available() or ["steam"])[0]
    capture = Capture(Source(f"rtsp://127.0.0.1:{free_port()}/camera", hardware=device), reports.append)
    deadline = time.monotonic() + 30
    while not reports and time.monotonic() < deadline:
        time.sleep(0.05)
    capture.close()
    assert "connecting again" in reports[-1]
