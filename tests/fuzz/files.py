"""Files from users: manifests, recipes, clips, model folders, API keys, results."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from duygu.shared.config.api_keys import KeyLimits, Scope, add_key, stored_keys
from duygu.shared.errors import DuyguError
from duygu.shared.exports import EXPORTS, ExportName
from duygu.shared.model.folder import MANIFEST, open_model_folder
from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.labels.formats.reading import read_label_file
from duygu.training.data.clipset import ClipWriter, load_clips
from duygu.training.data.recordings import read_recordings
from duygu.training.run.settings import FOLDER, load_recipe
from tests.fuzz.mutations import mutate, mutate_text, pick
from tests.support.results.known import two_faces
from tests.support.results.label_files import FORMATS as LABEL_FILES
from tests.support.results.label_files import labelled_result
from tests.support.tiny_model import write_tiny_model

RECIPE = Recipe("tiny", size=16)


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A file format: its valid content, its mutation and its reader."""

    content: bytes
    mutate: Callable[[bytes, np.random.Generator], bytes]
    read: Callable[[Path], object]
    place: Path


class Files:
    """Reads mutated files. An invalid file must raise a DuyguError and no other error."""

    name = "files"
    deadline_s = 10.0

    def __init__(self, folder: Path) -> None:
        """Create a valid file of each kind."""
        model = write_tiny_model(folder / "model", RECIPE)
        (folder / "1.mp4").touch()
        (folder / "2.mp4").touch()
        clips = folder / "clips.npz"
        with ClipWriter(clips, RECIPE) as writer:
            writer.add([np.zeros(RECIPE.input_shape[:-1], np.uint8)], 0, "ann", "1.mp4")
        add_key(folder / "keys.json", "app", frozenset({Scope.READ}), KeyLimits(sessions=3))
        recipe = (FOLDER / "e3d48.toml").read_bytes()
        result = two_faces().model_dump_json().encode()
        self._kinds = {
            b"recordings": FileFormat(MANIFEST_CSV, mutate_text, read_recordings, folder / "mine.csv"),
            b"recipe": FileFormat(recipe, mutate_text, lambda path: load_recipe(str(path)), folder / "mine.toml"),
            b"clips": FileFormat(clips.read_bytes(), mutate, lambda path: load_clips(path, RECIPE), clips),
            b"model": FileFormat(
                (model / MANIFEST).read_bytes(),
                mutate_text,
                lambda path: open_model_folder(path.parent),
                model / MANIFEST,
            ),
            b"keys": FileFormat((folder / "keys.json").read_bytes(), mutate_text, stored_keys, folder / "keys.json"),
            **{
                f"labels {name}".encode(): FileFormat(text.encode(), mutate_text, read_labels, folder / "labels")
                for name, text in LABEL_FILES.items()
            },
            b"result": FileFormat(result, mutate_text, export_result, folder / "result.json"),
        }

    def make(self, random: np.random.Generator) -> bytes:
        """Return the name of a kind, a line break, and the mutated content."""
        name = pick(sorted(self._kinds), random)
        kind = self._kinds[name]
        return name + b"\n" + kind.mutate(kind.content, random)

    def run(self, content: bytes) -> str:
        """Read the file and return its kind with `read` or the code of the DuyguError."""
        name, _, content = content.partition(b"\n")
        kind = self._kinds[name]
        kind.place.write_bytes(content)
        try:
            kind.read(kind.place)
        except DuyguError as error:
            return f"{name.decode()} {error.code}"
        return f"{name.decode()} read"


MANIFEST_CSV = (
    b"path,subject,emotion,start_s,end_s,face_x,face_y,rater\n"
    b"1.mp4,ann,happiness,0.5,1.4,0.25,0.5,bob\n1.mp4,ben,fear,0.5,1.4,0.75,0.5,bob\n2.mp4,ben,sad,,,,,\n"
)


def read_labels(path: Path) -> None:
    """Read a file of labels for a result with two faces."""
    read_label_file(path.read_bytes(), labelled_result(), "ann")


def export_result(path: Path) -> None:
    """Read a result and write every export of it. The schema refuses invalid results."""
    try:
        result = Result.model_validate_json(path.read_bytes())
    except ValidationError:
        return
    texts = {name: export.write(result) for name, export in EXPORTS.items()}
    again = Result.model_validate_json(texts[ExportName.JSON])
    assert again == result, "the exported JSON reads as another result"
    rows = list(csv.DictReader(io.StringIO(texts[ExportName.CSV].decode())))
    assert len(rows) == sum(len(face.windows) for face in result.faces), "the CSV has another number of windows"
