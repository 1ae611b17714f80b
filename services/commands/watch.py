"""`duygu watch`: cameras and streams live, through a running service."""

import signal
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from duygu.services.commands.stdout import write_stdout
from duygu.services.watch.output_files import STDOUT, require_writable, shown_name
from duygu.shared.errors import ConfigurationError, UnreadableFileError
from duygu.shared.exports.titles import printable
from duygu.shared.live.messages import SessionOptions
from duygu.shared.storage.atomic import write_atomically

if TYPE_CHECKING:
    from duygu.services.watch.cameras import Camera
    from duygu.services.watch.sinks import Sink
    from duygu.services.watch.watcher import Watcher
    from duygu.shared.schemas.result import Result

EXIT_OK, EXIT_FAILED = 0, 1

NOTICE = (
    "People in view have to know and, in most places, to consent. Inferring emotions at work or in education is "
    "prohibited in the European Union (AI Act, Article 5)."
)

PACKAGES = {"httpx", "paho", "pylsl", "websockets"}
"""Packages of the extras `watch` and `lsl`."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where the results go besides the lines on stdout; None or empty leaves one out."""

    ndjson: Path | None = None
    csv: Path | None = None
    result: Path | None = None
    mqtt: str | None = None
    lsl: bool = False
    lines: bool = True
    name: str | None = None
    """Given name of the only camera: nothing that it publishes is shared with another command."""


@dataclass(slots=True)
class _Running:
    watchers: "list[Watcher]" = field(default_factory=list)
    sinks: "list[Sink]" = field(default_factory=list)


def run(
    cameras: "list[Camera]",
    service: str,
    key: str | None,
    options: SessionOptions | None,
    destinations: Destinations,
    *,
    seconds: float | None = None,
) -> int:
    """Watch until every file has ended, `seconds` have passed, or Ctrl-C; the exit status.

    Raises ConfigurationError.
    """
    sys.stderr.write(f"duygu: {NOTICE}\n")
    _require_outputs(cameras, destinations)
    running = _open(cameras, service, key, options, destinations)
    threads = [threading.Thread(target=watcher.run, daemon=True) for watcher in running.watchers]
    stop = threading.Event()
    _on_signals(stop)
    for thread in threads:
        thread.start()
    timer = threading.Timer(seconds, stop.set) if seconds else None
    if timer:
        timer.daemon = True
        timer.start()
    while any(thread.is_alive() for thread in threads) and not stop.wait(0.2):
        pass
    for watcher in running.watchers:
        watcher.stop()
    for thread in threads:
        thread.join(timeout=10)
    closed = [_close(sink) for sink in running.sinks]
    status = _finish(cameras, running.watchers, destinations)
    return status if all(closed) else EXIT_FAILED


def _require_outputs(cameras: "list[Camera]", destinations: Destinations) -> None:
    """Raise ConfigurationError for outputs that cannot be written, or that would overwrite something."""
    if destinations.result and len(cameras) > 1:
        raise ConfigurationError("--json holds the result of one camera; set `result` of each in a file of --cameras")
    named = [("--ndjson", destinations.ndjson), ("--csv", destinations.csv), ("--json", destinations.result)]
    named += [(f"the result of {camera.name}", camera.result) for camera in cameras]
    require_writable([(option, path) for option, path in named if path], [camera.url for camera in cameras])


def _close(sink: "Sink") -> bool:
    """Close an output; whether all of it was written."""
    try:
        sink.close()
    except OSError as error:
        _report(f"an output is incomplete: {error.strerror or error}")
        return False
    return True


def read_options(**values: Any) -> SessionOptions:
    """The options of the sessions. Raises ConfigurationError for an invalid one."""
    try:
        return SessionOptions(**values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = str(fault["loc"][0])
        raise ConfigurationError(f"{name} {values[name]!r}: {fault['msg'].removeprefix('Value error, ')}") from error


def read_sources(
    urls: list[str], file: Path | None, rate_hz: float, hardware: str | None, name: str | None = None
) -> "list[Camera]":
    """The cameras of the command line or of a file. Raises ConfigurationError."""
    from duygu.services.watch.cameras import NAME, Camera, read_cameras

    if bool(urls) == bool(file):
        raise ConfigurationError("name either streams or a file of cameras with --cameras")
    if name is not None and len(urls) != 1:
        raise ConfigurationError("--name is for one stream; in a file of --cameras each has its name")
    if name is not None and not NAME.fullmatch(name):
        raise ConfigurationError(
            f"--name {name!r}: 1 to 40 characters of a-z, 0-9, hyphen and underscore are allowed, the first a-z or 0-9"
        )
    if file:
        return read_cameras(file)
    one = name or "camera"
    return [
        Camera(name=f"camera{number}" if len(urls) > 1 else one, url=url, rate_hz=rate_hz, hardware=hardware)
        for number, url in enumerate(urls, start=1)
    ]


def _open(
    cameras: "list[Camera]", service: str, key: str | None, options: SessionOptions | None, destinations: Destinations
) -> _Running:
    try:
        from duygu.client import Service
        from duygu.services.watch.capture import Source
        from duygu.services.watch.watcher import Watcher

        sinks = _sinks(cameras, destinations)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in PACKAGES:
            raise
        extra = "lsl" if error.name == "pylsl" else "watch"
        raise ConfigurationError(f"this needs more packages: pip install 'duygu[{extra}]'") from error
    target = Service(service, key)
    return _Running(
        [
            Watcher(one.name, Source(one.url, one.rate_hz, one.hardware), target, options, sinks, _report)
            for one in cameras
        ],
        sinks,
    )


def _sinks(cameras: "list[Camera]", destinations: Destinations) -> "list[Sink]":
    from duygu.services.watch.sinks import CsvRows, Lines, NdjsonLines, open_output

    sinks: list[Sink] = []
    try:
        if destinations.ndjson:
            sinks.append(NdjsonLines(open_output(destinations.ndjson)))
        if destinations.csv:
            sinks.append(CsvRows(open_output(destinations.csv)))
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: {error.strerror}") from error
    if destinations.mqtt:
        from duygu.services.watch.mqtt import MqttPublisher

        sinks.append(MqttPublisher(destinations.mqtt, only_camera=destinations.name, on_state=_report))
    if destinations.lsl:
        from duygu.services.watch.lsl import LslOutlets

        sinks.append(LslOutlets())
    if destinations.lines:
        sinks.append(Lines(sys.stdout))
    return sinks


def _finish(cameras: "list[Camera]", watchers: "list[Watcher]", destinations: Destinations) -> int:
    """Write the results and print the errors; the exit status."""
    status = EXIT_OK
    for camera, watcher in zip(cameras, watchers, strict=True):
        path = camera.result or (destinations.result if len(cameras) == 1 else None)
        result = watcher.recording.result()
        if path and result and not _write_result(path, result):
            status = EXIT_FAILED
        if watcher.error:
            _report(f"{camera.name}: {watcher.error}")
            status = EXIT_FAILED
        elif result is None:
            _report(f"{camera.name}: no picture arrived")
            status = EXIT_FAILED
    return status


def _write_result(path: Path, result: "Result") -> bool:
    """Write a result to a file, or to stdout for `-`; whether all of it was written."""
    content = result.model_dump_json(indent=2) + "\n"
    try:
        if path == STDOUT:
            write_stdout(content)
            return True
        write_atomically(path, content.encode())
    except OSError as error:
        _report(f"{UnreadableFileError.code}: {printable(shown_name(path))}: {error.strerror}")
        return False
    _report(f"wrote {printable(str(path))}")
    return True


def _on_signals(stop: threading.Event) -> None:
    def end(_number: int, _frame: object) -> None:
        stop.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, end)
        signal.signal(signal.SIGTERM, end)


def _report(text: str) -> None:
    sys.stderr.write(f"duygu: {printable(text)}\n")
    sys.stderr.flush()
