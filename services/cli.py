"""`duygu`: everything from the command line."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from duygu.services.commands.completion import completion_script
from duygu.shared.api_keys import Limits, Scope, add_key, remove_key, stored_keys
from duygu.shared.config import Settings
from duygu.shared.errors import ConfigurationError, DuyguError
from duygu.shared.exports import ExportName
from duygu.shared.jobs.queues import QueueName
from duygu.shared.model.label_choice import chosen_labels
from duygu.shared.schemas import EMOTIONS
from duygu.shared.telemetry.logs import set_up_logs
from duygu.shared.version import installed_version

USAGE_STATUS = 2
"""Exit status where the settings, the model or the arguments are at fault."""

INTERRUPTED_STATUS = 130
"""Exit status after Ctrl-C, as of every program that this signal ends."""


ANALYZE_OUTPUTS = {
    "--json": (ExportName.JSON, "the whole result"),
    "--csv": (ExportName.CSV, "one row a window"),
    "--ndjson": (ExportName.NDJSON, "one line a window"),
    "--vtt": (ExportName.VTT, "subtitles for players"),
    "--srt": (ExportName.SRT, "subtitles for editors"),
    "--report": (ExportName.HTML, "a page with timelines and tables"),
    "--plot": (ExportName.PNG, "a picture of the timeline (.png, .svg or .pdf)"),
    "--video": (ExportName.MP4, "the video with boxes, emotions and a timeline"),
}
"""What `duygu analyze` can write, by option."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    options = vars(make_parser().parse_args(arguments))
    command = options.pop("command")
    try:
        status: int = command(**options)
    except DuyguError as error:
        print(f"duygu: {error.detail}", file=sys.stderr)  # noqa: T201 - this is what a command line is for
        return USAGE_STATUS
    except ValidationError as error:
        for wrong in error.errors():
            print(f"duygu: the setting {'.'.join(map(str, wrong['loc']))}: {_in_words(wrong['msg'])}", file=sys.stderr)  # noqa: T201
        return USAGE_STATUS
    except KeyboardInterrupt:
        print("duygu: interrupted", file=sys.stderr)  # noqa: T201
        return INTERRUPTED_STATUS
    return status


def _in_words(message: str) -> str:
    """What is wrong with a setting, without pydantic's mark of what we have written ourselves."""
    return message.removeprefix("Value error, ")


def make_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(prog="duygu", description="Emotions of every face in a video, through time.")
    parser.add_argument("--version", action="version", version=f"duygu {installed_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_worker(commands)
    _add_analyze(commands)
    _add_keys(commands)
    doctor = commands.add_parser("doctor", help="say what is missing, and how to mend it")
    doctor.set_defaults(command=_doctor)
    completion = commands.add_parser("completion", help='complete commands in bash and zsh: eval "$(duygu completion)"')
    completion.set_defaults(command=_completion)
    return parser


def _add_serve(commands: Any) -> None:
    serve = commands.add_parser("serve", help="run the API, workers and, if REDIS_URL is empty, a Valkey of its own")
    serve.set_defaults(command=_serve)
    serve.add_argument("--host", help="address to listen on (DUYGU_HOST)")
    serve.add_argument("--port", type=int, help="port to listen on; 0 takes a free one (DUYGU_PORT)")
    serve.add_argument("--workers", type=int, help="worker processes to start (DUYGU_WORKERS)")


def _add_worker(commands: Any) -> None:
    worker = commands.add_parser("worker", help="run one worker")
    worker.set_defaults(command=_worker)
    worker.add_argument("queue", choices=[queue.value for queue in QueueName], help="queue to serve")


def _add_analyze(commands: Any) -> None:
    analyze = commands.add_parser(
        "analyze",
        help="analyse videos without a server",
        description="Find every face in a video and print what it shows when, as JSON, on stdout. "
        "Progress and a summary go to stderr. Of a folder every video is analysed; other files in it are left out. "
        "What comes through a pipe (-, /dev/stdin, a FIFO) is copied to a temporary file first, "
        "up to DUYGU_MAX_UPLOAD_MB.",
        epilog="FILE may be a folder, which gets a file for each video and is made where its name ends with /, "
        "or - for stdout. One FILE of --csv or --ndjson takes several videos, told apart by their names. "
        "The video itself is never overwritten. "
        "exit status: 0 all went well, 1 a video could not be analysed, 2 wrong usage, 130 interrupted",
    )
    analyze.set_defaults(command=_analyze)
    analyze.add_argument(
        "videos", nargs="+", type=Path, metavar="VIDEO", help="a video, a folder of them, or - for stdin"
    )
    for option, (name, what) in ANALYZE_OUTPUTS.items():
        analyze.add_argument(option, dest=name.value, metavar="FILE", help=f"write {what} to FILE")
    analyze.add_argument("--faces", type=_count, metavar="N", help="only the N faces that are seen longest")
    analyze.add_argument(
        "--max-faces", type=_count, metavar="N", help="follow at most N faces at the same time (DUYGU_MAX_FACES)"
    )
    analyze.add_argument("--every", type=_seconds, metavar="S", help="only what each face shows every S seconds")
    analyze.add_argument(
        "--labels", type=_labels, metavar="L,L", help="report these labels alone, and the rest as `other`"
    )
    analyze.add_argument("--quiet", action="store_true", help="no progress and no summary")


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return count


def _labels(text: str) -> tuple[str, ...]:
    try:
        return chosen_labels([label.strip() for label in text.split(",")], EMOTIONS)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seconds(text: str) -> float:
    if not 0 < (seconds := float(text)) < math.inf:
        raise argparse.ArgumentTypeError("a number of seconds above 0 is needed")
    return seconds


def _add_keys(commands: Any) -> None:
    keys = commands.add_parser("keys", help="make API keys, list them, and take them away")
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a key, print it once, and store its hash in DUYGU_KEYS_FILE")
    add.set_defaults(command=_add_key)
    add.add_argument("name", help="small letters, digits and hyphens")
    add.add_argument("--file", type=Path, help="file to add it to (DUYGU_KEYS_FILE)")
    scopes = [scope.value for scope in Scope]
    add.add_argument("--scopes", nargs="+", choices=scopes, default=[Scope.SUBMIT.value, Scope.READ.value])
    for limit in Limits.model_fields:
        add.add_argument(f"--{limit.replace('_', '-')}", type=int, metavar="N")
    shown = actions.add_parser("list", help="name the keys of DUYGU_KEYS_FILE, with what each may do")
    shown.set_defaults(command=_list_keys)
    shown.add_argument("--file", type=Path, help="file to look into (DUYGU_KEYS_FILE)")
    remove = actions.add_parser("remove", help="take a key out of DUYGU_KEYS_FILE; a running service notices")
    remove.set_defaults(command=_remove_key)
    remove.add_argument("name", help="of the key")
    remove.add_argument("--file", type=Path, help="file to take it out of (DUYGU_KEYS_FILE)")


def _serve(**options: Any) -> int:
    from duygu.services.serve.supervisor import serve

    given = {name: value for name, value in options.items() if value is not None}
    settings = Settings(**given)
    set_up_logs(settings.log_format, settings.log_level)
    return serve(settings, lambda url: print(f"Duygu listens on {url}", flush=True))  # noqa: T201


def _worker(queue: str) -> int:
    # The image of the API has none of the packages that this needs.
    from duygu.services.worker.main import run_worker

    settings = Settings()
    set_up_logs(settings.log_format, settings.log_level)
    return run_worker(settings, QueueName(queue))


def _add_key(name: str, file: Path | None, scopes: list[str], **limits: int | None) -> int:
    print(add_key(_keys_file(file), name, frozenset(map(Scope, scopes)), Limits(**limits)))  # noqa: T201
    return 0


def _list_keys(file: Path | None) -> int:
    for key in stored_keys(_keys_file(file)):
        limits = key.limits.model_dump(exclude_none=True)
        what = [" ".join(sorted(key.scopes)), *(f"{limit.replace('_', '-')} {most}" for limit, most in limits.items())]
        print(f"{key.name}: {', '.join(what)}")  # noqa: T201
    return 0


def _remove_key(name: str, file: Path | None) -> int:
    remove_key(_keys_file(file), name)
    return 0


def _keys_file(named: Path | None) -> Path:
    path = named or Settings().keys_file
    if path is None:
        raise ConfigurationError("name a file with --file or DUYGU_KEYS_FILE")
    return path


def _doctor() -> int:
    from duygu.services.commands.doctor import report

    return report(Settings())


def _completion() -> int:
    print(completion_script(make_parser()), end="")  # noqa: T201
    return 0


def _analyze(
    videos: list[Path],
    quiet: bool,
    faces: int | None,
    max_faces: int | None,
    every: float | None,
    labels: tuple[str, ...] | None,
    **files: str | None,
) -> int:
    # The image of the API has none of the packages that this needs.
    from duygu.services.commands.analyze import Wishes, run
    from duygu.services.commands.outputs import Outputs, Place, form_of

    settings = Settings() if max_faces is None else Settings(max_faces=max_faces)
    set_up_logs(settings.log_format, settings.log_level)
    places = [(ExportName(name), Place.named(text)) for name, text in files.items() if text]
    outputs = Outputs({form_of(name, place): place for name, place in places}, settings)
    return run(videos, Wishes(outputs, faces, every, labels), settings, quiet=quiet)


if __name__ == "__main__":
    sys.exit(main())
