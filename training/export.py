"""From a trained network to a model folder that serves: `python -m training.export RUN FOLDER`."""

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # the package has no types

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import CARD, H5, INT8, LABELS, MADE_FROM, ONNX, Manifest, sha256_of, write_manifest
from duygu.shared.schemas import MeasuredOn
from duygu.training.command import run as run_command
from duygu.training.command import tell
from duygu.training.evaluate import LEAKY
from duygu.training.measure.card import integers_section, write_card, write_integers_section
from duygu.training.measure.metrics import probabilities_of
from duygu.training.measure.provenance import read_data
from duygu.training.network import keras_file as model_file
from duygu.training.network.inference import predict
from duygu.training.network.keras_file import Network
from duygu.training.onnx.from_keras import to_onnx
from duygu.training.train import MEASURED

TOLERANCE = 1e-4
"""Largest difference of the two files on any probability; single precision leaves about 1e-6."""

LICENCE = "MIT for the code and the weights as such; see MODEL_CARD.md for the data that they come from"


class ExportError(ModelError):
    """The exported network does not answer as the trained one does, or has nowhere to go."""


@dataclass(frozen=True, slots=True)
class Release:
    """What a folder says about its network besides what the network itself holds."""

    name: str
    version: str
    licence: str = LICENCE


def export(run: Path, folder: Path, release: Release) -> None:
    """Write a model folder, its manifest last. Raises ExportError, ModelError."""
    if folder.resolve() == run.resolve():
        raise ExportError("a model folder is another one than that of the training")
    network = model_file.load(run / H5)
    graph = to_onnx(network)
    if (found := difference(network, graph)) > TOLERANCE:
        raise ExportError(f"the two files differ by {found:.1e}")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(run / H5, folder / H5)
    onnx.save(graph, folder / ONNX)
    np.save(folder / LABELS, np.array(network.recipe.labels))
    report, section = read_report(run), integers_section(folder / CARD)
    write_card(folder / CARD, release.name, network, report, read_data(run))
    names = [H5, ONNX, LABELS, CARD]
    if _keep_integers(folder):
        names.append(INT8)
        write_integers_section(folder / CARD, section)
    manifest = Manifest(
        name=release.name,
        version=release.version,
        licence=release.licence,
        recipe=network.recipe.to_dict(),
        measured=honest_figures(report),
        files={name: sha256_of(folder / name) for name in names},
    )
    write_manifest(folder, manifest)


def _keep_integers(folder: Path) -> bool:
    """Whether the folder has a network in integers that was made from its present ONNX file; another is deleted."""
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
    tell(
        f"deleted {path}, which was quantised from another network; "
        "`python -m training.quantise` makes it anew, as does `--stills` here"
    )
    return False


def honest_figures(report: dict[str, Any]) -> dict[str, MeasuredOn]:
    """What the folder claims: nothing that was measured with the same people on both sides."""
    return {key: MeasuredOn(**values["figures"]) for key, values in report.items() if not key.endswith(LEAKY)}


def read_report(run: Path) -> dict[str, Any]:
    """What `duygu.training.evaluate` wrote into the run's folder; nothing where it was never run."""
    path = run / MEASURED
    if not path.exists():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8")))


def difference(network: Network, graph: onnx.ModelProto) -> float:
    """Largest difference between the probabilities of both, on random clips."""
    clips = np.random.default_rng(0).normal(0, 1, (4, *network.recipe.input_shape)).astype(np.float32)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    answers = probabilities_of(predict(network, clips))
    return float(np.abs(probabilities_of(session.run(None, {"clips": clips})[0]) - answers).max())


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("run", type=Path, help="folder that `duygu.training.train` wrote")
    parser.add_argument("folder", type=Path, help="model folder to write")
    parser.add_argument("--name", help="of the model; the recipe's name otherwise")
    parser.add_argument("--version", default="1", help="of the model")
    parser.add_argument(
        "--stills", type=Path, help="stills48.npz: quantise the network as well, as duygu.training.quantise does"
    )
    arguments = parser.parse_args()
    name = arguments.name or model_file.load(arguments.run / H5).recipe.name
    export(arguments.run, arguments.folder, Release(name, arguments.version))
    if arguments.stills:
        from duygu.training.quantise import quantise_on_stills  # takes seconds to import

        print(quantise_on_stills(arguments.folder, arguments.stills))  # noqa: T201 - what the command answers


if __name__ == "__main__":
    run_command(main)
