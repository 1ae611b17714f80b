"""Compares two model folders on the same recordings of unseen people: `python -m training.compare A B CLIPS REPORT`.

Nothing is trained or fitted. Each recording is classified as serving classifies a face track. The report says whether a
difference can be claimed.
"""

import argparse
from pathlib import Path

from duygu.shared.errors import ConfigurationError
from duygu.shared.model.folder import H5
from duygu.training.data.clipset import load_clips
from duygu.training.data.people import require_unseen_people
from duygu.training.measure.folder_predictions import folder_predictions
from duygu.training.measure.metrics import Predictions
from duygu.training.measure.paired import differences, discordant_sentence, sentences
from duygu.training.measure.report import summary, write_results
from duygu.training.network import keras_file
from duygu.training.run.command import run as run_command
from duygu.training.run.folder import RunFolder

UNSEEN = "none of whom trained either network"


def compare(first: Path, second: Path, clips: Path, report: Path) -> list[str]:
    """Write measured.json and report.html into the report's folder; return the comparison in words.

    Raises SubjectLeakError when a person in the clips trained one of the networks, ConfigurationError for networks with
    different labels, and TrainingDataError for too few people or recordings.
    """
    old, new = (_predictions(model, clips) for model in (first, second))
    if old.labels != new.labels:
        raise ConfigurationError(
            f"the networks have different labels: {', '.join(old.labels)}; {', '.join(new.labels)}"
        )
    lines = [*sentences(differences(old, new), old.subjects, UNSEEN), discordant_sentence(old, new)]
    names = [_name(model, other) for model, other in ((first, second), (second, first))]
    measured = {f"old: {names[0]}": summary(old), f"new: {names[1]}": summary(new)}
    write_results(RunFolder(report), " and ".join(names), measured, lines)
    return lines


def _predictions(model: Path, path: Path) -> Predictions:
    network = keras_file.load(model / H5)
    clips = load_clips(path, network.recipe)
    require_unseen_people(network.people, clips.subjects)
    return folder_predictions(model, network, clips)


def _name(model: Path, other: Path) -> str:
    """The folder's name, or its path where both have the same name."""
    return model.name if model.resolve().name != other.resolve().name else str(model)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.compare", description=__doc__)
    parser.add_argument("first", type=Path, metavar="A", help="model folder of the old network")
    parser.add_argument("second", type=Path, metavar="B", help="model folder of the new network")
    parser.add_argument("clips", type=Path, help="file of clips written by training.prepare")
    parser.add_argument("report", type=Path, help="output folder for measured.json and report.html")
    arguments = parser.parse_args()
    lines = compare(arguments.first, arguments.second, arguments.clips, arguments.report)
    print("\n".join(lines))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    run_command(main)
