"""Recordings as serving classifies a face track with a model folder, with its second trunk where it has one."""

from pathlib import Path

import numpy as np

from duygu.shared.model.folder import MANIFEST, open_model_folder
from duygu.shared.vision.classify.second_trunk import open_second_trunk
from duygu.training.data.clipset import ClipSet
from duygu.training.measure.metrics import Predictions, probabilities_of
from duygu.training.measure.protocols import as_served, by_recording
from duygu.training.network.keras_file import Network
from duygu.training.network.served import second_features, served_clips
from duygu.training.run.command import note


def folder_predictions(path: Path, network: Network, clips: ClipSet) -> Predictions:
    """The predictions of a model folder or run folder for recordings.

    network  of the folder

    Clips without the crops for a second trunk are classified without it, with a note.
    """
    folder = open_model_folder(path) if (path / MANIFEST).exists() else None
    trunk = open_second_trunk(folder, threads=0) if folder else None
    if folder is None or trunk is None:
        return as_served(network, clips)
    if clips.second is None:
        note(f"{path} is measured without its second trunk: the clips lack the crops for it; prepare them again")
        return as_served(network, clips)
    served, second = served_clips(folder, clips), second_features(trunk.features, clips)
    gates = np.zeros(len(clips)) if served.gates is None else served.gates
    logits = served.logits + gates[:, np.newaxis] * trunk.correction(served.means, second)
    tracks = by_recording(np.asarray(logits, np.float32), clips)
    probabilities = probabilities_of(tracks.logits, network.recipe.track_temperature)
    return Predictions(network.recipe.labels, probabilities, tracks.truth, tracks.subjects)
