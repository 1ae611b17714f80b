"""Evaluates a model folder on recordings of unseen people: `python -m training.judge MODEL CLIPS REPORT`.

Nothing is trained or fitted. Each recording is classified as serving classifies a face track, once over all labels and
once without neutral. `--by COLUMN` adds the figures for each value of a further column of the manifest.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from duygu.shared.model.folder import H5
from duygu.training.data.clipset import load_clips
from duygu.training.data.people import require_unseen_people
from duygu.training.measure.folder_predictions import folder_predictions
from duygu.training.measure.groups import by_column, require_columns
from duygu.training.measure.metrics import Predictions
from duygu.training.measure.protocols import without_neutral
from duygu.training.measure.report import summary, write_results
from duygu.training.network import keras_file
from duygu.training.run.command import run as run_command
from duygu.training.run.folder import RunFolder

SERVED, WITHOUT_NEUTRAL = "as_served", "as_served_without_neutral"


FEW_PEOPLE = 5
"""Groups of fewer people are marked in the report."""


def judge(model: Path, clips: Path, report: Path, by: Sequence[str] = ()) -> dict[str, object]:
    """Write measured.json and report.html into the report's folder; return the figures by protocol.

    by  further columns of the manifest; each of their values gets figures, with intervals over its people

    Raises SubjectLeakError when a person in the clips trained the network, and TrainingDataError for a column that the
    clips lack.
    """
    network = keras_file.load(model / H5)
    recordings = load_clips(clips, network.recipe)
    require_unseen_people(network.people, recordings.subjects)
    require_columns(recordings, by)
    predictions = folder_predictions(model, network, recordings)
    measured = {SERVED: summary(predictions)}
    if "neutral" in predictions.labels and len((others := without_neutral(predictions)).truth):
        measured[WITHOUT_NEUTRAL] = summary(others)
    groups = {
        f"{SERVED}, {column}={value}": part
        for column in by
        for value, part in by_column(predictions, recordings, column)
    }
    measured |= {name: summary(part) for name, part in groups.items()}
    write_results(RunFolder(report), network.recipe.name, measured, list(_notes(groups)))
    return {name: values["figures"] for name, values in measured.items()}


def _notes(groups: dict[str, Predictions]) -> Iterator[str]:
    """What the figures of groups do not support."""
    if groups:
        yield (
            "Groups can differ in their recordings, labels and people. A difference between groups whose intervals "
            "overlap cannot be claimed."
        )
    for name, part in groups.items():
        if (people := len(np.unique(part.subjects))) < FEW_PEOPLE:
            yield f"{name}: {people} people, fewer than {FEW_PEOPLE}; its interval says little about others."


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.judge", description=__doc__)
    parser.add_argument("model", type=Path, help="model folder, or run folder written by training.train")
    parser.add_argument("clips", type=Path, help="file of clips written by training.prepare")
    parser.add_argument("report", type=Path, help="output folder for measured.json and report.html")
    parser.add_argument(
        "--by",
        type=lambda text: text.split(","),
        default=[],
        metavar="COLUMN,…",
        help="further columns of the manifest by whose values the figures are also given, such as sex,speaking",
    )
    arguments = parser.parse_args()
    for name, figures in judge(arguments.model, arguments.clips, arguments.report, arguments.by).items():
        print(name, json.dumps(figures))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    run_command(main)
