"""Fits temperatures and thresholds on validation data: `training.calibrate RUN --stills FILE --clips FILE`."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from duygu.shared.errors import ConfigurationError, TrainingDataError
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import ClipSet, joined, load_clips
from duygu.training.data.people import require_unseen_people
from duygu.training.data.stills import VALIDATION, Stills, as_clips
from duygu.training.data.synthetic_motion import moving_clips
from duygu.training.measure.metrics import Predictions, equal_people, probabilities_of
from duygu.training.measure.protocols import by_recording, dummy_ids
from duygu.training.measure.temperature import (
    SELECTIVE_RISK,
    TALKING_RISK,
    cross_validated_share,
    fit_temperature,
    uncertain_below,
)
from duygu.training.network import keras_file
from duygu.training.network.inference import logits_of
from duygu.training.network.keras_file import Network
from duygu.training.network.motion_gate import scale_moving
from duygu.training.run.command import run as run_command
from duygu.training.run.folder import RunFolder
from duygu.training.run.types import Integers, Names


def calibrate(path: Path, *, stills: Path | None, clips: Path | Sequence[Path] | None = None) -> None:
    """Write temperatures and thresholds into the run's model file.

    Stills fit what applies to still faces, and clips what applies to moving ones. Without clips, stills with synthetic
    camera shake replace them. Raises ConfigurationError when neither is given.
    """
    run = RunFolder(path)
    recipe = keras_file.load(run.network).recipe
    files = [clips] if isinstance(clips, Path) else clips or []
    recordings = joined([load_clips(file, recipe) for file in files]) if files else None
    if stills:
        calibrate_on_stills(run, Stills(stills))
    if stills and recordings:
        calibrate_on_talking(run, recordings)
    elif recordings:
        calibrate_on_clips(run, recordings)
    elif not stills:
        raise ConfigurationError("calibration needs --stills or --clips")


def calibrate_on_stills(run: RunFolder, stills: Stills) -> None:
    """Fit the temperature of a window and the threshold on FER+'s PublicTest.

    The logits for moving faces are scaled so that the temperature of still faces fits them; the threshold is that of
    moving faces.
    """
    network = keras_file.load(run.network)
    validation = stills.strict(VALIDATION, network.recipe.labels)
    frames = network.recipe.frames
    still, moving = (logits_of(network, clips(validation.images, frames)) for clips in (as_clips, moving_clips))
    ids = dummy_ids(len(moving))
    recipe = _window_settings(network.recipe, moving, validation.truth, ids)
    temperature = fit_temperature(still, validation.truth)
    predictions = Predictions(recipe.labels, probabilities_of(still, temperature), validation.truth, ids)
    scale_moving(network.model, temperature / recipe.temperature)
    recipe = replace(
        recipe,
        temperature=round(temperature, 4),
        track_temperature=round(temperature, 4),
        still_uncertain_below=round(uncertain_below(predictions), 3),
        still_certain_means=1 - SELECTIVE_RISK,
    )
    keras_file.save(replace(network, recipe=recipe), run.network)


def calibrate_on_clips(run: RunFolder, clips: ClipSet) -> None:
    """Fit both temperatures and the threshold on the validation part of the clips.

    Raises ConfigurationError for a run that was not trained on clips, TrainingDataError when the clips contain no
    person of the validation part, and SubjectLeakError when they trained the network that training started from.
    """
    network = keras_file.load(run.network)
    validation = validation_clips(run, clips)
    if validation is None:
        raise ConfigurationError(f"{run.path} was not trained on clips: calibrate it with --stills")
    logits = logits_of(network, validation.images)
    require_unseen_people(keras_file.initial_people(run), validation.subjects)
    recipe = _window_settings(network.recipe, logits, validation.labels, validation.subjects)
    tracks = by_recording(logits, validation)
    temperature = fit_temperature(tracks.logits, tracks.truth)
    keras_file.set_recipe(run.network, replace(recipe, track_temperature=round(temperature, 4)))


def validation_clips(run: RunFolder, clips: ClipSet) -> ClipSet | None:
    """The clips of the people in the run's validation part; None where it was not trained on clips.

    Raises TrainingDataError when there are none.
    """
    if (people := run.validation_people()) is None:
        return None
    validation = clips.take(np.isin(clips.subjects, people))
    if not len(validation):
        raise TrainingDataError(f"no clips of the people in the validation part: {', '.join(people)}")
    return validation


def calibrate_on_talking(run: RunFolder, clips: ClipSet) -> None:
    """Fit what applies to moving faces on recordings of people outside training."""
    network = keras_file.load(run.network)
    validation = validation_clips(run, clips)
    unseen = clips if validation is None else validation
    require_unseen_people(keras_file.initial_people(run), unseen.subjects)
    keras_file.save(fit_moving(network, logits_of(network, unseen.images), unseen), run.network)


def fit_moving(network: Network, logits: Floats, unseen: ClipSet) -> Network:
    """The network with temperature and threshold for moving faces, fitted on recordings in which people count the same.

    logits  (N, labels) of these recordings, by networks that did not learn from the person in each

    The logits for moving faces are scaled so that the temperature of still faces fits them. The threshold is the lowest
    one at which TALKING_RISK of the windows at or above it are wrong.
    """
    weights = equal_people(unseen.subjects)
    factor = network.recipe.temperature / fit_temperature(logits, unseen.labels, weights)
    scale_moving(network.model, factor)
    probabilities = probabilities_of(logits * factor, network.recipe.temperature)
    predictions = Predictions(network.recipe.labels, probabilities, unseen.labels, unseen.subjects)
    tracks = by_recording(logits * factor, unseen)
    track_temperature = fit_temperature(tracks.logits, tracks.truth, equal_people(tracks.subjects))
    recipe = replace(
        network.recipe,
        track_temperature=round(track_temperature, 4),
        uncertain_below=round(uncertain_below(predictions, TALKING_RISK, weights), 3),
        certain_means=certain_share(logits, unseen),
    )
    return replace(network, recipe=recipe)


def certain_share(logits: Floats, clips: ClipSet) -> float | None:
    """Share that is right of the windows at or above the threshold: `cross_validated_share` of these clips."""
    return cross_validated_share(logits, clips.labels, clips.subjects)


def _window_settings(recipe: Recipe, logits: Floats, truth: Integers, people: Names) -> Recipe:
    temperature = fit_temperature(logits, truth)
    predictions = Predictions(recipe.labels, probabilities_of(logits, temperature), truth, people)
    return replace(
        recipe,
        temperature=round(temperature, 4),
        track_temperature=round(temperature, 4),
        uncertain_below=round(uncertain_below(predictions), 3),
    )


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.calibrate", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder written by training.train")
    parser.add_argument("--stills", type=Path, help="labelled stills (stills48.npz)")
    parser.add_argument("--clips", type=Path, nargs="+", default=[], help="files of clips written by training.prepare")
    arguments = parser.parse_args()
    calibrate(arguments.run, stills=arguments.stills, clips=arguments.clips)


if __name__ == "__main__":
    run_command(main)
