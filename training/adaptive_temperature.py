"""Fits an adaptive temperature for moving faces: `python -m training.adaptive_temperature MODEL --talking CLIPS --clips
CLIPS ...`.

No weight of a network changes: the model folder gets statistics of features, two fitted numbers, and the temperature of
tracks and the threshold that belong to them. The prediction for a repeated picture stays the same.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from duygu.shared.errors import ConfigurationError
from duygu.shared.model.folder import (
    CARD,
    FEATURE_STATISTICS,
    ModelFolder,
    open_model_folder,
    sha256_of,
    write_manifest,
)
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.classify.adaptive_temperature import AdaptiveTemperature
from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import ClipSet, joined, load_clips
from duygu.training.data.people import require_unseen_people
from duygu.training.export import manifest_figures
from duygu.training.measure.adaptive_temperature import MovingWindows, adapted_by_others, statistics_of
from duygu.training.measure.card import write_adaptive_section, write_calibration
from duygu.training.measure.protocols import ZERO_SHOT
from duygu.training.measure.report import summary
from duygu.training.measure.sum_of_heads import served_row, zero_shot_predictions
from duygu.training.network import keras_file
from duygu.training.network.served import FolderLogits, folder_logits
from duygu.training.run.command import run as run_command
from duygu.training.second_trunk import LEAST_PEOPLE, rewrite_recipe, with_thresholds


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that the command reads."""

    talking: Path  # clips of people who talk, without labels
    clips: Sequence[Path]  # labelled clips of people who trained nothing
    evaluated: Path | None = None  # those on which the zero-shot protocol is measured


@dataclass(frozen=True, slots=True)
class Fitted:
    """An adaptive temperature with the windows that it was fitted on."""

    adaptive: AdaptiveTemperature
    computed: FolderLogits
    clips: ClipSet
    windows: MovingWindows

    @property
    def logits(self) -> Floats:
        """(N, labels) logits of the windows, as serving computes them."""
        return self.computed.adapted(self.adaptive)

    def calibrated(self, recipe: Recipe, part: npt.NDArray[np.bool_]) -> Floats:
        """(N, labels) calibrated logits of all windows, with the factor fitted on those that a mask selects."""
        limits = self.adaptive.settings.least, self.adaptive.settings.most
        settings = self.windows.take(part).fit(recipe.temperature, limits)
        return self.computed.adapted(replace(self.adaptive, settings=settings)) / np.float32(recipe.temperature)


def add_adaptive_temperature(path: Path, sources: Sources, version: str | None = None) -> dict[str, Any]:
    """Write the adaptive temperature and the calibration that belongs to it into a model folder; the summaries.

    version  of the model from now on; by default unchanged

    Raises ConfigurationError for a folder without trunk, head with a gate, or Keras file and for too few people,
    TrainingDataError for clips without the crops for a second trunk, and SubjectLeakError for clips of people who
    trained the network.
    """
    folder = open_model_folder(path)
    talking = load_clips(sources.talking, folder.recipe, unlabelled=True)
    labelled = [load_clips(file, folder.recipe) for file in sources.clips]
    unseen = joined(labelled)
    _check(folder, unseen)
    fitted = fit(folder, talking, unseen)
    recipe = with_thresholds(folder.recipe, fitted.logits, unseen, lambda part: fitted.calibrated(folder.recipe, part))
    ends = np.cumsum([len(clips) for clips in labelled])[:-1]
    rows = [
        served_row(file.stem, recipe, part, clips)
        for file, part, clips in zip(sources.clips, np.split(fitted.logits, ends), labelled, strict=True)
    ]
    report = {}
    if sources.evaluated:
        clips = load_clips(sources.evaluated, folder.recipe)
        computed = folder_logits(folder, clips)
        logits = adapted_by_others(computed, clips, fitted.windows, recipe.temperature, fitted.adaptive)
        zero_shot = zero_shot_predictions(recipe.labels, logits, clips)
        report = {f"{sources.evaluated.stem}_{ZERO_SHOT}": summary(zero_shot)}
    write(path, Change(recipe, fitted.adaptive, rows, report), version)
    return report


def _check(folder: ModelFolder, clips: ClipSet) -> None:
    if not folder.is_divided or folder.h5 is None:
        raise ConfigurationError(
            f"{folder.path} lacks the network as trunk and head, or as Keras file: export it again"
        )
    require_unseen_people(keras_file.load(folder.h5).people, clips.subjects)
    if (people := len(np.unique(clips.subjects))) < LEAST_PEOPLE:
        raise ConfigurationError(f"the clips have {people} people; at least {LEAST_PEOPLE} are needed")


def fit(folder: ModelFolder, talking: ClipSet, clips: ClipSet) -> Fitted:
    """The adaptive temperature of a model folder, fitted on labelled clips.

    Raises ConfigurationError for a network without a motion gate, by which a repeated picture is left as it is.
    """
    computed = folder_logits(folder, clips)
    if not computed.gates.any():
        raise ConfigurationError(f"the network in {folder.path} has no motion gate, or no clip moves")
    statistics, limits = statistics_of(folder, talking)
    windows = MovingWindows.of(computed, statistics, clips)
    settings = windows.fit(folder.recipe.temperature, limits)
    return Fitted(AdaptiveTemperature(statistics, settings), computed, clips, windows)


@dataclass(frozen=True, slots=True)
class Change:
    """What a model folder gets with an adaptive temperature."""

    recipe: Recipe
    adaptive: AdaptiveTemperature
    served: list[str]  # rows of Markdown of the recordings that it was fitted on
    report: dict[str, Any]  # summary of each protocol by its name


def write(path: Path, change: Change, version: str | None) -> None:
    """Write the recipe, the statistics, the sections of the card, and the manifest last."""
    rewrite_recipe(path, change.recipe)
    manifest, statistics = open_model_folder(path).manifest, change.adaptive.statistics
    np.save(path / FEATURE_STATISTICS, np.stack([statistics.mean, statistics.deviation]))
    write_calibration(path / CARD, change.recipe)
    write_adaptive_section(path / CARD, change.adaptive.settings, change.served, change.report)
    digests = {name: sha256_of(path / name) for name in (FEATURE_STATISTICS, CARD)}
    changes = {
        "adaptive_temperature": change.adaptive.settings,
        "files": {**manifest.files, **digests},
        "measured": {**manifest.measured, **manifest_figures(change.report)},
        "version": version or manifest.version,
    }
    write_manifest(path, manifest.model_copy(update=changes))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.adaptive_temperature", description=__doc__)
    parser.add_argument("model", type=Path, help="model folder written by training.export or training.second_trunk")
    parser.add_argument("--talking", type=Path, required=True, help="clips of people who talk, without labels")
    parser.add_argument("--clips", type=Path, nargs="+", required=True, help="labelled clips, for the calibration")
    parser.add_argument("--evaluate", type=Path, help="labelled clips on which the zero-shot protocol is measured")
    parser.add_argument("--version", help="version of the model from now on")
    given = parser.parse_args()
    sources = Sources(given.talking, given.clips, given.evaluate)
    for name, values in add_adaptive_temperature(given.model, sources, given.version).items():
        print(name, json.dumps(values["figures"]))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    run_command(main)
