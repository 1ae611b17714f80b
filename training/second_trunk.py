"""Adds a second trunk to a model folder: `python -m training.second_trunk MODEL --teachers FOLDER --stills FILE
--talking CLIPS --clips CLIPS ...`.

The trunk is that of face-api's expression network (MIT), unchanged. A linear layer on its pooled features is learned on
stills, adapted to people who talk, and added to that of the first trunk; the sum is calibrated on labelled clips of
people who trained nothing. The network itself, and its output for still faces, do not change.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import helper

from duygu.shared.errors import ConfigurationError, TrainingDataError
from duygu.shared.model.folder import (
    CARD,
    FEATURE_STATISTICS,
    H5,
    INT8,
    MADE_FROM,
    ONNX,
    SECOND_HEAD,
    SECOND_TRUNK,
    SecondTrunkSettings,
    open_model_folder,
    sha256_of,
    write_manifest,
)
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.classify.adaptive_temperature import open_adaptive_temperature
from duygu.shared.vision.classify.second_trunk import SecondTrunk
from duygu.shared.vision.types import Floats, Image
from duygu.training.data.clipset import ClipSet, joined, load_clips
from duygu.training.data.people import require_unseen_people
from duygu.training.data.second_crops import FACE_API_CROPS
from duygu.training.data.stills import Stills, TrainingStills
from duygu.training.distillation.teachers import face_api_weights
from duygu.training.export import manifest_figures
from duygu.training.measure.card import (
    SecondTrunkFigures,
    write_adaptive_section,
    write_calibration,
    write_second_trunk_section,
)
from duygu.training.measure.metrics import Predictions, equal_people, probabilities_of
from duygu.training.measure.protocols import LEAVE_ONE_OUT, ZERO_SHOT, by_recording
from duygu.training.measure.report import summary
from duygu.training.measure.sum_of_heads import adapted_predictions, served_row, zero_shot_predictions
from duygu.training.measure.temperature import (
    TALKING_RISK,
    Calibration,
    cross_validated_share,
    fit_temperature,
    uncertain_below,
)
from duygu.training.mouth_motion.copies import Copies, copies_of
from duygu.training.mouth_motion.landmarks import MouthMotion
from duygu.training.network import keras_file
from duygu.training.network.keras_file import RECIPE_KEY, Network
from duygu.training.network.served import ServedClips, second_features, served_clips
from duygu.training.network.sum_of_heads import SumOfHeads, Windows, both_means
from duygu.training.network.talking_head import CopyFeatures, adapted_layer, still_features, talking_features
from duygu.training.onnx.face_api import PooledTrunk
from duygu.training.onnx.parts import write_parts
from duygu.training.run.command import run as run_command
from duygu.training.run.settings import TalkingSettings, load_recipe
from duygu.training.run.types import Integers

LEAST_PEOPLE = 4
"""Smallest number of people whose clips calibrate the sum."""

SECOND_LICENCE = (
    "; the convolutions of the second trunk are those of face-api.js (MIT, Copyright (c) 2018 Vincent Mühler, "
    "Copyright (c) Vladimir Mandic; the text is in MODEL_CARD.md)"
)
"""End of the licence of a model with the second trunk."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that the command reads."""

    teachers: Path  # folder with the package of face-api
    stills: Path
    talking: Path  # clips of people who talk, without labels
    clips: Sequence[Path]  # labelled clips of people who trained nothing, for calibration
    evaluated: Path | None = None  # those on which the protocols are measured
    mouth_motion: Path | None = None  # file of training.mouth_motion, for talking copies of the stills


@dataclass(frozen=True, slots=True)
class Seen:
    """What both trunks compute for clips."""

    clips: ClipSet
    served: ServedClips
    features: Floats  # (N, F + G); NaN in the rows of clips without crops for the second trunk
    factors: Floats | None = None  # (N,) of an adaptive temperature, which multiply the logits

    @property
    def windows(self) -> Windows:
        """The clips that both trunks have seen."""
        return self.windows_in(np.arange(len(self.clips)))

    def windows_in(self, part: Integers) -> Windows:
        """Those of the clips at these indices that both trunks have seen. Raises TrainingDataError for none."""
        features, clips = self.features[part], self.clips
        both = np.asarray(~np.isnan(features).any(axis=1), np.bool_)
        if not both.any():
            raise TrainingDataError(
                "no clip has a crop for the second trunk, of the people "
                + ", ".join(sorted(set(clips.subjects[part].tolist())))
            )
        return Windows(features, clips.labels[part], clips.subjects[part], clips.recordings[part]).take(both)

    def corrected(self, weights: Floats) -> Floats:
        """(N, labels) logits as serving computes them; clips without crops for the second trunk are not corrected."""
        if self.served.gates is None:
            raise ConfigurationError("the network has no motion gate, which a second trunk needs")
        correction = self.served.gates[:, np.newaxis] * (self.features @ weights[:-1] + weights[-1])
        logits = np.asarray(self.served.logits + np.nan_to_num(correction), np.float32)
        return logits if self.factors is None else logits * self.factors[:, np.newaxis]


def add_second_trunk(path: Path, sources: Sources, version: str | None = None) -> dict[str, Any]:
    """Write the second trunk, its layer and the new calibration into a model folder; the summaries by protocol.

    version  of the model from now on; by default unchanged

    Raises ConfigurationError for a folder without trunk, head or Keras file and for too few people, TrainingDataError
    for files without what is needed, and SubjectLeakError for clips of people who trained the network.
    """
    network, settings = _opened(path)
    talking = load_clips(sources.talking, network.recipe, unlabelled=True)
    labelled = [load_clips(file, network.recipe) for file in sources.clips]
    unseen = joined(labelled)
    _check(network, unseen)
    trunk = PooledTrunk(face_api_weights(sources.teachers))
    second_features(trunk.features, unseen.take(np.arange(1)))  # fails before minutes of computation
    stills = Stills(sources.stills).training()
    motion = MouthMotion.load(sources.mouth_motion, stills) if sources.mouth_motion else None
    copies = copies_of(network, trunk.features, FACE_API_CROPS, stills, motion) if motion else None
    heads = learn_heads(network, trunk, stills, talking, settings, copies)
    write_parts(path)  # earlier versions wrote a head without the output of its gate
    remove_adaptive_temperature(path)  # it was fitted to other logits
    seen = seen_by_both(path, trunk, unseen)
    weights = calibrated_weights(network, heads, seen.windows)
    logits = seen.corrected(weights)
    recipe = with_thresholds(network.recipe, logits, unseen)
    ends = np.cumsum([len(clips) for clips in labelled])[:-1]
    served = [
        served_row(file.stem, recipe, part, clips)
        for file, part, clips in zip(sources.clips, np.split(logits, ends), labelled, strict=True)
    ]
    report = {}
    if sources.evaluated:
        evaluated = seen_by_both(path, trunk, load_clips(sources.evaluated, network.recipe))
        report = dict(protocols(recipe, heads, weights, evaluated, sources.evaluated.stem))
    manifest = open_model_folder(path).manifest
    licence = manifest.licence.partition(SECOND_LICENCE)[0] + SECOND_LICENCE
    figures = SecondTrunkFigures(served, report, copies=len(copies.stills) if copies else 0)
    change = Change(recipe, weights, FACE_API_CROPS, figures)
    write(path, trunk.model, change, version=version or manifest.version, licence=licence)
    return report


def _opened(path: Path) -> tuple[Network, TalkingSettings]:
    folder = open_model_folder(path)
    if not folder.is_divided or folder.h5 is None:
        raise ConfigurationError(f"{path} lacks the network as trunk and head, or as Keras file: export it again")
    network = keras_file.load(folder.h5)
    settings = load_recipe(network.recipe.name).talking
    if settings is None:
        raise ConfigurationError(f"the recipe {network.recipe.name} has no section [talking]")
    return network, settings


def _check(network: Network, clips: ClipSet) -> None:
    require_unseen_people(network.people, clips.subjects)
    if (people := len(np.unique(clips.subjects))) < LEAST_PEOPLE:
        raise ConfigurationError(f"the clips have {people} people; at least {LEAST_PEOPLE} are needed")


def learn_heads(
    network: Network,
    trunk: PooledTrunk,
    stills: TrainingStills,
    talking: ClipSet,
    settings: TalkingSettings,
    copies: Copies | None = None,
) -> SumOfHeads:
    """The layer on both trunks: each part is learned on stills and adapted to people who talk, as for one trunk.

    copies  talking copies of stills, which are learned beside them
    """
    own, other = (
        (CopyFeatures(copies.stills, part) for part in (copies.first, copies.second)) if copies else (None,) * 2
    )
    features, weights = talking_features(network, talking)
    first = adapted_layer(still_features(network, stills.images), stills, features, weights, settings, own)
    of_clips = second_features(trunk.features, talking)
    _, place, counts = np.unique(talking.recordings, return_inverse=True, return_counts=True)
    weights = np.repeat(1 / counts[place], [len(rows) for rows in of_clips])
    of_stills = trunk.features(enlarged(stills.images))
    weights /= weights.sum()
    second = adapted_layer(of_stills, stills, np.concatenate(of_clips), weights, settings, other)
    return SumOfHeads.of(first, second)


def enlarged(images: Image) -> Image:
    """Stills (N, size, size) at the size of the second trunk's crops."""
    side = FACE_API_CROPS.size
    return np.stack([cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR) for image in images])


def seen_by_both(path: Path, trunk: PooledTrunk | SecondTrunk, clips: ClipSet) -> Seen:
    """The features of clips by both trunks."""
    folder = open_model_folder(path)
    served, adaptive = served_clips(folder, clips), open_adaptive_temperature(folder)
    factors = None
    if adaptive and served.gates is not None:
        factors = adaptive.factors(served.means, served.gates)
    return Seen(clips, served, both_means(served.means, second_features(trunk.features, clips)), factors)


def remove_adaptive_temperature(path: Path) -> None:
    """Remove the adaptive temperature of a model folder, if it has one."""
    manifest = open_model_folder(path).manifest
    if manifest.adaptive_temperature is None:
        return
    files = {name: digest for name, digest in manifest.files.items() if name != FEATURE_STATISTICS}
    write_manifest(path, manifest.model_copy(update={"adaptive_temperature": None, "files": files}))
    (path / FEATURE_STATISTICS).unlink()


def calibrated_weights(network: Network, heads: SumOfHeads, windows: Windows) -> Floats:
    """(F + G + 1, labels) weights of the correction.

    The logits of the sum are scaled so that the temperature of still faces fits them, each person counting the same.
    """
    fitted = fit_temperature(heads.logits(windows.features), windows.labels, equal_people(windows.subjects))
    return heads.scaled(network.recipe.temperature / fitted).correction(network)


def with_thresholds(recipe: Recipe, logits: Floats, clips: ClipSet, calibration: Calibration | None = None) -> Recipe:
    """The recipe with track temperature and threshold for these logits, as `training.calibrate` fits them.

    calibration  what `certain_means` fits on the other people, by default one temperature for these logits
    """
    weights = equal_people(clips.subjects)
    predictions = Predictions(recipe.labels, probabilities_of(logits, recipe.temperature), clips.labels, clips.subjects)
    tracks = by_recording(logits, clips)
    track_temperature = fit_temperature(tracks.logits, tracks.truth, equal_people(tracks.subjects))
    return replace(
        recipe,
        track_temperature=round(track_temperature, 4),
        uncertain_below=round(uncertain_below(predictions, TALKING_RISK, weights), 3),
        certain_means=cross_validated_share(logits, clips.labels, clips.subjects, calibration),
    )


def protocols(recipe: Recipe, heads: SumOfHeads, weights: Floats, seen: Seen, name: str) -> dict[str, Any]:
    """The summaries of the protocols on clips, by their names."""
    zero_shot = zero_shot_predictions(recipe.labels, seen.corrected(weights), seen.clips)
    adapted = adapted_predictions(recipe.labels, heads, seen.windows)
    return {f"{name}_{ZERO_SHOT}": summary(zero_shot), f"{name}_{LEAVE_ONE_OUT}": summary(adapted)}


@dataclass(frozen=True, slots=True)
class Change:
    """What a model folder gets with a second trunk, or with another layer for it."""

    recipe: Recipe
    weights: Floats  # (F + G + 1, labels) of the correction
    settings: SecondTrunkSettings
    figures: SecondTrunkFigures


def write(path: Path, trunk: onnx.ModelProto, change: Change, *, version: str, licence: str) -> None:
    """Write the recipe, the second trunk and its layer, the sections of the card, and the manifest last."""
    write_recipe(path, change.recipe)
    manifest = open_model_folder(path).manifest
    helper.set_model_props(trunk, {MADE_FROM: sha256_of(path / ONNX)})
    onnx.save(trunk, path / SECOND_TRUNK)
    np.save(path / SECOND_HEAD, change.weights)
    write_calibration(path / CARD, change.recipe)
    write_second_trunk_section(path / CARD, change.settings, change.figures)
    if manifest.adaptive_temperature:
        write_adaptive_section(path / CARD, manifest.adaptive_temperature, [], {})
    digests = {name: sha256_of(path / name) for name in (SECOND_TRUNK, SECOND_HEAD, CARD)}
    changes = {
        "second_trunk": change.settings,
        "files": {**manifest.files, **digests},
        "measured": {**manifest.measured, **manifest_figures(change.figures.protocols)},
        "version": version,
        "licence": licence,
    }
    write_manifest(path, manifest.model_copy(update=changes))


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Replace the recipe in all files of a model folder; the weights are unchanged."""
    manifest = open_model_folder(path).manifest
    keras_file.set_recipe(path / H5, recipe)
    _set_properties(path / ONNX, {RECIPE_KEY: recipe.to_json()})
    if INT8 in manifest.files:
        _set_properties(path / INT8, {RECIPE_KEY: recipe.to_json(), MADE_FROM: sha256_of(path / ONNX)})
    changed = [name for name in (H5, ONNX, INT8, CARD) if name in manifest.files]
    kept = {name: digest for name, digest in manifest.files.items() if name not in (SECOND_TRUNK, SECOND_HEAD)}
    files = {**kept, **{name: sha256_of(path / name) for name in changed}}
    update = {"recipe": recipe.to_dict(), "files": files, "second_trunk": None}
    write_manifest(path, manifest.model_copy(update=update))
    write_parts(path)


def rewrite_recipe(path: Path, recipe: Recipe) -> None:
    """Replace the recipe in all files of a model folder that keeps its second trunk, if it has one."""
    manifest = open_model_folder(path).manifest
    write_recipe(path, recipe)
    if manifest.second_trunk is None:
        return
    _set_properties(path / SECOND_TRUNK, {MADE_FROM: sha256_of(path / ONNX)})
    rewritten = open_model_folder(path).manifest
    digests = {name: sha256_of(path / name) for name in (SECOND_TRUNK, SECOND_HEAD)}
    update = {"second_trunk": manifest.second_trunk, "files": {**rewritten.files, **digests}}
    write_manifest(path, rewritten.model_copy(update=update))


def _set_properties(path: Path, properties: dict[str, str]) -> None:
    model = onnx.load(path)
    helper.set_model_props(model, {entry.key: entry.value for entry in model.metadata_props} | properties)
    onnx.save(model, path)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.second_trunk", description=__doc__)
    parser.add_argument("model", type=Path, help="model folder written by training.export")
    parser.add_argument("--teachers", type=Path, required=True, help="folder with the package of face-api")
    parser.add_argument("--stills", type=Path, required=True, help="labelled stills (stills48.npz)")
    parser.add_argument("--talking", type=Path, required=True, help="clips of people who talk, without labels")
    parser.add_argument("--clips", type=Path, nargs="+", required=True, help="labelled clips, for the calibration")
    parser.add_argument("--evaluate", type=Path, help="labelled clips on which the protocols are measured")
    parser.add_argument("--mouth-motion", type=Path, help="file of training.mouth_motion, for talking copies of stills")
    parser.add_argument("--version", help="version of the model from now on")
    given = parser.parse_args()
    sources = Sources(given.teachers, given.stills, given.talking, given.clips, given.evaluate, given.mouth_motion)
    for name, values in add_second_trunk(given.model, sources, given.version).items():
        print(name, json.dumps(values["figures"]))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    run_command(main)
