"""Fits temperatures and threshold on what only chose the network: `python -m training.calibrate RUN --stills FILE`."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from shared.model_folder import H5
from training import model_file
from training.calibration import fit_temperature, uncertain_below
from training.inference import logits_of
from training.metrics import Answers, probabilities_of
from training.stills import VALIDATION, Stills, as_clips


def calibrate_on_stills(run: Path, stills: Stills) -> None:
    """Write temperature and threshold into the run's model file."""
    network = model_file.load(run / H5)
    validation = stills.strict(VALIDATION)
    logits = logits_of(network, as_clips(validation.images, network.recipe.frames))
    temperature = fit_temperature(logits, validation.truth)
    people = np.arange(len(logits)).astype(str)  # each still is of somebody else
    answers = Answers(network.recipe.labels, probabilities_of(logits, temperature), validation.truth, people)
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
