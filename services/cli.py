"""`duygu`: the commands and their exit status."""

import argparse
import atexit
import gc
import logging
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from duygu.services.arguments.agree import add_agree
from duygu.services.arguments.analyze import add_analyze
from duygu.services.arguments.doctor import add_doctor
from duygu.services.arguments.edit import add_edit
from duygu.services.arguments.keys import add_keys
from duygu.services.arguments.label import add_label
from duygu.services.arguments.mcp import add_mcp
from duygu.services.arguments.service import add_serve, add_worker
from duygu.services.arguments.study import add_study
from duygu.services.arguments.values import refuse_empty
from duygu.services.arguments.watch import add_watch
from duygu.services.commands.completion import SHELLS, completion_script
from duygu.services.commands.stdout import STDOUT, discard_stdout, write_stdout
from duygu.shared.errors import DuyguError
from duygu.shared.exports.titles import printable
from duygu.shared.version import VERSION

logger = logging.getLogger(__name__)

FAILED_STATUS = 1
"""Exit status where a file, a device or the network fails."""

USAGE_STATUS = 2
"""Exit status for invalid arguments or settings and for a model that cannot be loaded."""

INTERRUPTED_STATUS = 130
"""Exit status after Ctrl-C, by convention 128 plus the number of the signal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    atexit.register(gc.freeze)  # the last collection would visit every object of every library, for almost a second
    options = vars(make_parser().parse_args(arguments))
    command = options.pop("command")
    try:
        status: int = command(**options)
        _flush(status)
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
    except OSError as error:
        logger.debug("the command failed", exc_info=True)
        return _failed(error)
    return status


def _flush(status: int) -> None:
    """Flush stdout. Raises OSError, unless the status tells that the command has reported a failure."""
    try:
        write_stdout("")
    except OSError:
        if not status:
            raise


def _failed(error: OSError) -> int:
    """Print an error of the system, with its file; nothing for a closed stdout. The exit status."""
    if error.filename == STDOUT:
        discard_stdout()
    if not (isinstance(error, BrokenPipeError) and error.filename == STDOUT):
        parts = ["duygu", error.filename, error.strerror or str(error)]
        print(": ".join(printable(str(part)) for part in parts if part), file=sys.stderr)  # noqa: T201
    return FAILED_STATUS


def _problem(message: str) -> str:
    """The message of a validator, without the prefix that pydantic adds."""
    return message.removeprefix("Value error, ")


def make_parser() -> argparse.ArgumentParser:
    """The parser with all commands and their arguments."""
    parser = argparse.ArgumentParser(prog="duygu", description="Emotions of every face in a video over time.")
    parser.add_argument("--version", action="version", version=f"duygu {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_serve(commands)
    add_worker(commands)
    add_analyze(commands)
    add_edit(commands)
    add_agree(commands)
    add_label(commands)
    add_study(commands)
    add_watch(commands)
    add_mcp(commands)
    add_keys(commands)
    add_doctor(commands)
    _add_completion(commands)
    refuse_empty(parser)
    return parser


def _add_completion(commands: Any) -> None:
    completion = commands.add_parser(
        "completion",
        help='print a script that completes commands: eval "$(duygu completion)"',
        description="Print a shell script that completes commands, options and file names.",
    )
    completion.set_defaults(command=_completion)
    completion.add_argument("shell", nargs="?", choices=SHELLS, help="the shell; without it, the script works in both")


def _completion(shell: str | None) -> int:
    write_stdout(completion_script(make_parser(), shell))
    return 0


if __name__ == "__main__":
    sys.exit(main())
