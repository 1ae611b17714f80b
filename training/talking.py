"""Measures a model on people who talk and on silent ones: `python -m training.talking MODEL RECORDINGS`.

RECORDINGS is a manifest or a folder, as for `training.prepare`, of people who did not train the model. Each is analysed
as a service does, with movements; `speaking` of each window says whether it counts as talking. The model card gets the
accuracy, the recall of each emotion and the calibration error of both parts.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from duygu.shared.config.engine import decode_limits, engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.exports.spans import is_talking
from duygu.shared.model.folder import CARD, open_model_folder, sha256_of, write_manifest
from duygu.shared.schemas.options import MOVEMENTS, AnalysisOptions
from duygu.shared.schemas.result import Window
from duygu.shared.vision.analysis import analyze_video
from duygu.shared.vision.engine import Engine, load_engine
from duygu.training.data.layouts import Recording
from duygu.training.data.recordings import read_recordings
from duygu.training.measure.card import write_talking_section
from duygu.training.measure.talking import LabelledWindow, figures_of
from duygu.training.run.command import note
from duygu.training.run.command import run as run_command


def measure_talking(model: Path, recordings: Path) -> str:
    """Write the section of the model card, with its hash in the manifest; the table of the section.

    Raises ModelError for an invalid model folder, and TrainingDataError for invalid recordings or none with speaking.
    """
    folder = open_model_folder(model)
    engine = load_engine(engine_options(Settings(model=model)))
    windows = [window for recording in read_recordings(recordings) for window in _windows(recording, engine)]
    table = figures_of(windows, engine.recipe.labels)
    write_talking_section(folder.path / CARD, table, recordings.stem)
    files = {**folder.manifest.files, CARD: sha256_of(folder.path / CARD)}
    write_manifest(folder.path, folder.manifest.model_copy(update={"files": files}))
    return table


def _windows(recording: Recording, engine: Engine) -> Iterator[LabelledWindow]:
    """The windows of the face that is visible longest, in which speaking is known."""
    options = AnalysisOptions(measures=(MOVEMENTS,))
    result = analyze_video(recording.path, engine, decode_limits(Settings()), options)
    face = max(result.faces, key=lambda face: len(face.windows), default=None)
    if face is None:
        note(f"{recording.path}: no face")
        return
    for window in face.windows:
        if window.speaking is not None:
            yield _labelled(window, recording, engine.recipe.labels)


def _labelled(window: Window, recording: Recording, labels: tuple[str, ...]) -> LabelledWindow:
    probabilities = np.array([window.probabilities[label] for label in labels])
    return LabelledWindow(
        recording.subject, recording.emotion, probabilities, is_talking(window), uncertain=window.uncertain
    )


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.talking", description=__doc__)
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("recordings", type=Path, help="manifest or folder of recordings")
    arguments = parser.parse_args()
    print(measure_talking(arguments.model, arguments.recordings))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    run_command(main)
