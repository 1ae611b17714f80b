"""A twin of the ONNX network in eight-bit integers: `python -m training.quantise FOLDER --stills stills48.npz`.

Three times as fast on processors that multiply bytes, at answers that hardly differ. The engine takes it where the
processor can, and the network itself elsewhere.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import CARD, INT8, MADE_FROM, ONNX, open_model_folder, sha256_of, write_manifest
from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas import MeasuredOn
from duygu.shared.vision.classify.classifier import RECIPE_KEY
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.types import Floats, Image
from duygu.training.command import run as run_command
from duygu.training.data.stills import TEST, VALIDATION, Stills, StrictStills, as_clips
from duygu.training.data.synthetic_motion import moving_clips
from duygu.training.measure.card import INTEGERS, write_integers_section
from duygu.training.measure.metrics import Answers, measured, probabilities_of

CALIBRATION = 200
"""Stills on which the range of each layer is measured, as they are and moving: what stands still has no motion."""

BATCH = 16

LEAST_AGREEMENT = 0.97
"""Share of clips for which both networks must name the same emotion."""

LAYERS = ["Conv", "Add", "Relu", "AveragePool"]


CARD_TEXT = """Where the processor multiplies bytes, serving answers with a twin of the network in eight-bit integers.
On {count} stills of FER+'s PrivateTest, both name the same emotion for {agreement:.1%}; its accuracy is
{integers.accuracy:.1%}, UAR {integers.uar:.1%} and ECE {integers.ece:.3f}, where the network itself has
{network.accuracy:.1%}, {network.uar:.1%} and {network.ece:.3f}.
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both networks on the same labelled stills."""

    count: int
    agreement: float
    network: MeasuredOn
    integers: MeasuredOn

    def __str__(self) -> str:
        return CARD_TEXT.format(**{field.name: getattr(self, field.name) for field in fields(self)})


class Clips(CalibrationDataReader):  # type: ignore[misc] # the package has no types
    """Hands clips to ONNX Runtime, a few at a time."""

    def __init__(self, clips: Floats) -> None:
        self._parts = iter([{"clips": part} for part in parts(clips)])

    def get_next(self) -> dict[str, Floats] | None:
        """The next ones, or None."""
        return next(self._parts, None)


def quantise(folder: Path, clips: Floats) -> None:
    """Write the twin into a model folder and its manifest.

    clips  (N, frames, size, size, 1) normalised, on which the range of each layer is measured

    Raises ModelError when the folder is damaged, or when the twin too often says something else.
    """
    opened = open_model_folder(folder)
    with tempfile.TemporaryDirectory() as temporary:
        prepared, made = Path(temporary) / "prepared.onnx", Path(temporary) / INT8
        quant_pre_process(opened.onnx, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            made,
            Clips(clips),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=LAYERS,
        )
        if (agreement := agree(logits_of(opened.onnx, clips), logits_of(made, clips))) < LEAST_AGREEMENT:
            raise ModelError(f"the network in integers names the same emotion for {agreement:.1%} of the clips only")
        model = onnx.load(made)
    recipe = Recipe.from_dict(opened.manifest.recipe)
    helper.set_model_props(model, {RECIPE_KEY: recipe.to_json(), MADE_FROM: opened.manifest.files[ONNX]})
    onnx.save(model, folder / INT8)
    files = {**opened.manifest.files, INT8: sha256_of(folder / INT8)}
    write_manifest(folder, opened.manifest.model_copy(update={"files": files}))


def compare(folder: Path, recipe: Recipe, stills: StrictStills) -> Comparison:
    """How often both agree, and how good each is."""
    clips = normalise(as_clips(stills.images, recipe.frames), recipe)
    one, other = (logits_of(folder / name, clips) for name in (ONNX, INT8))
    who = np.arange(len(clips)).astype(str)
    figures = [
        measured(Answers(recipe.labels, probabilities_of(logits, recipe.temperature), stills.truth, who))
        for logits in (one, other)
    ]
    return Comparison(len(clips), agree(one, other), *figures)


def tell(folder: Path, comparison: Comparison) -> None:
    """Write into the model card what was compared, in place of what it said before."""
    opened = open_model_folder(folder)
    write_integers_section(folder / CARD, f"{INTEGERS}{comparison}")
    files = {**opened.manifest.files, CARD: sha256_of(folder / CARD)}
    write_manifest(folder, opened.manifest.model_copy(update={"files": files}))


def clips_of(images: Image, recipe: Recipe) -> Floats:
    """(2 x N, frames, size, size, 1): stills as the network sees them, first as they are, then moving."""
    both = np.concatenate([as_clips(images, recipe.frames), moving_clips(images, recipe.frames)])
    return normalise(both, recipe)


def logits_of(network: Path, clips: Floats) -> Floats:
    """(N, labels) of an ONNX file."""
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"clips": part})[0] for part in parts(clips)])


def agree(one: Floats, other: Floats) -> float:
    """Share of rows whose largest entry is the same."""
    return float((one.argmax(axis=1) == other.argmax(axis=1)).mean())


def parts(clips: Floats) -> Iterator[Floats]:
    """A few clips at a time."""
    return (clips[start : start + BATCH] for start in range(0, len(clips), BATCH))


def quantise_on_stills(folder: Path, path: Path) -> Comparison:
    """Write the network in integers, with ranges measured on stills of the validation part, and compare both networks.

    path  stills48.npz
    """
    recipe = open_model_folder(folder).recipe
    stills = Stills(path)
    known = stills.strict(VALIDATION).images
    chosen = np.random.default_rng(0).permutation(len(known))[:CALIBRATION]
    quantise(folder, clips_of(known[chosen], recipe))
    comparison = compare(folder, recipe, stills.strict(TEST, recipe.labels))
    tell(folder, comparison)
    return comparison


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.quantise", description=__doc__)
    parser.add_argument("folder", type=Path, help="model folder that `duygu.training.export` wrote")
    parser.add_argument("--stills", type=Path, required=True, help="stills48.npz")
    arguments = parser.parse_args()
    print(quantise_on_stills(arguments.folder, arguments.stills))  # noqa: T201 - what the command answers


if __name__ == "__main__":
    run_command(main)
