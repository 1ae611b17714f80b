"""Evaluates a trained network: `python -m training.evaluate RUN --recipe e3d48 --stills FILE --clips FILE`.

Writes measured.json, which training.export copies into the model folder, and report.html with plots.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from duygu.shared.errors import ConfigurationError
from duygu.training.data.clipset import INPUT, ClipSet, differing, load_clips
from duygu.training.data.people import require_unseen_people
from duygu.training.data.stills import Stills
from duygu.training.measure.metrics import Predictions
from duygu.training.measure.protocols import (
    LEAVE_ONE_OUT,
    MOVING_STILLS,
    STILLS,
    SUBJECT_LEAKING,
    ZERO_SHOT,
    leave_each_out,
    moving_stills,
    strict_stills,
    subject_leaking,
    zero_shot,
)
from duygu.training.measure.report import summary, write_results
from duygu.training.network import keras_file
from duygu.training.network.keras_file import Network
from duygu.training.run.command import note
from duygu.training.run.command import run as run_command
from duygu.training.run.folder import RunFolder
from duygu.training.run.settings import TrainingRecipe, load_recipe

LEAST_ZERO_SHOT, LEAST_LEAVE_ONE_OUT = 2, 4
"""Numbers of people below which no one is left to fit a temperature on, or to train on."""


def evaluate(
    path: Path, recipe: TrainingRecipe, *, stills: Path | None, clips: Path | None, with_leaking: bool = False
) -> dict[str, Any]:
    """Evaluate by every protocol that there is data for, and write measured.json and report.html.

    with_leaking  also evaluate with a subject-leaking split

    returns  the summary of each protocol by its name

    Raises ConfigurationError for a network whose clips are cut differently, SubjectLeakError for clips of people who
    trained it.
    """
    run = RunFolder(path)
    report: dict[str, Any] = {}
    if stills and recipe.network == "inflated":
        report |= {name: summary(predictions) for name, predictions in _on_stills(run, stills)}
    if clips:
        known = load_clips(clips, recipe.clip)
        report |= {
            f"{clips.stem}_{name}": summary(predictions)
            for name, predictions in _on_clips(run, recipe, known, with_leaking=with_leaking)
        }
    write_results(run, recipe.clip.name, report)
    return report


def _on_stills(run: RunFolder, path: Path) -> Iterator[tuple[str, Predictions]]:
    network, labelled = keras_file.load(run.network), Stills(path)
    yield STILLS, strict_stills(network, labelled)
    yield MOVING_STILLS, moving_stills(network, labelled)


def _on_clips(
    run: RunFolder, recipe: TrainingRecipe, clips: ClipSet, *, with_leaking: bool
) -> Iterator[tuple[str, Predictions]]:
    people = len(np.unique(clips.subjects))
    start = _start(run, recipe, clips) if recipe.network == "inflated" else None
    if start and people < LEAST_ZERO_SHOT:
        note(f"{ZERO_SHOT} is skipped: it needs at least {LEAST_ZERO_SHOT} people, got {people}")
    elif start:
        yield ZERO_SHOT, zero_shot(start, clips)
    if recipe.clips and people < LEAST_LEAVE_ONE_OUT:
        note(f"{LEAVE_ONE_OUT} is skipped: it needs at least {LEAST_LEAVE_ONE_OUT} people, got {people}")
    elif recipe.clips:
        yield LEAVE_ONE_OUT, leave_each_out(recipe, start, clips, run.fold(LEAVE_ONE_OUT))
        if with_leaking:
            yield SUBJECT_LEAKING, subject_leaking(recipe, start, clips, run.fold(SUBJECT_LEAKING))


def _start(run: RunFolder, recipe: TrainingRecipe, clips: ClipSet) -> Network:
    """The network before training on clips, which must know none of the people in these."""
    start = keras_file.load_initial(run)
    if others := differing(start.recipe, recipe.clip, INPUT):
        raise ConfigurationError(f"the network in {run.path} expects clips with {others}")
    require_unseen_people(start.people, clips.subjects)
    return start


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder written by training.train")
    parser.add_argument("--recipe", default="e3d48", help="name of a recipe, or path of a TOML file")
    parser.add_argument("--stills", type=Path, help="labelled stills (stills48.npz)")
    parser.add_argument("--clips", type=Path, help="file of clips written by training.prepare")
    parser.add_argument(
        "--leaking",
        "--leaky",  # the name in version 0.1
        action="store_true",
        help="also evaluate with a subject-leaking random split, for comparison only (earlier name: --leaky)",
    )
    arguments = parser.parse_args()
    report = evaluate(
        arguments.run,
        load_recipe(arguments.recipe),
        stills=arguments.stills,
        clips=arguments.clips,
        with_leaking=arguments.leaking,
    )
    for name, values in report.items():
        print(name, json.dumps(values["figures"]))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    run_command(main)
