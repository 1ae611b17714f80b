"""The options of `duygu edit` that add an edit."""

import argparse
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from duygu.shared.baselines.recordings import recorded_baseline
from duygu.shared.errors import DuyguError
from duygu.shared.model.recipe import explain
from duygu.shared.workbench.edits.operations import EDIT


def parse_rename(text: str) -> dict[str, Any]:
    """Parse `FACE=NAME`; an empty name removes it."""
    face_id, _, name = text.partition("=")
    return {"op": "rename", "face_id": face_id, "name": name or None}


def parse_merge(text: str) -> dict[str, Any]:
    """Parse `FACE:INTO`."""
    face_id, _, into = text.partition(":")
    return {"op": "merge", "face_id": face_id, "into": into}


def parse_split(text: str) -> dict[str, Any]:
    """Parse `FACE@SECONDS`."""
    face_id, _, at_s = text.partition("@")
    return {"op": "split", "face_id": face_id, "at_s": at_s}


def _parse_part(text: str) -> dict[str, Any]:
    """Parse `FACE` or `FACE@START-END`."""
    face_id, at, span = text.partition("@")
    start_s, _, end_s = span.partition("-")
    return {"face_id": face_id, **({"start_s": start_s, "end_s": end_s} if at else {})}


def parse_exclude(text: str) -> dict[str, Any]:
    """Parse `FACE` or `FACE@START-END`."""
    return {"op": "exclude", **_parse_part(text)}


def parse_include(text: str) -> dict[str, Any]:
    """Parse `FACE` or `FACE@START-END`."""
    return {"op": "include", **_parse_part(text)}


def parse_baseline(text: str) -> dict[str, Any]:
    """Parse `FACE@START-END`, `FACE=RESULT`, or `FACE`, which removes the baseline."""
    face_id, equals, result = text.partition("=")
    if not equals:
        return {"op": "baseline", **_parse_part(text)}
    from duygu.services.commands.edit.command import read_edited

    return {"op": "baseline", "face_id": face_id, "recording": recorded_baseline(read_edited(Path(result)))}


def parse_threshold(text: str) -> dict[str, Any]:
    """Parse a confidence, or `model` for the model's threshold."""
    return {"op": "threshold", "uncertain_below": None if text == "model" else text}


OPERATIONS = {
    "--rename": (parse_rename, "FACE=NAME", "name a face; without NAME, remove its name"),
    "--merge": (parse_merge, "FACE:INTO", "join the face FACE to the face INTO"),
    "--split": (parse_split, "FACE@SECONDS", "make the later part of a face a new face"),
    "--exclude": (parse_exclude, "FACE[@START-END]", "exclude a face, or a part of its time in seconds"),
    "--include": (parse_include, "FACE[@START-END]", "revert an exclusion"),
    "--baseline": (
        parse_baseline,
        "FACE[@START-END|=RESULT]",
        "take a part of a face's time, in seconds, or the only face of another result, as its resting face, to which "
        "relative predictions refer; without either, remove its baseline",
    ),
    "--uncertain-below": (
        parse_threshold,
        "CONFIDENCE",
        "mark windows below this confidence as uncertain, as `duygu agree` suggests one; `model` returns to the "
        "threshold of the model",
    ),
}
"""Options that add an edit: the parser of the value, its form and its meaning."""


class AddOperation(argparse.Action):
    """Appends an edit to `operations`, so that edits of all kinds keep the order of the command line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Parse one value."""
        parse, form, _ = OPERATIONS[str(option_string)]
        try:
            edit = EDIT.validate_python(parse(values))
        except DuyguError as error:
            raise argparse.ArgumentError(self, f"{error.code}: {error.detail}") from error
        except ValidationError as error:
            raise argparse.ArgumentError(self, f"{values} is not {form}: {explain(error)}") from error
        namespace.operations = [*(namespace.operations or ()), edit]
