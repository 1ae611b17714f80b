"""`duygu edit`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from duygu.services.arguments.outputs import ANALYZE_OUTPUTS, VIDEOS, add_formats, outputs_of
from duygu.services.arguments.values import count
from duygu.services.commands.completion import complete_files
from duygu.services.commands.edit.operations import OPERATIONS, AddOperation
from duygu.shared.config.settings import Settings
from duygu.shared.exports import ExportName
from duygu.shared.workbench.edits.operations import Edit


def add_edit(commands: Any) -> None:
    """Add the command `edit`."""
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
    edit.add_argument("--undo", type=count, metavar="N", default=0, help="undo the last N edits first")
    for option, (_, form, content) in OPERATIONS.items():
        edit.add_argument(option, dest="operations", action=AddOperation, metavar=form, help=content)
    for option, (name, content) in ANALYZE_OUTPUTS.items():
        if name not in VIDEOS:
            output = edit.add_argument(option, dest=name.value, metavar="FILE", help=f"write {content} to FILE")
            complete_files(output)
    add_formats(edit, [name for name in ExportName if name not in VIDEOS])
    edit.add_argument("--quiet", action="store_true", help="print no summary")


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
    from duygu.services.commands.edit.command import run

    outputs = outputs_of(files, formats, output, Settings(), mark_speaking=mark_speaking)
    return run(result, edits, operations or [], outputs, undo=undo, quiet=quiet)
