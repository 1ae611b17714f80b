"""Recordings as serving classifies a face track with a model folder: with its second trunk and adaptive temperature."""

from pathlib import Path

from duygu.shared.model.folder import MANIFEST, open_model_folder
from duygu.shared.vision.classify.adaptive_temperature import open_adaptive_temperature
from duygu.training.data.clipset import ClipSet
from duygu.training.measure.metrics import Predictions, probabilities_of
from duygu.training.measure.protocols import as_served, by_recording
from duygu.training.network.keras_file import Network
from duygu.training.network.served import folder_logits
from duygu.training.run.command import note


def folder_predictions(path: Path, network: Network, clips: ClipSet) -> Predictions:
    """The predictions of a model folder or run folder for recordings.

    network  of the folder

    Clips without the crops for a second trunk are classified by the network alone, with a note.
    """
    folder = open_model_folder(path) if (path / MANIFEST).exists() else None
    if folder is None or not (folder.manifest.second_trunk or folder.manifest.adaptive_temperature):
        return as_served(network, clips)
    if folder.manifest.second_trunk and clips.second is None:
        note(f"{path} is measured without its second trunk: the clips lack the crops for it; prepare them again")
        return as_served(network, clips)
    logits = folder_logits(folder, clips).adapted(open_adaptive_temperature(folder))
    tracks = by_recording(logits, clips)
    probabilities = probabilities_of(tracks.logits, network.recipe.track_temperature)
    return Predictions(network.recipe.labels, probabilities, tracks.truth, tracks.subjects)
