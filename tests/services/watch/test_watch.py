"""`duygu watch` against a real service, a real MQTT broker and a real LSL inlet."""

import csv
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pylsl
import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from duygu.client import SessionBroken
from duygu.services.cli import main
from duygu.services.commands.watch import NOTICE, read_sources
from duygu.services.watch.cameras import read_cameras
from duygu.services.watch.mqtt import MqttPublisher
from duygu.shared.errors import ConfigurationError
from duygu.shared.live.messages import FrameResult
from duygu.shared.schemas.result import Result
from tests.services.conftest import wait_until
from tests.services.watch.test_capture import free_port
from tests.support.media.videos import VideoMaker
from tests.support.results.known import two_faces
from tests.support.servers.cutting_proxy import cutting
from tests.support.servers.motion_jpeg_server import motion_jpeg_server
from tests.support.sockets import LIVE, jpeg

BROKER = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


def test_a_file_becomes_a_result(
    served: str, video_maker: VideoMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in real time gives a result like an upload's, the same windows as CSV and NDJSON, and the notice."""
    result, rows, lines = tmp_path / "r.json", tmp_path / "r.csv", tmp_path / "r.ndjson"
    arguments = ["--service", served, "--json", str(result), "--csv", str(rows), "--ndjson", str(lines)]
    assert main(["watch", str(video_maker.make(LIVE)), *arguments]) == 0
    shown = capsys.readouterr()
    assert NOTICE in shown.err
    assert "face 1: happiness" in shown.out
    [face] = Result.model_validate_json(result.read_text()).faces
    assert face.emotion == "happiness"
    spans = [(window.start_s, window.end_s) for window in face.windows]
    assert [
        (float(row["start_s"]), float(row["end_s"])) for row in csv.DictReader(rows.read_text().splitlines())
    ] == spans
    assert [(row["start_s"], row["end_s"]) for row in map(json.loads, lines.read_text().splitlines())] == spans


@pytest.mark.parametrize("named_by", ["option", "file"])
def test_a_dash_is_stdout(
    named_by: str,
    served: str,
    video_maker: VideoMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`--json -`, and `result = "-"` of a camera, print the result alone, and write no file of that name."""
    monkeypatch.chdir(tmp_path)
    video = video_maker.make(LIVE)
    (path := tmp_path / "cameras.toml").write_text(f"[cameras.door]\nurl = '{video}'\nresult = '-'\n")
    arguments = [str(video), "--json", "-"] if named_by == "option" else ["--cameras", str(path)]
    assert main(["watch", *arguments, "--service", served]) == 0
    assert Result.model_validate_json(capsys.readouterr().out).faces
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_stdout_is_one_error(served: str, video_maker: VideoMaker) -> None:
    """A result that cannot be printed is an error that names stdout, without a traceback at the end."""
    command = [sys.executable, "-m", "duygu", "watch", str(video_maker.make(LIVE)), "--service", served, "--json", "-"]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=120)
    assert ended.returncode == 1
    assert b"unreadable_file: stdout: No space left on device" in ended.stderr
    assert b"Traceback" not in ended.stderr
    assert b"Exception ignored" not in ended.stderr


def test_a_resting_face_is_taken(served: str, video_maker: VideoMaker, tmp_path: Path) -> None:
    """`--baseline` takes the resting face of these seconds; later windows of NDJSON and result are relative to it."""
    path, result, lines = video_maker.make(replace(LIVE, duration_s=9.0)), tmp_path / "r.json", tmp_path / "r.ndjson"
    arguments = ["--service", served, "--json", str(result), "--ndjson", str(lines), "--baseline", "2-7", "--quiet"]
    assert main(["watch", str(path), *arguments]) == 0
    found = Result.model_validate_json(result.read_text())
    [face] = [face for face in found.faces if face.baseline]
    assert any(window.relative for window in face.windows)
    assert any("relative" in json.loads(line) for line in lines.read_text().splitlines())


def test_a_lost_resting_face_is_reported_once(served: str, capsys: pytest.CaptureFixture[str]) -> None:
    """However often a connection fails after the first session, the report comes with the session that has none."""
    cuts = [8000, 0, 0]
    with (
        cutting(urlsplit(served).port or 80, *cuts) as proxy,
        motion_jpeg_server(jpeg(LIVE.picture(1.0)), pictures=1000) as camera,
    ):
        service = f"http://127.0.0.1:{proxy.port}"
        assert main(["watch", camera, "--service", service, "--for", "14", "--baseline", "0-3", "--quiet"]) == 0
    shown = capsys.readouterr().err
    assert shown.count("connecting to the service again") >= len(cuts)
    assert shown.count("no resting face after the interruption") == 1


def test_a_close_without_a_reason_has_no_colon() -> None:
    """The text of a session that ended has a reason only where the service gave one."""
    assert str(SessionBroken(1012, "")) == "the session ended with close code 1012"
    assert str(SessionBroken(1008, "no")) == "the session ended with close code 1008: no"


def test_an_invalid_resting_face_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A value that names no seconds is a usage error that quotes it."""
    assert main(["watch", "/dev/video0", "--baseline", "auto"]) == 2
    assert "baseline 'auto': `auto` needs a whole recording" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["film.mp4", "--json", "film.mp4"], "--json would overwrite the source film.mp4"),
        (["film.mp4", "--csv", "./film.mp4"], "--csv would overwrite the source film.mp4"),
        (["film.mp4", "--ndjson", "link.mp4"], "--ndjson would overwrite the source link.mp4"),
        (["film.mp4", "--csv", "rows", "--json", "rows"], "--csv and --json cannot both be written to rows"),
        (["film.mp4", "--csv", "-", "--ndjson", "-"], "--ndjson and --csv cannot both be written to stdout"),
        (["film.mp4", "--csv", "-", "--json", "-"], "--csv and --json cannot both be written to stdout"),
        (["film.mp4", "--json", "no/r.json"], "cannot write --json to no/r.json: the folder no does not exist"),
        (["film.mp4", "--json", "away.json"], "cannot write --json to away.json: the folder /nowhere does not exist"),
        (["film.mp4", "--json", "."], "cannot write --json to .: it is a folder"),
        (["film.mp4", "film.mp4", "--json", "r.json"], "--json holds the result of one camera"),
        (["--cameras", "cameras.toml"], "the result of door would overwrite the source film.mp4"),
    ],
)
def test_an_output_that_would_lose_something_is_refused(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is watched if an output would overwrite a source or another output, or cannot be written at the end."""
    monkeypatch.chdir(tmp_path)
    Path("film.mp4").write_bytes(b"film")
    Path("link.mp4").symlink_to("film.mp4")
    Path("away.json").symlink_to("/nowhere/r.json")
    Path("cameras.toml").write_text('[cameras.door]\nurl = "film.mp4"\nresult = "film.mp4"\n')
    assert main(["watch", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert Path("film.mp4").read_bytes() == b"film"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_the_watch_with_its_result(
    served: str, video_maker: VideoMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If a table cannot be written, the watch ends with the reason, and the result so far is kept."""
    result, path = tmp_path / "r.json", str(video_maker.make(replace(LIVE, duration_s=9.0)))
    assert main(["watch", path, "--service", served, "--csv", "/dev/full", "--json", str(result)]) == 1
    shown = capsys.readouterr().err
    assert "an output cannot be written: No space left on device" in shown
    assert "connecting" not in shown
    assert Result.model_validate_json(result.read_text()).faces


@pytest.mark.parametrize(
    ("name", "reason"), [("absent.mp4", "No such file or directory"), ("notes.txt", "Invalid data found")]
)
def test_a_file_that_cannot_be_read_ends_the_watch(
    name: str, reason: str, served: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped path, or a file that is no video, ends the command with the reason; it is not opened again."""
    (tmp_path / "notes.txt").write_text("hello")
    assert main(["watch", str(tmp_path / name), "--service", served]) == 1
    assert f"{name}: {reason}" in capsys.readouterr().err


def test_a_rate_out_of_range_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A rate that is not positive, or too high, is a usage error that names the bounds."""
    for value in ("0", "nan", "61"):
        with pytest.raises(SystemExit):
            main(["watch", "/dev/video0", "--rate", value])
        assert f"{value} is not above 0 and at most 60 pictures per second" in capsys.readouterr().err


def test_a_cut_stream_goes_on(served: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stream that is cut every two seconds is watched across the cuts, until the given time has passed."""
    result = tmp_path / "r.json"
    with motion_jpeg_server(jpeg(LIVE.picture(1.0)), pictures=20) as address:
        assert main(["watch", address, "--service", served, "--for", "10", "--json", str(result), "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "connecting again" in shown.err
    found = Result.model_validate_json(result.read_text())
    assert max(window.end_s for face in found.faces for window in face.windows) > 4
    assert found.video.duration_s > 4


def test_a_service_that_does_not_respond_is_retried(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a service the command retries and ends when its time has passed, with status 1 and the reason."""
    with motion_jpeg_server(jpeg(LIVE.picture(1.0)), pictures=1000) as address:
        nowhere = f"http://127.0.0.1:{free_port()}"
        assert main(["watch", address, "--service", nowhere, "--for", "3", "--quiet"]) == 1
    assert "connecting to the service again" in capsys.readouterr().err


@contextmanager
def broker(port: int) -> Iterator[None]:
    """A real MQTT broker."""
    assert BROKER
    with subprocess.Popen([BROKER, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.mark.skipif(BROKER is None, reason="mosquitto is not installed")
def test_mqtt(served: str, video_maker: VideoMaker) -> None:
    """A broker receives the discovery of Home Assistant, states that change, and the end; messages are retained."""
    port, seen = free_port(), list[tuple[str, str, bool]]()

    def subscriber() -> Client:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.on_message = lambda _client, _data, got: seen.append((got.topic, got.payload.decode(), got.retain))
        wait_until(lambda: _connects(client, port))
        client.subscribe("#", 1)
        client.loop_start()
        return client

    with broker(port):
        live = subscriber()
        arguments = ["--service", served, "--mqtt", f"mqtt://127.0.0.1:{port}", "--quiet"]
        assert main(["watch", str(video_maker.make(LIVE)), *arguments]) == 0
        wait_until(lambda: ("duygu/available", "offline", False) in seen)
        live.loop_stop()
        states = [json.loads(text) for topic, text, _ in seen if topic == "duygu/camera/state"]
        assert {"people": 1, "emotion": "happiness", "uncertain": "OFF"} in states
        assert all(one != other for one, other in pairwise(states))
        seen.clear()
        late = subscriber()
        wait_until(lambda: any(topic.endswith("/config") for topic, _, _ in seen))
        late.loop_stop()
    [configuration] = [json.loads(text) for topic, text, kept in seen if topic.endswith("/config") and kept]
    assert configuration["components"].keys() == {"people", "emotion", "uncertain"}
    assert "happiness" in configuration["components"]["emotion"]["options"]
    assert len({entity["unique_id"] for entity in configuration["components"].values()}) == 3


@pytest.mark.skipif(BROKER is None, reason="mosquitto is not installed")
def test_a_camera_is_online_again_after_an_interruption() -> None:
    """A stream that is lost and opened again within one session is offline meanwhile, and online afterwards."""
    port, seen = free_port(), list[tuple[str, str]]()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_message = lambda _client, _data, got: seen.append((got.topic, got.payload.decode()))
    empty = FrameResult(seq=1, frame=1, captured_at=0.0, latency_ms=1.0, width=64, height=48, faces=[])
    with broker(port):
        wait_until(lambda: _connects(client, port))
        client.subscribe("duygu/camera/available", 1)
        client.loop_start()
        publisher = MqttPublisher(f"mqtt://127.0.0.1:{port}")
        publisher.opened("camera", two_faces().model)
        publisher.lost("camera")
        publisher.frame("camera", empty)
        publisher.frame("camera", empty)
        wait_until(lambda: len(seen) >= 3)
        publisher.close()
        client.loop_stop()
    assert [text for _, text in seen] == ["online", "offline", "online"]


@pytest.mark.skipif(BROKER is None, reason="mosquitto is not installed")
def test_the_loss_and_the_return_of_a_broker_are_reported() -> None:
    """A broker that ends is reported once, however long it is away, and so is its return; the end is no loss."""
    port, reports = free_port(), list[str]()
    with broker(port):
        wait_until(lambda: _connects(Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5), port))
        publisher = MqttPublisher(f"mqtt://127.0.0.1:{port}", on_state=reports.append)
    wait_until(lambda: len(reports) == 1)
    with broker(port):
        wait_until(lambda: len(reports) == 2)
        publisher.close()
    lost, back = reports
    assert lost.startswith("the connection to the MQTT broker 127.0.0.1 is lost: ")
    assert back == "the MQTT broker 127.0.0.1 is connected again"


@pytest.mark.skipif(BROKER is None, reason="mosquitto is not installed")
def test_the_end_of_one_command_leaves_a_named_camera_online() -> None:
    """Two connections with named cameras share no topic: the end of one does not mark the other as offline."""
    port, seen = free_port(), list[tuple[str, str]]()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_message = lambda _client, _data, got: seen.append((got.topic, got.payload.decode()))
    with broker(port):
        wait_until(lambda: _connects(client, port))
        client.subscribe("#", 1)
        client.loop_start()
        door, desk = (MqttPublisher(f"mqtt://127.0.0.1:{port}", only_camera=name) for name in ("door", "desk"))
        for name, publisher in (("door", door), ("desk", desk)):
            publisher.opened(name, two_faces().model)
        door.close()
        wait_until(lambda: ("duygu/door/connected", "offline") in seen)
        wait_until(lambda: ("duygu/desk/available", "online") in seen)
        desk.close()
        wait_until(lambda: ("duygu/desk/connected", "offline") in seen)
        client.loop_stop()
    ended = seen.index(("duygu/door/connected", "offline"))
    assert [topic for topic, text in seen[: ended + 1] if text == "offline"] == ["duygu/door/connected"]
    [found] = [json.loads(text) for topic, text in seen if topic.endswith("duygu_desk/config")]
    assert {topic["topic"] for topic in found["availability"]} == {"duygu/desk/connected", "duygu/desk/available"}


def test_a_camera_of_the_command_line_has_a_name() -> None:
    """`--name` names the camera of one URL."""
    [camera] = read_sources(["rtsp://host/a"], None, 10.0, None, "kitchen")
    assert camera.name == "kitchen"


@pytest.mark.parametrize(
    ("urls", "file", "name"),
    [(["a"], None, "a/b"), (["a"], None, ""), (["a", "b"], None, "x"), ([], Path("c.toml"), "x")],
)
def test_a_wrong_name_of_a_camera_is_refused(urls: list[str], file: Path | None, name: str) -> None:
    """A name that topics cannot have, or one for several streams, is refused."""
    with pytest.raises(ConfigurationError, match="--name"):
        read_sources(urls, file, 10.0, None, name)


def _connects(client: Client, port: int) -> bool:
    try:
        client.connect("127.0.0.1", port)
    except OSError:
        return False
    return True


def test_lsl(served: str, video_maker: VideoMaker) -> None:
    """An inlet receives a sample per window, with labelled channels, on the clock of LSL."""
    path = str(video_maker.make(LIVE))
    command = [sys.executable, "-m", "duygu", "watch", path, "--service", served, "--lsl", "--ndjson", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        found = pylsl.resolve_byprop("name", "duygu-camera", timeout=30)
        assert found
        inlet = pylsl.StreamInlet(found[0])
        channel, labels = inlet.info(timeout=30).desc().child("channels").child("channel"), list[str]()
        while not channel.empty():
            labels.append(channel.child_value("label"))
            channel = channel.next_sibling()
        sample, stamp = inlet.pull_sample(timeout=30)
        received = pylsl.local_clock()
        process.wait(60)
    assert labels[-2:] == ["face_id", "uncertain"]
    assert sample is not None
    values = dict(zip(labels, sample, strict=True))
    assert np.sum(sample[:-2]) == pytest.approx(1, abs=0.01)
    assert values["face_id"] == 1
    assert 0 <= received - stamp < 30


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "table"),
        ("[cameras.door]\n", r"\[cameras.door\]: url: Field required"),
        ("[cameras.door]\nurl = 'x'\nrate = 5\n", r"\[cameras.door\]: rate: Extra"),
        ("[cameras.Door]\nurl = 'x'\n", r"\[cameras.Door\]: name: "),
        ("[cameras.door]\nurl = 'x'\nrate_hz = 0\n", r"\[cameras.door\]: rate_hz: Input should be greater than 0"),
        ("[cameras.door]\nurl = 'x'\n[cameras.desk]\nurl = ''\n", r"\[cameras.desk\]: url: "),
        ("[cameras.door]\nurl = 'x'\nhardware = ''\n", r"\[cameras.door\]: hardware: "),
        ("[cameras]\ndoor = 'x'\n", r"\[cameras.door\]: a camera is a table with its `url`, not 'x'"),
        ("cameras = [", "cameras.toml"),
        ("[other]\nurl = 'x'\n", "table"),
    ],
)
def test_a_wrong_file_of_cameras(tmp_path: Path, text: str, reason: str) -> None:
    """A file with an unknown key, a missing URL, an invalid name or rate names the camera and what is wrong."""
    (path := tmp_path / "cameras.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=reason):
        read_cameras(path)


def test_several_cameras(served: str, video_maker: VideoMaker, tmp_path: Path) -> None:
    """Each camera of a file has its own session and its own result."""
    video = video_maker.make(LIVE)
    tables = [f"[cameras.{name}]\nurl = '{video}'\nresult = '{tmp_path / name}.json'\n" for name in ("door", "desk")]
    (path := tmp_path / "cameras.toml").write_text("".join(tables))
    started = time.monotonic()
    assert main(["watch", "--cameras", str(path), "--service", served, "--quiet"]) == 0
    assert time.monotonic() - started >= LIVE.duration_s
    for name in ("door", "desk"):
        [face] = Result.model_validate_json((tmp_path / f"{name}.json").read_text()).faces
        assert face.emotion == "happiness"


@pytest.mark.parametrize("arguments", [[], ["x.mp4", "--cameras", "y.toml"], ["x.mp4", "--mqtt", "http://host"]])
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Neither or both of stream and file, or a wrong broker, end with status 2 and the reason."""
    assert main(["watch", *arguments]) == 2
    assert "duygu: " in capsys.readouterr().err
