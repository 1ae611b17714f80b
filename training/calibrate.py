"""Fits temperatures and threshold on people who did not train: `python -m training.calibrate RUN --stills FILE`."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from duygu.shared.errors import ConfigurationError, TrainingDataError
from duygu.shared.model.folder import H5
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.types import Floats
from duygu.training.command import run as run_command
from duygu.training.data.clipset import ClipSet, Names, load_clips
from duygu.training.data.stills import VALIDATION, Stills, as_clips
from duygu.training.data.synthetic_motion import moving_clips
from duygu.training.measure.metrics import Answers, Integers, probabilities_of
from duygu.training.measure.protocols import by_recording
from duygu.training.measure.temperature import fit_temperature, uncertain_below
from duygu.training.network import keras_file as model_file
from duygu.training.network.inference import logits_of
from duygu.training.network.motion_gate import scale_moving
from duygu.training.train import SPLIT, known_before


def calibrate(run: Path, *, stills: Path | None, clips: Path | None) -> None:
    """Write temperatures and threshold into the run's model file, from what there is.

    Stills fit those of a window; clips those of a whole face, or all of them where there are no stills.
    """
    recipe = model_file.load(run / H5).recipe
    recordings = load_clips(clips, recipe) if clips else None
    if stills:
        calibrate_on_stills(run, Stills(stills))
    if stills and recordings:
        calibrate_tracks(run, Stills(stills), recordings)
    elif recordings:
        calibrate_on_clips(run, recordings)
    elif not stills:
        raise ConfigurationError("calibration needs --stills or --clips")


def calibrate_on_stills(run: Path, stills: Stills) -> None:
    """Fit the temperature of a window and the threshold, on the validation part of FER+.

    What is said of faces that move is scaled until the same temperature fits it, and the threshold is theirs.
    """
    network = model_file.load(run / H5)
    validation = stills.strict(VALIDATION, network.recipe.labels)
    frames = network.recipe.frames
    standing, moving = (logits_of(network, clips(validation.images, frames)) for clips in (as_clips, moving_clips))
    nobody = np.arange(len(moving)).astype(str)  # each still is of somebody else
    recipe = _window_settings(network.recipe, moving, validation.truth, nobody)
    temperature = fit_temperature(standing, validation.truth)
    scale_moving(network.model, temperature / recipe.temperature)
    recipe = replace(recipe, temperature=round(temperature, 4), track_temperature=round(temperature, 4))
    model_file.save(replace(network, recipe=recipe), run / H5)


def calibrate_on_clips(run: Path, clips: ClipSet) -> None:
    """Fit both temperatures and the threshold, on the people who chose the network and on nobody else."""
    network = model_file.load(run / H5)
    chosen = who_chose(run, clips)
    if chosen is None:
        raise ConfigurationError(f"{run} learned from no clips: calibrate it with --stills")
    logits = logits_of(network, chosen.images)
    model_file.require_strangers(known_before(run), chosen.subjects)
    recipe = _window_settings(network.recipe, logits, chosen.labels, chosen.subjects)
    tracks = by_recording(logits, chosen)
    temperature = fit_temperature(tracks.logits, tracks.truth)
    model_file.set_recipe(run / H5, replace(recipe, track_temperature=round(temperature, 4)))


def who_chose(run: Path, clips: ClipSet) -> ClipSet | None:
    """The clips of the people who chose the run's network; None where it learned from no clips.

    Raises TrainingDataError when there are none of theirs.
    """
    if not (run / SPLIT).exists():
        return None
    people = json.loads((run / SPLIT).read_text(encoding="utf-8"))["validation"]
    chosen = clips.take(np.isin(clips.subjects, people))
    if not len(chosen):
        raise TrainingDataError(f"there are no clips of the people who chose the network: {', '.join(people)}")
    return chosen


def calibrate_tracks(run: Path, stills: Stills, clips: ClipSet) -> None:
    """Fit the temperature of a whole face on moving stills and on recordings of people who did not train the network.

    Both count half: speech alone would make everybody unsure, stills alone too sure.
    """
    network = model_file.load(run / H5)
    chosen = who_chose(run, clips)
    strangers = clips if chosen is None else chosen
    model_file.require_strangers(known_before(run), strangers.subjects)
    validation = stills.strict(VALIDATION, network.recipe.labels)
    tracks = by_recording(logits_of(network, strangers.images), strangers)
    logits = logits_of(network, moving_clips(validation.images, network.recipe.frames))
    weights = np.repeat([1 / len(logits), 1 / len(tracks.logits)], [len(logits), len(tracks.logits)])
    both = np.concatenate([logits, tracks.logits])
    temperature = fit_temperature(both, np.concatenate([validation.truth, tracks.truth]), weights)
    model_file.set_recipe(run / H5, replace(network.recipe, track_temperature=round(temperature, 4)))


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
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.calibrate", description=__doc__)
    parser.add_argument("run", type=Path, help="folder that `duygu.training.train` wrote")
    parser.add_argument("--stills", type=Path, help="stills48.npz")
    parser.add_argument("--clips", type=Path, help="file that `duygu.training.prepare` wrote")
    arguments = parser.parse_args()
    calibrate(arguments.run, stills=arguments.stills, clips=arguments.clips)


if __name__ == "__main__":
    run_command(main)
