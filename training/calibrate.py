"""Fits the temperatures and the threshold of a run on its validation part: `python -m training.calibrate RUN --stills FILE`."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from shared.model_folder import H5
from shared.vision.crops import normalise
from training import model_file
from training.calibration import fit_temperature, uncertain_below
from training.metrics import Answers, probabilities_of
from training.model_file import Network
from training.stills import VALIDATION, Stills, TestStills, as_clips


def still_logits(network: Network, stills: TestStills) -> model_file.Floats:
    """(N, labels) of stills that are shown as clips."""
    clips = as_clips(stills.images, network.recipe.frames)
    parts = np.array_split(clips, max(len(clips) // model_file.BATCH, 1))
    return np.concatenate([model_file.logits(network, normalise(part, network.recipe)) for part in parts])


def calibrate_on_stills(run: Path, stills: Stills) -> None:
    """Write temperature and threshold into the run's model file."""
    network = model_file.load(run / H5)
    validation = stills.strict(VALIDATION)
    logits = still_logits(network, validation)
    temperature = fit_temperature(logits, validation.truth)
    people = np.arange(len(logits)).astype(str)  # each still is of somebody else
    answers = Answers(probabilities_of(logits, temperature), validation.truth, people)
    recipe = replace(
        network.recipe,
        temperature=round(temperature, 4),
        track_temperature=round(temperature, 4),
        uncertain_below=round(uncertain_below(answers), 3),
    )
    model_file.set_recipe(run / H5, recipe)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.calibrate", description=__doc__)
    parser.add_argument("run", type=Path, help="folder that `training.train` wrote")
    parser.add_argument("--stills", type=Path, required=True, help="stills48.npz")
    arguments = parser.parse_args()
    calibrate_on_stills(arguments.run, Stills(arguments.stills))


if __name__ == "__main__":
    main()
