"""Exports a trained network to a model folder that the engine can load: `python -m training.export RUN FOLDER`."""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # the package has no types

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import (
    CARD,
    FEATURE_STATISTICS,
    H5,
    INT8,
    LABELS,
    MADE_FROM,
    ONNX,
    RELATIVE,
    SECOND_HEAD,
    SECOND_TRUNK,
    Manifest,
    sha256_of,
    write_manifest,
)
from duygu.shared.schemas.model import MeasuredOn
from duygu.training.measure.card import int8_section, write_card, write_int8_section
from duygu.training.measure.metrics import probabilities_of
from duygu.training.measure.protocols import SUBJECT_LEAKING, rename_earlier_sections
from duygu.training.network import keras_file
from duygu.training.network.inference import predict
from duygu.training.network.keras_file import Network
from duygu.training.onnx.from_keras import to_onnx
from duygu.training.onnx.parts import write_parts
from duygu.training.run.command import note
from duygu.training.run.command import run as run_command
from duygu.training.run.folder import RunFolder

TOLERANCE = 1e-4
"""Largest accepted difference between the probabilities of both files; single precision causes about 1e-6."""

LICENCE = "MIT for the code and the weights as such; see MODEL_CARD.md for the data that they come from"


class ExportError(ModelError):
    """The ONNX network differs from the trained one, or the output folder is the run's folder."""


@dataclass(frozen=True, slots=True)
class Release:
    """Name, version and licence in the manifest."""

    name: str
    version: str
    licence: str = LICENCE


def export(path: Path, folder: Path, release: Release) -> None:
    """Write a model folder from a run's folder, its manifest last. Raises ExportError, ModelError."""
    run = RunFolder(path)
    if folder.resolve() == path.resolve():
        raise ExportError(f"{folder} is the folder of the training run: choose another folder for the model")
    network = keras_file.load(run.network)
    graph = to_onnx(network)
    if (found := difference(network, graph)) > TOLERANCE:
        raise ExportError(
            f"the probabilities of the ONNX network differ by {found:.1e}, above the limit of {TOLERANCE}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(run.network, folder / H5)
    onnx.save(graph, folder / ONNX)
    np.save(folder / LABELS, np.array(network.recipe.labels))
    report, section = rename_earlier_sections(run.read_measured()), int8_section(folder / CARD)
    write_card(folder / CARD, release.name, network, report, run.read_provenance())
    names = [H5, ONNX, LABELS, CARD]
    if _keep_int8(folder):
        names.append(INT8)
        write_int8_section(folder / CARD, section)
    manifest = Manifest(
        name=release.name,
        version=release.version,
        licence=release.licence,
        recipe=network.recipe.to_dict(),
        measured=manifest_figures(report),
        files={name: sha256_of(folder / name) for name in names},
    )
    for name in (RELATIVE, SECOND_TRUNK, SECOND_HEAD, FEATURE_STATISTICS):  # they belong to another trunk
        (folder / name).unlink(missing_ok=True)
    write_manifest(folder, manifest)
    write_parts(folder)


def _keep_int8(folder: Path) -> bool:
    """Whether the folder has an int8-quantised model of its present ONNX network; one of another network is deleted."""
    path = folder / INT8
    if not path.exists():
        return False
    try:
        metadata = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    except DecodeError:
        metadata = {}
    if metadata.get(MADE_FROM) == sha256_of(folder / ONNX):
        return True
    path.unlink()
    note(
        f"deleted {path}, which was quantised from another network; "
        "quantise this one with `python -m training.quantise`, or with `--stills` here"
    )
    return False


def manifest_figures(report: dict[str, Any]) -> dict[str, MeasuredOn]:
    """Figures of the subject-independent protocols."""
    return {key: MeasuredOn(**values["figures"]) for key, values in report.items() if not key.endswith(SUBJECT_LEAKING)}


def difference(network: Network, graph: onnx.ModelProto) -> float:
    """Largest difference between the probabilities of both networks on random clips."""
    clips = np.random.default_rng(0).normal(0, 1, (4, *network.recipe.input_shape)).astype(np.float32)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = probabilities_of(predict(network, clips))
    return float(np.abs(probabilities_of(session.run(None, {"clips": clips})[0]) - expected).max())


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder written by training.train")
    parser.add_argument("folder", type=Path, help="model folder to write")
    parser.add_argument("--name", help="name of the model; by default that of its recipe")
    parser.add_argument("--version", default="1", help="version of the model")
    parser.add_argument(
        "--stills", type=Path, help="labelled stills (stills48.npz): quantise as training.quantise does"
    )
    arguments = parser.parse_args()
    name = arguments.name or keras_file.load(RunFolder(arguments.run).network).recipe.name
    export(arguments.run, arguments.folder, Release(name, arguments.version))
    if arguments.stills:
        from duygu.training.onnx.quantisation import quantise_on_stills  # takes seconds to import

        print(quantise_on_stills(arguments.folder, arguments.stills))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    run_command(main)
