"""`duygu watch`."""

import os
from pathlib import Path
from typing import Any

from duygu.services.arguments.values import count, labels, rate, seconds
from duygu.services.commands.completion import complete_files
from duygu.shared.config.settings import Settings
from duygu.shared.runtime.telemetry.logs import set_up_logs


def add_watch(commands: Any) -> None:
    """Add the command `watch`."""
    watch = commands.add_parser(
        "watch",
        help="watch cameras and streams live",
        description="Send cameras and streams to live sessions of a running service, and print a line at each change "
        "of a face's emotion. A lost stream or session is opened again.",
        epilog="Sources: RTSP, HTTP (MJPEG, HLS), devices such as /dev/video0, and files, which are read in real time. "
        "DUYGU_API_KEY: the API key of the service. "
        "Exit status: 0 success, also after Ctrl-C, 1 a source failed, 2 usage error.",
    )
    watch.set_defaults(command=_watch)
    watch.add_argument("urls", nargs="*", metavar="URL", help="a stream, a device or a file")
    cameras = watch.add_argument("--cameras", type=Path, metavar="FILE", help="file of cameras (TOML), instead of URL")
    complete_files(cameras)
    watch.add_argument("--name", metavar="NAME", help="name of the stream in outputs and topics (default: camera)")
    watch.add_argument(
        "--service", default="http://127.0.0.1:8000", metavar="URL", help="the service (default: http://127.0.0.1:8000)"
    )
    watch.add_argument("--rate", type=rate, default=10.0, metavar="HZ", help="pictures per second (default: 10)")
    watch.add_argument(
        "--hardware", metavar="DEVICE", help="decode with this device where it can, such as vaapi or cuda"
    )
    watch.add_argument("--for", type=seconds, dest="duration", metavar="SECONDS", help="stop after so many seconds")
    watch.add_argument("--ndjson", type=Path, metavar="FILE", help="write a JSON object per window; -: stdout")
    watch.add_argument("--csv", type=Path, metavar="FILE", help="write a row per window; -: stdout")
    complete_files(
        watch.add_argument("--json", type=Path, metavar="FILE", help="write the result at the end; -: stdout")
    )
    watch.add_argument("--mqtt", metavar="URL", help="publish to this MQTT broker, with discovery by Home Assistant")
    watch.add_argument("--lsl", action="store_true", help="publish to the Lab Streaming Layer")
    watch.add_argument("--labels", type=labels, metavar="LABELS", help="labels to report, separated by commas")
    watch.add_argument("--min-face", type=float, metavar="SHARE", help="minimum face size (share of the shorter side)")
    watch.add_argument("--max-faces", type=count, metavar="N", help="maximum number of faces at the same time")
    watch.add_argument(
        "--baseline",
        metavar="SPANS",
        help="seconds of the session in which the only person in view has a resting face, such as 0-3: later windows "
        "get a prediction relative to it, in NDJSON and the result",
    )
    watch.add_argument("--quiet", action="store_true", help="print no lines on stdout")


def _watch(
    urls: list[str],
    cameras: Path | None,
    name: str | None,
    service: str,
    rate: float,
    hardware: str | None,
    duration: float | None,
    *,
    ndjson: Path | None,
    csv: Path | None,
    json: Path | None,
    mqtt: str | None,
    lsl: bool,
    labels: tuple[str, ...] | None,
    min_face: float | None,
    max_faces: int | None,
    baseline: str | None,
    quiet: bool,
) -> int:
    from duygu.services.commands.watch import Destinations, read_options, read_sources, run

    settings = Settings()
    set_up_logs(settings.log_format, settings.log_level)
    options = read_options(
        labels=list(labels) if labels else None, min_face=min_face, max_faces=max_faces, baseline=baseline
    )
    sources = read_sources(urls, cameras, rate, hardware, name)
    on_stdout = Path("-") in {ndjson, csv, json, *(camera.result for camera in sources)}
    destinations = Destinations(ndjson, csv, json, mqtt, lsl, lines=not quiet and not on_stdout, name=name)
    key = os.environ.get("DUYGU_API_KEY")
    return run(sources, service, key, options, destinations, seconds=duration)
