"""`duygu`: the commands, their arguments and their exit status."""

import argparse
import atexit
import gc
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from duygu.services.commands import keys
from duygu.services.commands.completion import SHELLS, complete_files, completion_script
from duygu.services.commands.edit_operations import OPERATIONS, AddOperation
from duygu.shared.config.api_keys import Priority, Scope
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError, DuyguError
from duygu.shared.exports import ExportName
from duygu.shared.inputs.links.link import is_link
from duygu.shared.jobs.queues import QueueName
from duygu.shared.model.label_choice import chosen_labels
from duygu.shared.runtime.telemetry.logs import set_up_logs
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.schemas.options import read_options
from duygu.shared.version import VERSION
from duygu.shared.workbench.edits.operations import Edit
from duygu.shared.workbench.studies.settings import DEFAULTS, StudySettings

if TYPE_CHECKING:
    from duygu.services.commands.outputs import Outputs

USAGE_STATUS = 2
"""Exit status for invalid arguments or settings and for a model that cannot be loaded."""

INTERRUPTED_STATUS = 130
"""Exit status after Ctrl-C, by convention 128 plus the number of the signal."""


ANALYZE_OUTPUTS = {
    "--json": (ExportName.JSON, "the whole result"),
    "--csv": (ExportName.CSV, "a table with one row per window"),
    "--ndjson": (ExportName.NDJSON, "one JSON object per window and line"),
    "--vtt": (ExportName.VTT, "subtitles for players"),
    "--srt": (ExportName.SRT, "subtitles for video editors"),
    "--report": (ExportName.HTML, "an HTML report with timelines and tables"),
    "--plot": (ExportName.PNG, "a plot of the timeline (.png, .svg or .pdf)"),
    "--video": (ExportName.MP4, "the video with boxes, emotions and a timeline"),
    "--blurred": (ExportName.BLURRED, "the video with every face covered, so that nobody can be recognised,"),
}
"""Output formats of `duygu analyze`, by option."""

VIDEOS = (ExportName.MP4, ExportName.BLURRED)
"""Formats that need the video itself, which a result file lacks."""

FORMATS_HELP = (
    "eaf (ELAN), textgrid (Praat), boris, bids, edl and otio (video editors), parquet, and those of the options"
)

LIMITS = {
    "uploads-per-minute": "maximum uploads per minute",
    "pictures-per-minute": "maximum pictures per minute",
    "jobs-waiting": "maximum jobs that have not ended",
    "sessions": "maximum open live sessions",
    "megabytes-per-day": "maximum megabytes uploaded per day",
    "jobs-kept": "maximum jobs that are kept until they are deleted",
}
"""Limits of an API key, by option of `duygu keys add`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    atexit.register(gc.freeze)  # the last collection would visit every object of every library, for almost a second
    options = vars(make_parser().parse_args(arguments))
    command = options.pop("command")
    try:
        status: int = command(**options)
    except DuyguError as error:
        print(f"duygu: {error.detail}", file=sys.stderr)  # noqa: T201 - the output of a command
        return USAGE_STATUS
    except ValidationError as error:
        for fault in error.errors():
            print(f"duygu: the setting {'.'.join(map(str, fault['loc']))}: {_problem(fault['msg'])}", file=sys.stderr)  # noqa: T201
        return USAGE_STATUS
    except KeyboardInterrupt:
        print("duygu: interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED_STATUS
    return status


def _problem(message: str) -> str:
    """The message of a validator, without the prefix that pydantic adds."""
    return message.removeprefix("Value error, ")


def make_parser() -> argparse.ArgumentParser:
    """The parser with all commands and their arguments."""
    parser = argparse.ArgumentParser(prog="duygu", description="Emotions of every face in a video over time.")
    parser.add_argument("--version", action="version", version=f"duygu {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_worker(commands)
    _add_analyze(commands)
    _add_edit(commands)
    _add_agree(commands)
    _add_label(commands)
    _add_study(commands)
    _add_watch(commands)
    _add_mcp(commands)
    _add_keys(commands)
    _add_doctor(commands)
    _add_completion(commands)
    return parser


def _add_doctor(commands: Any) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="check the installation and print a hint for each failed check",
        description="Check the installation, the clock and the GPU, and print a hint for each failed check. With the "
        "options also cameras, an MQTT broker and a running service.",
        epilog="DUYGU_API_KEY: the API key of the service. Exit status: 0 success, 1 a check failed, 2 usage error.",
    )
    doctor.set_defaults(command=_doctor)
    doctor.add_argument(
        "--camera",
        dest="cameras",
        action="append",
        default=[],
        metavar="URL",
        help="decode a picture of this stream or device; may be repeated",
    )
    doctor.add_argument("--mqtt", metavar="URL", help="connect to this MQTT broker")
    doctor.add_argument("--service", metavar="URL", help="ask this running service for its state")
    doctor.add_argument("--json", dest="as_json", action="store_true", help="print JSON")


def _add_serve(commands: Any) -> None:
    serve = commands.add_parser(
        "serve",
        help="run the API, its workers and, if REDIS_URL is empty, an embedded Valkey",
        description="Run the API with the web pages, the workers for videos, live sessions and webhooks and, "
        "if REDIS_URL is empty, an embedded Valkey. Ctrl-C stops all of them.",
    )
    serve.set_defaults(command=_serve)
    serve.add_argument("--host", help="address to listen on (DUYGU_HOST)")
    serve.add_argument("--port", type=int, help="port to listen on; 0: a free port (DUYGU_PORT)")
    serve.add_argument("--workers", type=int, help="number of video workers (DUYGU_WORKERS)")


def _add_worker(commands: Any) -> None:
    worker = commands.add_parser(
        "worker",
        help="run one worker",
        description="Run one worker for the queue of uploaded videos (videos), live sessions (streams) or webhooks "
        "of the service at REDIS_URL.",
    )
    worker.set_defaults(command=_worker)
    worker.add_argument("queue", choices=[queue.value for queue in QueueName], help="queue to serve")


def _add_analyze(commands: Any) -> None:
    analyze = commands.add_parser(
        "analyze",
        help="analyse videos without a server",
        description="Detect every face in a video and print its emotions over time as JSON on stdout. "
        "Progress and a summary go to stderr. Of a folder, every video is analysed and other files are skipped. "
        "A picture (JPEG, PNG, WebP, AVIF) has one window per face, at 0 s. "
        "Input from a pipe (-, /dev/stdin, a FIFO) is first copied to a temporary file of at most "
        "DUYGU_MAX_UPLOAD_MB. The video of a link (https:// or s3://) is fetched by the same rules as by a service: "
        "DUYGU_LINK_NETWORKS permits private addresses.",
        epilog="FILE is a file, - for stdout, or a folder, which receives one file per video and is created if its "
        "name ends with /. One FILE of --csv or --ndjson can hold the rows of several videos, identified by name. "
        "The video itself is never overwritten. "
        "Exit status: 0 success, 1 a video could not be analysed, 2 usage error, 130 interrupted.",
    )
    analyze.set_defaults(command=_analyze)
    videos = analyze.add_argument(
        "videos", nargs="+", type=_source, metavar="VIDEO", help="a video, a folder of videos, a link, or - for stdin"
    )
    complete_files(videos)
    for option, (name, content) in ANALYZE_OUTPUTS.items():
        output = analyze.add_argument(option, dest=name.value, metavar="FILE", help=f"write {content} to FILE")
        complete_files(output)
    _add_formats(analyze, list(ExportName))
    analyze.add_argument("--faces", type=_count, metavar="N", help="keep only the N faces that are visible longest")
    analyze.add_argument(
        "--max-faces", type=_count, metavar="N", help="track at most N faces at the same time (DUYGU_MAX_FACES)"
    )
    analyze.add_argument(
        "--min-face",
        type=float,
        metavar="SHARE",
        help="minimum size of a detected face, as a share of the shorter side of the frame (DUYGU_MIN_FACE)",
    )
    for option, limit in (("--start", "start"), ("--end", "end")):
        analyze.add_argument(
            option, type=float, metavar="S", help=f"{limit} of the part to analyse, in seconds from the first frame"
        )
    analyze.add_argument(
        "--measures",
        metavar="NAMES",
        help="measure besides emotions: movements (facial movements, head pose, speaking)",
    )
    analyze.add_argument(
        "--baseline",
        metavar="SPANS",
        help="add answers relative to each person's resting face: in these spans, such as 3-13 or 3-13,20-25 "
        "(seconds), or auto",
    )
    analyze.add_argument(
        "--every", type=_seconds, metavar="S", help="keep only the window of each face at every multiple of S seconds"
    )
    analyze.add_argument(
        "--labels", type=_labels, metavar="L,L", help="report only these labels, and all others as `other`"
    )
    edits = analyze.add_argument(
        "--edits",
        type=Path,
        metavar="FILE",
        help="apply the edits of FILE (`duygu edit`), or of NAME.edits.json in the folder FILE, to the results",
    )
    complete_files(edits)
    analyze.add_argument("--pictures", action="store_true", help="also analyse the pictures in folders")
    analyze.add_argument("--quiet", action="store_true", help="print no progress and no summary")


def _add_formats(command: argparse.ArgumentParser, names: Sequence[ExportName]) -> None:
    command.add_argument(
        "--format",
        dest="formats",
        type=lambda text: _formats(text, names),
        default=(),
        metavar="F,F",
        help=f"write these formats to --output: {FORMATS_HELP}",
    )
    output = command.add_argument(
        "-o",
        "--output",
        default=".",
        metavar="FILE",
        help="where --format writes: a folder, or a file for a single format (default: the current folder)",
    )
    complete_files(output)
    command.add_argument(
        "--mark-speaking", action="store_true", help="mark in subtitles where a person speaks (with measured movements)"
    )


def _formats(text: str, names: Sequence[ExportName]) -> tuple[ExportName, ...]:
    chosen = [name.strip().lower() for name in text.split(",")]
    if unknown := [name for name in chosen if name not in list(names)]:
        raise argparse.ArgumentTypeError(f"unknown format {unknown[0]!r}; known: {', '.join(names)}")
    return tuple(dict.fromkeys(ExportName(name) for name in chosen))


def _add_edit(commands: Any) -> None:
    edit = commands.add_parser(
        "edit",
        help="name, join, split and exclude the faces of a result",
        description="Add edits to those of a result file, in the order of the options, and write the edited result. "
        "The edits go to a file of their own; the result file never changes. Without options, show the edited faces.",
        epilog="An edit that does not apply writes nothing. Exit status: 0 success, 2 invalid edit or usage error.",
    )
    edit.set_defaults(command=_edit)
    complete_files(edit.add_argument("result", type=Path, metavar="RESULT", help="a result of `duygu analyze --json`"))
    complete_files(
        edit.add_argument(
            "--edits",
            type=Path,
            metavar="FILE",
            help="file of the edits (default: RESULT with the extension .edits.json)",
        )
    )
    edit.add_argument("--undo", type=_count, metavar="N", default=0, help="undo the last N edits first")
    for option, (_, form, content) in OPERATIONS.items():
        edit.add_argument(option, dest="operations", action=AddOperation, metavar=form, help=content)
    for option, (name, content) in ANALYZE_OUTPUTS.items():
        if name not in VIDEOS:
            output = edit.add_argument(option, dest=name.value, metavar="FILE", help=f"write {content} to FILE")
            complete_files(output)
    _add_formats(edit, [name for name in ExportName if name not in VIDEOS])
    edit.add_argument("--quiet", action="store_true", help="print no summary")


def _add_agree(commands: Any) -> None:
    agree = commands.add_parser(
        "agree",
        help="compare labels of people with each other and with a result",
        description="Print confusion, Cohen's kappa, Krippendorff's alpha, recall by emotion and calibration error of "
        "labels, with 95 % intervals, and the threshold of `uncertain` that reaches a target accuracy on these labels.",
        epilog="LABELS are CSV (face_id, start_s, end_s, emotion, optionally rater), JSON as of "
        "/v1/jobs/{id}/labels/{rater}, ELAN (.eaf) or BORIS (.boris, or its exported events). Without a rater in the "
        "file, its name is that of the rater. Exit status: 0 success, 2 invalid file or usage error.",
    )
    agree.set_defaults(command=_agree)
    complete_files(agree.add_argument("result", type=Path, metavar="RESULT", help="a result of `duygu analyze --json`"))
    complete_files(agree.add_argument("labels", nargs="+", type=Path, metavar="LABELS", help="files of labels"))
    complete_files(
        agree.add_argument(
            "--edits", type=Path, metavar="FILE", help="file of edits (default: that beside RESULT, if there is one)"
        )
    )
    agree.add_argument(
        "--target-accuracy",
        type=_share,
        default=0.9,
        metavar="P",
        help="share of right answers among the windows that are not uncertain (default: 0.9)",
    )
    agree.add_argument("--json", dest="as_json", action="store_true", help="print JSON")
    complete_files(
        agree.add_argument(
            "--manifest", type=Path, metavar="FILE", help="add the labels to FILE (CSV) for `training.prepare`"
        )
    )
    complete_files(
        agree.add_argument(
            "--video", type=Path, metavar="FILE", help="video for the manifest (default: named in RESULT, beside it)"
        )
    )
    agree.add_argument(
        "--column",
        dest="columns",
        type=_column,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="further column of the manifest; may be repeated",
    )


def _share(text: str) -> float:
    if not 0 < (share := float(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


def _column(text: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return name, value


STUDY_SETTINGS = {
    "up": ("P", "an episode of an emotion starts at this probability"),
    "down": ("P", "an episode ends below this probability"),
    "min-length": ("S", "omit episodes shorter than S seconds"),
    "gap": ("S", "tolerate interruptions of an episode of at most S seconds"),
    "around": ("S", "length of the intervals before and after a marker, in seconds"),
    "step": ("S", "width of the bins of time courses, in seconds"),
    "window": ("S", "length of the windows of synchrony, in seconds"),
    "lag": ("S", "longest lag of synchrony, in seconds"),
}
"""Settings of a study by option, with the name of their value and their meaning."""


def _add_study(commands: Any) -> None:
    study = commands.add_parser(
        "study",
        help="analyse the recordings of a study into tables",
        description="Analyse every video of a table, and write tables over all of them with a code book, and a report. "
        "A video that has a result from the same file, model and version is not analysed again, so an interrupted "
        "study continues where it stopped. A video that cannot be analysed is a row with its error.",
        epilog="Columns of STUDY.csv: path, participant, group, stimulus, offset_s, start_s, end_s, baseline, face; "
        "all others are kept. Edits of a result, NAME.edits.json beside it, are applied. "
        "DUYGU_API_KEY: the API key for --service. "
        "Exit status: 0 success, 1 a row failed, 2 invalid table or usage error, 130 interrupted.",
    )
    study.set_defaults(command=_study)
    complete_files(study.add_argument("sheet", type=Path, metavar="STUDY.csv", help="table with a row per recording"))
    output = study.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder to write to")
    complete_files(output)
    results = study.add_argument(
        "--results", type=Path, metavar="FOLDER", help="use the results NAME.json of FOLDER instead of analysing videos"
    )
    complete_files(results)
    study.add_argument("--service", metavar="URL", help="analyse the videos in this running service")
    markers = study.add_argument(
        "--markers", type=Path, metavar="FILE", help="table of events: participant or stimulus, time_s, name"
    )
    complete_files(markers)
    study.add_argument(
        "--measures", metavar="NAMES", help="measure besides emotions: movements, which speaking is part of"
    )
    study.add_argument(
        "--labels", type=_labels, metavar="L,L", help="report only these labels, and all others as `other`"
    )
    study.add_argument(
        "--frames",
        choices=("shown", "covered", "none"),
        default="shown",
        help="faces in the frames of the report; none: no frames (default: shown)",
    )
    study.add_argument(
        "--film",
        dest="films",
        type=_column,
        action="append",
        default=[],
        metavar="STIMULUS=FILE",
        help="show frames of this film instead of recordings; may be repeated",
    )
    for option, (form, meaning) in STUDY_SETTINGS.items():
        default = getattr(DEFAULTS, _setting(option))
        study.add_argument(f"--{option}", type=float, metavar=form, help=f"{meaning} (default: {default:g})")
    study.add_argument("--quiet", action="store_true", help="print no progress and no summary")


def _setting(option: str) -> str:
    """The field of StudySettings that an option sets."""
    name = option.replace("-", "_")
    return name if name in {one.name for one in fields(StudySettings)} else f"{name}_s"


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{count} is below the minimum of 1")
    return count


def _labels(text: str) -> tuple[str, ...]:
    try:
        return chosen_labels([label.strip() for label in text.split(",")], EMOTIONS)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seconds(text: str) -> float:
    if not 0 < (seconds := float(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return seconds


def _add_label(commands: Any) -> None:
    label = commands.add_parser(
        "label",
        help="label a video by hand in the browser",
        description="Analyse a video and open the page on which a person labels its faces without seeing the model's "
        "answers. Runs a service of its own until Ctrl-C; its data folder keeps the result, the labels and the video.",
    )
    label.set_defaults(command=_label)
    complete_files(label.add_argument("video", type=Path, metavar="VIDEO", help="a video"))
    label.add_argument("--service", metavar="URL", help="use this running service instead")
    label.add_argument("--no-browser", action="store_true", help="print the address without opening a browser")


def _add_watch(commands: Any) -> None:
    watch = commands.add_parser(
        "watch",
        help="watch cameras and streams live",
        description="Send cameras and streams to live sessions of a running service, and print a line at each change "
        "of a face's emotion. A lost stream or session is opened again.",
        epilog="Sources: RTSP, HTTP (MJPEG, HLS), devices such as /dev/video0, and files, which are read in real time. "
        "DUYGU_API_KEY: the API key of the service. Exit status: 0 success, 1 a source failed, 2 usage error.",
    )
    watch.set_defaults(command=_watch)
    watch.add_argument("urls", nargs="*", metavar="URL", help="a stream, a device or a file")
    cameras = watch.add_argument("--cameras", type=Path, metavar="FILE", help="file of cameras (TOML), instead of URL")
    complete_files(cameras)
    watch.add_argument(
        "--service", default="http://127.0.0.1:8000", metavar="URL", help="the service (default: http://127.0.0.1:8000)"
    )
    watch.add_argument("--rate", type=_seconds, default=10.0, metavar="HZ", help="pictures per second (default: 10)")
    watch.add_argument(
        "--hardware", metavar="DEVICE", help="decode with this device where it can, such as vaapi or cuda"
    )
    watch.add_argument("--for", type=_seconds, dest="duration", metavar="SECONDS", help="stop after so many seconds")
    watch.add_argument("--ndjson", type=Path, metavar="FILE", help="write a JSON object per window; -: stdout")
    watch.add_argument("--csv", type=Path, metavar="FILE", help="write a row per window; -: stdout")
    complete_files(watch.add_argument("--json", type=Path, metavar="FILE", help="write the result at the end"))
    watch.add_argument("--mqtt", metavar="URL", help="publish to this MQTT broker, with discovery by Home Assistant")
    watch.add_argument("--lsl", action="store_true", help="publish to the Lab Streaming Layer")
    watch.add_argument("--labels", type=_labels, metavar="LABELS", help="labels to report, separated by commas")
    watch.add_argument("--min-face", type=float, metavar="SHARE", help="minimum face size (share of the shorter side)")
    watch.add_argument("--max-faces", type=_count, metavar="N", help="maximum number of faces at the same time")
    watch.add_argument(
        "--baseline",
        metavar="SPANS",
        help="seconds of the session in which the only person in view has a resting face, such as 0-3: later windows "
        "get an answer relative to it, in NDJSON and the result",
    )
    watch.add_argument("--quiet", action="store_true", help="print no lines on stdout")


def _add_mcp(commands: Any) -> None:
    mcp = commands.add_parser(
        "mcp",
        help="serve tools for assistants (Model Context Protocol)",
        description="Serve tools with which an assistant analyses videos and reads results, by the Model Context "
        "Protocol on stdin and stdout, or on HTTP with --http. Analyses run in this process, or in "
        "the service of --service.",
        epilog="DUYGU_API_KEY: the API key for --service.",
    )
    mcp.set_defaults(command=_mcp)
    mcp.add_argument("--http", action="store_true", help="serve streamable HTTP at /mcp instead of stdio")
    mcp.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default: 127.0.0.1)")
    mcp.add_argument("--port", type=int, default=8765, help="port to listen on (default: 8765)")
    folder = mcp.add_argument(
        "--folder",
        type=Path,
        action="append",
        dest="folders",
        metavar="FOLDER",
        help="read files only in FOLDER; can be repeated (default: everywhere on stdio, the working directory on HTTP)",
    )
    complete_files(folder)
    mcp.add_argument("--service", metavar="URL", help="analyse in this service")


def _add_keys(commands: Any) -> None:
    actions = commands.add_parser("keys", help="manage API keys").add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="create a key, print it once, and store its hash in DUYGU_KEYS_FILE")
    add.set_defaults(command=keys.add)
    add.add_argument("name", help="name of the key: a-z, 0-9 and hyphens")
    _add_keys_file(add)
    scopes = [scope.value for scope in Scope]
    default = [Scope.SUBMIT.value, Scope.READ.value]
    add.add_argument(
        "--scopes", nargs="+", choices=scopes, default=default, help=f"scopes of the key (default: {' '.join(default)})"
    )
    for limit, meaning in LIMITS.items():
        add.add_argument(f"--{limit}", type=int, metavar="N", help=meaning)
    add.add_argument(
        "--priority",
        choices=[priority.value for priority in Priority],
        default=Priority.INTERACTIVE.value,
        help="jobs of interactive keys start before those of bulk keys, at most four for each bulk job "
        "(default: interactive)",
    )
    listed = actions.add_parser("list", help="list the keys with their scopes, limits and priority")
    listed.set_defaults(command=keys.list_keys)
    _add_keys_file(listed)
    remove = actions.add_parser("remove", help="remove a key; a running service reloads the file")
    remove.set_defaults(command=keys.remove)
    remove.add_argument("name", help="name of the key")
    _add_keys_file(remove)


def _add_keys_file(action: argparse.ArgumentParser) -> None:
    complete_files(action.add_argument("--file", type=Path, help="API key file (DUYGU_KEYS_FILE)"))


def _add_completion(commands: Any) -> None:
    completion = commands.add_parser(
        "completion",
        help='print a script that completes commands: eval "$(duygu completion)"',
        description="Print a shell script that completes commands, options and file names.",
    )
    completion.set_defaults(command=_completion)
    completion.add_argument("shell", nargs="?", choices=SHELLS, help="the shell; without it, the script works in both")


def _serve(**options: Any) -> int:
    from duygu.services.serve.supervisor import serve

    given = {name: value for name, value in options.items() if value is not None}
    settings = Settings(**given)
    set_up_logs(settings.log_format, settings.log_level)
    return serve(settings, lambda url: print(f"Duygu listens on {url}", flush=True))  # noqa: T201


def _worker(queue: str) -> int:
    # Imported here, as the image of the API lacks the packages of the worker.
    from duygu.services.worker.main import run_worker

    settings = Settings()
    set_up_logs(settings.log_format, settings.log_level)
    return run_worker(settings, QueueName(queue))


def _label(video: Path, service: str | None, no_browser: bool) -> int:
    from duygu.services.commands.label import run

    return run(video, Settings(), service=service, browser=not no_browser)


def _watch(
    urls: list[str],
    cameras: Path | None,
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
    on_stdout = Path("-") in {ndjson, csv}
    destinations = Destinations(ndjson, csv, json, mqtt, lsl, lines=not quiet and not on_stdout)
    sources = read_sources(urls, cameras, rate, hardware)
    key = os.environ.get("DUYGU_API_KEY")
    return run(sources, service, key, options, destinations, seconds=duration)


def _mcp(http: bool, host: str, port: int, folders: list[Path] | None, service: str | None) -> int:
    from duygu.services.commands.mcp import run

    settings, key = Settings(), os.environ.get("DUYGU_API_KEY")
    set_up_logs(settings.log_format, settings.log_level)
    return run(settings, http=http, host=host, port=port, folders=folders, service=service, key=key)


def _doctor(cameras: list[str], mqtt: str | None, service: str | None, as_json: bool) -> int:
    from duygu.services.commands.doctor import Targets, report

    return report(Settings(), Targets(tuple(cameras), mqtt, service), as_json=as_json)


def _completion(shell: str | None) -> int:
    print(completion_script(make_parser(), shell), end="")  # noqa: T201
    return 0


def _source(text: str) -> Path | str:
    """A path, or a link, in which the two slashes are kept."""
    return text if is_link(text) else Path(text)


def _analyze(
    videos: list[Path | str],
    quiet: bool,
    faces: int | None,
    every: float | None,
    edits: Path | None,
    *,
    start: float | None,
    end: float | None,
    max_faces: int | None,
    min_face: float | None,
    labels: tuple[str, ...] | None,
    measures: str | None,
    baseline: str | None,
    formats: Sequence[ExportName],
    output: str,
    pictures: bool,
    mark_speaking: bool,
    **files: str | None,
) -> int:
    # Imported here, as the image of the API lacks the packages of the worker.
    from duygu.services.commands.analyze import BatchOptions, run

    settings = Settings()
    set_up_logs(settings.log_format, settings.log_level)
    values = {"start_s": start, "end_s": end, "max_faces": max_faces, "min_face": min_face}
    chosen = read_options({**values, "labels": labels, "measures": measures, "baseline": baseline})
    outputs = _outputs(files, formats, output, settings, mark_speaking=mark_speaking)
    options = BatchOptions(outputs, chosen, faces, every, edits, pictures)
    return run(videos, options, settings, quiet=quiet)


def _edit(
    result: Path,
    edits: Path | None,
    undo: int,
    operations: list[Edit] | None,
    quiet: bool,
    formats: Sequence[ExportName],
    output: str,
    mark_speaking: bool,
    **files: str | None,
) -> int:
    from duygu.services.commands.edit import run

    outputs = _outputs(files, formats, output, Settings(), mark_speaking=mark_speaking)
    return run(result, edits, operations or [], outputs, undo=undo, quiet=quiet)


def _agree(
    result: Path,
    labels: list[Path],
    edits: Path | None,
    target_accuracy: float,
    as_json: bool,
    manifest: Path | None,
    video: Path | None,
    columns: list[tuple[str, str]],
) -> int:
    from duygu.services.commands.agree import ManifestOptions, run

    options = ManifestOptions(manifest, video, dict(columns)) if manifest else None
    return run(result, labels, edits=edits, target_accuracy=target_accuracy, as_json=as_json, manifest=options)


def _study(
    sheet: Path,
    output: Path,
    results: Path | None,
    service: str | None,
    markers: Path | None,
    quiet: bool,
    measures: str | None,
    labels: tuple[str, ...] | None,
    frames: str,
    films: list[tuple[str, str]],
    **given: float | None,
) -> int:
    from duygu.services.commands.study import StudyFiles, run

    settings = Settings()
    set_up_logs(settings.log_format, settings.log_level)
    chosen: dict[str, Any] = {_setting(name): value for name, value in given.items() if value is not None}
    options = read_options({"labels": labels, "measures": measures})
    known = {name: Path(path) for name, path in films}
    key = os.environ.get("DUYGU_API_KEY")
    files = StudyFiles(sheet, output, markers, results, options, service, key, frames, known)
    return run(files, StudySettings(**chosen), settings, quiet=quiet)


def _outputs(
    files: Mapping[str, str | None],
    formats: Sequence[ExportName],
    output: str,
    settings: Settings,
    *,
    mark_speaking: bool = False,
) -> "Outputs":
    """The outputs that the options select: files by format, and further formats in one place.

    Raises ConfigurationError for a format that is selected twice, or several formats for one file.
    """
    from duygu.services.commands.outputs import Destination, Outputs, format_for

    given = [(ExportName(name), Destination.parse(text)) for name, text in files.items() if text]
    chosen = {format_for(name, destination): destination for name, destination in given}
    place = Destination.parse(output)
    if len(formats) > 1 and not place.is_folder:
        raise ConfigurationError(f"{output} is a file; name a folder, such as {output}/, for {len(formats)} formats")
    if twice := [name for name in formats if name in chosen]:
        raise ConfigurationError(f"the format {twice[0]} is selected by --format and by an option of its own")
    return Outputs({**chosen, **dict.fromkeys(formats, place)}, settings, mark_speaking)


if __name__ == "__main__":
    sys.exit(main())
