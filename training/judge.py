"""How good a model folder is on recordings that it never saw: `python -m training.judge MODEL CLIPS REPORT`.

Nothing is trained or fitted: each recording is answered as serving answers a whole face, once over all labels and once
without neutral.
"""

import argparse
import json
from pathlib import Path

from duygu.shared.model.folder import H5
from duygu.training.command import run as run_command
from duygu.training.data.clipset import load_clips
from duygu.training.evaluate import summary, write_both
from duygu.training.measure.protocols import as_served, without_neutral
from duygu.training.network import keras_file as model_file

SERVED, WITHOUT_NEUTRAL = "as_served", "as_served_without_neutral"


def judge(model: Path, clips: Path, report: Path) -> dict[str, object]:
    """Write measured.json and report.html into the report's folder."""
    network = model_file.load(model / H5)
    recordings = load_clips(clips, network.recipe)
    model_file.require_strangers(network.people, recordings.subjects)
    answers = as_served(network, recordings)
    measured = {SERVED: summary(answers)}
    if "neutral" in answers.labels and len((others := without_neutral(answers)).truth):
        measured[WITHOUT_NEUTRAL] = summary(others)
    write_both(report, network.recipe.name, measured)
    return {name: values["figures"] for name, values in measured.items()}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.judge", description=__doc__)
    parser.add_argument("model", type=Path, help="model folder, or one that `duygu.training.train` wrote")
    parser.add_argument("clips", type=Path, help="file that `duygu.training.prepare` wrote")
    parser.add_argument("report", type=Path, help="folder to write")
    arguments = parser.parse_args()
    for name, figures in judge(arguments.model, arguments.clips, arguments.report).items():
        print(name, json.dumps(figures))  # noqa: T201 - what the command answers


if __name__ == "__main__":
    run_command(main)
