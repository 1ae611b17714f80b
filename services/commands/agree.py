"""`duygu agree`: compare labels of people with each other and with a result."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from duygu.services.commands.edit.command import read_edited
from duygu.services.commands.stdout import write_stdout
from duygu.shared.errors import ConfigurationError, DuyguError, from_code
from duygu.shared.schemas.result import Result
from duygu.shared.storage.atomic import write_atomically
from duygu.shared.workbench.labels.agreement import Agreement, agreement
from duygu.shared.workbench.labels.comparison import Comparison
from duygu.shared.workbench.labels.formats.reading import MAX_BYTES, LabelFile, read_label_file, slug
from duygu.shared.workbench.labels.label import Label
from duygu.shared.workbench.labels.manifest import manifest_rows, manifest_text
from duygu.shared.workbench.labels.sentences import in_words, sentences

EXIT_OK = 0

MODEL = "model"
"""The model in tables."""


@dataclass(frozen=True, slots=True)
class ManifestOptions:
    """The manifest to write."""

    path: Path
    video: Path | None = None
    """The video of the labels; by default the file with the name in the result, beside the result."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Further columns."""


def run(
    result: Path,
    files: Sequence[Path],
    *,
    edits: Path | None = None,
    target_accuracy: float = 0.9,
    as_json: bool = False,
    manifest: ManifestOptions | None = None,
) -> int:
    """Compare the labels in files, and print tables or JSON; the exit status.

    edits     file of edits; by default the one beside the result, if there is one
    target_accuracy   share of correct predictions that the threshold of `uncertain` has to keep
    manifest  where to add the labels for training

    Raises ConfigurationError for a file that cannot be read, and the errors of `read_label_file` with its name.
    """
    edited = read_edited(result, edits)
    console = Console(stderr=as_json)
    labels = _read(files, edited, console)
    found = agreement(edited, labels, target_accuracy)
    if as_json:
        write_stdout(found.model_dump_json(indent=2) + "\n")
    else:
        _show(found, console)
    if manifest:
        _write_manifest(edited, labels, manifest, result, console)
    return EXIT_OK


def _read(files: Sequence[Path], result: Result, console: Console) -> dict[str, list[Label]]:
    """The labels of all files by rater."""
    labels: dict[str, list[Label]] = {}
    for path in files:
        read = _read_file(path, result)
        if twice := sorted(labels.keys() & read.labels.keys()):
            raise ConfigurationError(f"{path}: the rater {twice[0]} has labels in another file as well")
        labels |= read.labels
        if read.skipped:
            console.print(f"{path.name}: skipped as no labels: {', '.join(read.skipped)}", style="dim", markup=False)
    return labels


def _read_file(path: Path, result: Result) -> LabelFile:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path}: the file is larger than {MAX_BYTES} bytes")
        return read_label_file(path.read_bytes(), result, slug(path.stem) or "rater")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except DuyguError as error:
        raise from_code(error.code, f"{path}: {error.detail.removeprefix(f'{path}: ')}") from error


def _show(found: Agreement, console: Console) -> None:
    console.print(_pairs(found.pairs))
    if len(found.raters) > 1:
        console.print(f"Krippendorff's alpha of all raters: {in_words(found.alpha)}", markup=False)
    console.print(_model(found))
    for pair in found.pairs:
        if pair.windows:
            console.print(_confusion(pair))
    for sentence in sentences(found):
        console.print(sentence, markup=False, highlight=False)


def _pairs(pairs: Sequence[Comparison]) -> Table:
    table = Table(title="Agreement, with 95 % intervals", title_justify="left")
    for heading in ("", "stretches", "windows", "equal", "Cohen's kappa", "Krippendorff's alpha"):
        table.add_column(heading, justify="left" if not heading else "right")
    for pair in pairs:
        equal = "–" if pair.observed is None else f"{pair.observed:.0%}"
        figures = (str(pair.stretches), str(pair.windows), equal, in_words(pair.kappa), in_words(pair.alpha))
        table.add_row(f"{pair.one} – {pair.other or MODEL}", *figures)
    return table


def _model(found: Agreement) -> Table:
    model = found.model
    table = Table(title="The model against most raters", title_justify="left")
    for heading in ("", "stretches", "windows", "value"):
        table.add_column(heading, justify="left" if not heading else "right")
    counts = (str(model.stretches), str(model.windows))
    table.add_row("accuracy", *counts, in_words(model.accuracy, percent=True))
    table.add_row("calibration error (ECE)", *counts, in_words(model.ece, percent=True))
    for label, one in model.recall.items():
        table.add_row(f"recall of {label}", str(one.stretches), str(one.windows), in_words(one, percent=True))
    return table


def _confusion(pair: Comparison) -> Table:
    """The confusion of a pair, without labels that neither uses."""
    used = [
        place
        for place in range(len(pair.labels))
        if any(pair.confusion[place]) or any(row[place] for row in pair.confusion)
    ]
    table = Table(title=f"Windows; rows: {pair.one}, columns: {pair.other or MODEL}", title_justify="left")
    table.add_column("")
    for place in used:
        table.add_column(pair.labels[place], justify="right")
    for place in used:
        table.add_row(pair.labels[place], *(str(pair.confusion[place][other]) for other in used))
    return table


def _write_manifest(
    result: Result, labels: Mapping[str, Sequence[Label]], options: ManifestOptions, path: Path, console: Console
) -> None:
    """Add the labels to a manifest. Rows that it has already are not repeated."""
    video = options.video or (path.parent / result.video.name if result.video.name else None)
    if video is None or not video.exists():
        raise ConfigurationError(f"the video {video or 'of the result'} does not exist; name it with --video")
    relative = Path(os.path.relpath(video, options.path.parent)).as_posix()
    made = manifest_rows(result, labels, relative, options.columns)
    known = _known_rows(options.path)
    write_atomically(options.path, manifest_text(known, made.rows).encode())
    left_out = f"; {made.undecided} labels without agreement or emotion were left out" if made.undecided else ""
    console.print(f"added {len(made.rows)} stretches to {options.path}{left_out}", markup=False, highlight=False)


def _known_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    try:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), restkey="", restval="")
        return [{name: cell for name, cell in row.items() if name} for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} is not a manifest: {error}") from error
