"""Static int8 quantisation of the ONNX network (QDQ format), and a comparison with the network it was made of."""

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
from duygu.shared.schemas.model import MeasuredOn
from duygu.shared.vision.classify.classifier import RECIPE_KEY
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.types import Floats, Image
from duygu.training.data.stills import TEST, VALIDATION, Stills, StrictStills, as_clips
from duygu.training.data.synthetic_motion import moving_clips
from duygu.training.measure.card import INT8_HEADING, write_int8_section
from duygu.training.measure.metrics import Predictions, measured, probabilities_of
from duygu.training.measure.protocols import dummy_ids
from duygu.training.onnx.parts import write_parts

CALIBRATION = 200
"""Stills on which the ranges of activations are measured, repeated and with synthetic camera shake."""

BATCH = 16

LEAST_AGREEMENT = 0.97
"""Lowest accepted share of clips for which both networks predict the same emotion."""

QUANTISED_OPERATORS = ["Conv", "Add", "Relu", "AveragePool"]

CARD_TEXT = """On processors with int8 dot-product instructions, serving runs an int8-quantised model (QDQ) of this
network. On {count} stills of FER+'s PrivateTest, both predict the same emotion for {agreement:.1%}; the accuracy of the
quantised model is {int8.accuracy:.1%}, its UAR {int8.uar:.1%} and its ECE {int8.ece:.3f}, compared with
{network.accuracy:.1%}, {network.uar:.1%} and {network.ece:.3f} of the network itself.
"""


@dataclass(frozen=True, slots=True)
class Int8Agreement:
    """Figures of both networks on the same labelled stills."""

    count: int
    agreement: float
    network: MeasuredOn
    int8: MeasuredOn

    def __str__(self) -> str:
        return CARD_TEXT.format(**{field.name: getattr(self, field.name) for field in fields(self)})


class ClipReader(CalibrationDataReader):  # type: ignore[misc] # the package has no types
    """Feeds clips to ONNX Runtime's calibration in batches."""

    def __init__(self, clips: Floats) -> None:
        self._parts = iter([{"clips": part} for part in parts(clips)])

    def get_next(self) -> dict[str, Floats] | None:
        """The next batch; None at the end."""
        return next(self._parts, None)


def quantise(folder: Path, clips: Floats) -> None:
    """Quantise the network of a model folder; write the quantised model and the manifest.

    clips  (N, frames, size, size, 1) normalised, on which the ranges of activations are measured

    Raises ModelError for a damaged folder, or when the predictions agree for less than LEAST_AGREEMENT of the clips.
    """
    opened = open_model_folder(folder)
    with tempfile.TemporaryDirectory() as temporary:
        prepared, made = Path(temporary) / "prepared.onnx", Path(temporary) / INT8
        quant_pre_process(opened.onnx, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            made,
            ClipReader(clips),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=QUANTISED_OPERATORS,
        )
        if (agreement := agree(logits_of(opened.onnx, clips), logits_of(made, clips))) < LEAST_AGREEMENT:
            raise ModelError(
                f"the int8-quantised model predicts the same emotion for {agreement:.1%} of the clips, "
                f"below the minimum of {LEAST_AGREEMENT:.0%}"
            )
        model = onnx.load(made)
    recipe = Recipe.from_dict(opened.manifest.recipe)
    helper.set_model_props(model, {RECIPE_KEY: recipe.to_json(), MADE_FROM: opened.manifest.files[ONNX]})
    onnx.save(model, folder / INT8)
    files = {**opened.manifest.files, INT8: sha256_of(folder / INT8)}
    write_manifest(folder, opened.manifest.model_copy(update={"files": files}))
    write_parts(folder)


def compare(folder: Path, recipe: Recipe, stills: StrictStills) -> Int8Agreement:
    """Agreement of both networks of a model folder, and the figures of each."""
    clips = normalise(as_clips(stills.images, recipe.frames), recipe)
    network, int8 = (logits_of(folder / name, clips) for name in (ONNX, INT8))
    ids = dummy_ids(len(clips))
    figures = [
        measured(Predictions(recipe.labels, probabilities_of(logits, recipe.temperature), stills.truth, ids))
        for logits in (network, int8)
    ]
    return Int8Agreement(len(clips), agree(network, int8), *figures)


def write_comparison(folder: Path, comparison: Int8Agreement) -> None:
    """Write the comparison into the model card of a folder, in place of an earlier one, and update the manifest."""
    opened = open_model_folder(folder)
    write_int8_section(folder / CARD, f"{INT8_HEADING}{comparison}")
    files = {**opened.manifest.files, CARD: sha256_of(folder / CARD)}
    write_manifest(folder, opened.manifest.model_copy(update={"files": files}))


def calibration_clips(images: Image, recipe: Recipe) -> Floats:
    """(N, size, size) stills -> (2 x N, frames, size, size, 1) normalised clips: repeated, then shaken."""
    both = np.concatenate([as_clips(images, recipe.frames), moving_clips(images, recipe.frames)])
    return normalise(both, recipe)


def logits_of(network: Path, clips: Floats) -> Floats:
    """(N, frames, size, size, 1) clips -> (N, labels) logits of an ONNX file."""
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"clips": part})[0] for part in parts(clips)])


def agree(one: Floats, other: Floats) -> float:
    """Share of rows whose largest entry has the same index."""
    return float((one.argmax(axis=1) == other.argmax(axis=1)).mean())


def parts(clips: Floats) -> Iterator[Floats]:
    """Batches of clips."""
    return (clips[start : start + BATCH] for start in range(0, len(clips), BATCH))


def quantise_on_stills(folder: Path, path: Path) -> Int8Agreement:
    """Quantise with ranges measured on stills of FER+'s PublicTest, and compare on its PrivateTest.

    path  stills48.npz
    """
    recipe = open_model_folder(folder).recipe
    stills = Stills(path)
    known = stills.strict(VALIDATION).images
    chosen = np.random.default_rng(0).permutation(len(known))[:CALIBRATION]
    quantise(folder, calibration_clips(known[chosen], recipe))
    comparison = compare(folder, recipe, stills.strict(TEST, recipe.labels))
    write_comparison(folder, comparison)
    return comparison
