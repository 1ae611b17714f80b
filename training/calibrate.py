"""Fits temperatures and the threshold on validation data: `python -m training.calibrate RUN --stills FILE`."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from duygu.shared.errors import ConfigurationError, TrainingDataError
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.types import Floats
from duygu.training.command import run as run_command
from duygu.training.data.clipset import ClipSet, load_clips
from duygu.training.data.people import require_unseen_people
from duygu.training.data.stills import VALIDATION, Stills, as_clips
from duygu.training.data.synthetic_motion import moving_clips
from duygu.training.measure.metrics import Answers, probabilities_of
from duygu.training.measure.protocols import by_recording, dummy_ids
from duygu.training.measure.temperature import fit_temperature, uncertain_below
from duygu.training.network import keras_file
from duygu.training.network.inference import logits_of
from duygu.training.network.motion_gate import scale_moving
from duygu.training.run_folder import RunFolder
from duygu.training.types import Integers, Names


def calibrate(path: Path, *, stills: Path | None, clips: Path | None) -> None:
    """Write temperatures and threshold into the run's model file.

    With stills, these fit the temperature of a window and the threshold, and clips fit the temperature of a face track.
    Without stills, clips fit all three. Raises ConfigurationError when neither is given.
    """
    run = RunFolder(path)
    recipe = keras_file.load(run.network).recipe
    recordings = load_clips(clips, recipe) if clips else None
    if stills:
        calibrate_on_stills(run, Stills(stills))
    if stills and recordings:
        calibrate_tracks(run, Stills(stills), recordings)
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
    recipe = _window_settings(network.recipe, moving, validation.truth, dummy_ids(len(moving)))
    temperature = fit_temperature(still, validation.truth)
    scale_moving(network.model, temperature / recipe.temperature)
    recipe = replace(recipe, temperature=round(temperature, 4), track_temperature=round(temperature, 4))
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


def calibrate_tracks(run: RunFolder, stills: Stills, clips: ClipSet) -> None:
    """Fit the temperature of a face track on stills with camera shake and on recordings of people outside training.

    Both sets have the same total weight: fitted on speech alone, the network would be underconfident on stills, and
    overconfident on speech the other way round.
    """
    network = keras_file.load(run.network)
    validation = validation_clips(run, clips)
    unseen = clips if validation is None else validation
    require_unseen_people(keras_file.initial_people(run), unseen.subjects)
    known = stills.strict(VALIDATION, network.recipe.labels)
    tracks = by_recording(logits_of(network, unseen.images), unseen)
    logits = logits_of(network, moving_clips(known.images, network.recipe.frames))
    weights = np.repeat([1 / len(logits), 1 / len(tracks.logits)], [len(logits), len(tracks.logits)])
    both = np.concatenate([logits, tracks.logits])
    temperature = fit_temperature(both, np.concatenate([known.truth, tracks.truth]), weights)
    keras_file.set_recipe(run.network, replace(network.recipe, track_temperature=round(temperature, 4)))


def _window_settings(recipe: Recipe, logits: Floats, truth: Integers, people: Names) -> Recipe:
    temperature = fit_temperature(logits, truth)
    answers = Answers(recipe.labels, probabilities_of(logits, temperature), truth, people)
    return replace(
        recipe,
        temperature=round(temperature, 4),
        track_temperature=round(temperature, 4),
        uncertain_below=round(uncertain_below(answers), 3),
    )


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.calibrate", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder written by training.train")
    parser.add_argument("--stills", type=Path, help="labelled stills (stills48.npz)")
    parser.add_argument("--clips", type=Path, help="file of clips written by training.prepare")
    arguments = parser.parse_args()
    calibrate(arguments.run, stills=arguments.stills, clips=arguments.clips)


if __name__ == "__main__":
    run_command(main)
