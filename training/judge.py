"""Evaluates a model folder on recordings of unseen people: `python -m training.judge MODEL CLIPS REPORT`.

Nothing is trained or fitted. Each recording is classified as serving classifies a face track, once over all labels and
once without neutral.
"""

import argparse
import json
from pathlib import Path

from duygu.shared.model.folder import H5
from duygu.training.command import run as run_command
from duygu.training.data.clipset import load_clips
from duygu.training.data.people import require_unseen_people
from duygu.training.measure.protocols import as_served, without_neutral
from duygu.training.measure.report import summary, write_results
from duygu.training.network import keras_file
from duygu.training.run_folder import RunFolder

SERVED, WITHOUT_NEUTRAL = "as_served", "as_served_without_neutral"


def judge(model: Path, clips: Path, report: Path) -> dict[str, object]:
    """Write measured.json and report.html into the report's folder; return the figures by protocol.

    Raises SubjectLeakError when a person in the clips trained the network.
    """
    network = keras_file.load(model / H5)
    recordings = load_clips(clips, network.recipe)
    require_unseen_people(network.people, recordings.subjects)
    answers = as_served(network, recordings)
    measured = {SERVED: summary(answers)}
    if "neutral" in answers.labels and len((others := without_neutral(answers)).truth):
        measured[WITHOUT_NEUTRAL] = summary(others)
    write_results(RunFolder(report), network.recipe.name, measured)
    return {name: values["figures"] for name, values in measured.items()}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.judge", description=__doc__)
    parser.add_argument("model", type=Path, help="model folder, or run folder written by training.train")
    parser.add_argument("clips", type=Path, help="file of clips written by training.prepare")
    parser.add_argument("report", type=Path, help="output folder for measured.json and report.html")
    arguments = parser.parse_args()
    for name, figures in judge(arguments.model, arguments.clips, arguments.report).items():
        print(name, json.dumps(figures))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    run_command(main)
