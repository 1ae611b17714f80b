"""The layer for moving faces on the features of both trunks, adapted to labelled clips.

Nothing but this layer, the temperature of tracks and the threshold changes in the model folder: both trunks, the output
for still faces and the layer for relative predictions, which reads the trunks' features, stay as they are.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from duygu.shared.errors import ConfigurationError
from duygu.shared.model.folder import CARD, H5, ModelFolder, sha256_of, write_manifest
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.classify.second_trunk import open_second_trunk
from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import ClipSet
from duygu.training.data.splits import leave_one_out
from duygu.training.export import Release
from duygu.training.measure.card import (
    SecondTrunkFigures,
    int8_section,
    write_card,
    write_int8_section,
    write_relative_section,
)
from duygu.training.measure.metrics import Predictions, equal_people, probabilities_of
from duygu.training.measure.protocols import by_recording, calibrated_by_others
from duygu.training.measure.sum_of_heads import adapted, chosen_penalty
from duygu.training.measure.temperature import fit_temperature
from duygu.training.network import keras_file
from duygu.training.network.keras_file import Network
from duygu.training.network.sum_of_heads import SumOfHeads, Windows
from duygu.training.run.folder import RunFolder
from duygu.training.run.types import Integers
from duygu.training.second_trunk import Change, Seen, seen_by_both, with_thresholds, write

LEAST_CHOOSING = 3
"""Smallest number of people who choose the penalty."""


@dataclass(frozen=True, slots=True)
class JointLayer:
    """The adapted layer with its calibration, and the predictions of the old and the new one.

    The new predictions are for people to whose clips a layer was not adapted.
    """

    start: ModelFolder
    weights: Floats  # (F + G + 1, labels) of the correction
    recipe: Recipe
    old: Predictions
    new: Predictions


@dataclass(frozen=True, slots=True)
class _Folds:
    """Layers that were each adapted to all people but those of some clips, given by their indices."""

    network: Network
    seen: Seen
    layers: list[tuple[Integers, SumOfHeads]]

    def logits(self, factor: float = 1.0) -> Floats:
        """(N, labels) logits of all clips, as serving computes them, with the layers multiplied by a factor."""
        logits = np.zeros((len(self.seen.clips), len(self.network.recipe.labels)), np.float32)
        for left_out, layer in self.layers:
            logits[left_out] = self.seen.corrected(layer.scaled(factor).correction(self.network))[left_out]
        return logits


def adapt(folder: ModelFolder, network: Network, clips: ClipSet, penalty: float) -> JointLayer:
    """Adapt the layer of a model folder to all people; calibration and predictions are by cross-validation over people.

    network  of the folder
    penalty  weight of half the squared norm of the change where too few people are left to choose one of PENALTIES

    Raises TrainingDataError for clips of one person, or where those of all others lack crops for the second trunk.
    """
    trunk = open_second_trunk(folder, threads=0)
    if trunk is None:
        raise ConfigurationError(f"{folder.path} has no second trunk")
    seen, weights = seen_by_both(folder.path, trunk, clips), np.load(folder.second_head)
    start = SumOfHeads.corrected(network, weights)
    parts = leave_one_out(clips.subjects, 0)
    folds = _Folds(
        network, seen, [(part.test, _adapted(start, seen.windows_in(part.train), penalty)) for part in parts]
    )
    fitted = fit_temperature(folds.logits(), clips.labels, equal_people(clips.subjects))
    factor = network.recipe.temperature / fitted
    unseen, labels = folds.logits(factor), network.recipe.labels
    before, after = (by_recording(logits, clips) for logits in (seen.corrected(weights), unseen))
    old = probabilities_of(before.logits, network.recipe.track_temperature)
    return JointLayer(
        start=folder,
        weights=_adapted(start, seen.windows, penalty).scaled(factor).correction(network),
        recipe=with_thresholds(network.recipe, unseen, clips),
        old=Predictions(labels, old, before.truth, before.subjects),
        new=Predictions(labels, calibrated_by_others(after), after.truth, after.subjects),
    )


def _adapted(start: SumOfHeads, windows: Windows, penalty: float) -> SumOfHeads:
    """The layer adapted to windows, with a penalty that their people choose if there are enough of them."""
    if len(np.unique(windows.subjects)) >= LEAST_CHOOSING:
        penalty, _ = chosen_penalty(start, windows)
    return adapted(start, windows, penalty)


def write_adapted(layer: JointLayer, out: Path, run: RunFolder, release: Release) -> None:
    """Write the model folder `out`: that of the start with the network of the run, the layer and a new card.

    The network of the run differs from that of the start in its recipe and the people who trained it. Files of the
    start that stay as they are, such as the int8-quantised network, are copied.
    """
    start, manifest = layer.start, layer.start.manifest
    trunk, int8 = onnx.load(start.second_trunk), int8_section(start.path / CARD)
    if out.resolve() != start.path.resolve():
        out.mkdir(parents=True, exist_ok=True)
        for file in manifest.files:
            shutil.copyfile(start.path / file, out / file)
    shutil.copyfile(run.network, out / H5)
    write_card(out / CARD, release.name, keras_file.load(run.network), {}, run.read_provenance())
    if int8:
        write_int8_section(out / CARD, int8)
    if manifest.relative:
        write_relative_section(out / CARD, manifest.relative)
    files = {**manifest.files, **{file: sha256_of(out / file) for file in (H5, CARD)}}
    write_manifest(out, manifest.model_copy(update={"name": release.name, "measured": {}, "files": files}))
    if manifest.second_trunk:
        figures = SecondTrunkFigures([], run.read_measured(), f"{manifest.name} {manifest.version}")
        change = Change(layer.recipe, layer.weights, manifest.second_trunk, figures)
        write(out, trunk, change, version=release.version, licence=manifest.licence)
