"""`duygu edit`: edit a result file. The edits go to a file of their own; the result file never changes."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from duygu.services.commands.display import summary
from duygu.services.commands.outputs import Outputs
from duygu.shared.errors import ConfigurationError, NoEditError
from duygu.shared.exports.titles import title_of
from duygu.shared.model.recipe import explain
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.edits.file import EXTENSION, EditFile, read_edit_file, write_edit_file
from duygu.shared.workbench.edits.operations import Edit

EXIT_OK = 0


def run(
    path: Path,
    edits_path: Path | None,
    operations: Sequence[Edit],
    outputs: Outputs,
    *,
    undo: int = 0,
    quiet: bool = False,
) -> int:
    """Add edits to those of a result file, and write the edited result to the outputs; the exit status.

    path        result file, JSON
    edits_path  file of edits, created if it does not exist; by default beside the result
    undo        number of edits to undo first

    Raises ConfigurationError for a file that cannot be read, InvalidEditError for an edit that does not apply, in which
    case nothing is written, and OtherVideoError for edits of another video.
    """
    result = _read_result(path)
    target = edits_path or _edits_beside(path)
    known = read_edit_file(target) if target.exists() else EditFile(sha256=result.video.sha256)
    changed = _changed(known, operations, undo)
    edited = changed.apply(result)
    outputs.prepare([path])
    if changed is not known:
        write_edit_file(target, changed)
    if outputs.destinations:
        with closing(outputs):
            outputs.write(edited, path, lambda _share: None)
    if not quiet:
        Console(stderr=True).print(summary(title_of(edited) or path.name, edited))
    return EXIT_OK


def read_edited(path: Path, edits_path: Path | None = None) -> Result:
    """The result of a file with its edits; by default those of the file beside it, if there is one.

    Raises ConfigurationError for a file that cannot be read, and OtherVideoError for edits of another video.
    """
    result, beside = _read_result(path), _edits_beside(path)
    found = edits_path or (beside if beside.exists() else None)
    return read_edit_file(found).apply(result) if found else result


def _edits_beside(path: Path) -> Path:
    """The default file of the edits of a result."""
    return path.with_name(f"{path.name.removesuffix('.json')}{EXTENSION}")


def _changed(known: EditFile, operations: Sequence[Edit], undo: int) -> EditFile:
    if undo > len(known.edits):
        raise NoEditError(f"{undo} edits to undo, but the file has {len(known.edits)}")
    if not operations and not undo:
        return known
    kept = known.edits[: len(known.edits) - undo]
    return known.model_copy(update={"version": known.version + 1, "edits": [*kept, *operations]})


def _read_result(path: Path) -> Result:
    try:
        return Result.read(path.read_bytes())
    except ValidationError as error:
        raise ConfigurationError(f"{path} is not a result of `duygu analyze --json`: {explain(error)[:200]}") from error
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
