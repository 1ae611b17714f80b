"""Learns predictions relative to a person's baseline, and adds them to a model folder: `training.relative MODEL CLIPS`.

The clips need several recordings of each person, some of them neutral. Temperatures, threshold and figures come from
predictions for people whom a fold did not learn from.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from duygu.shared.errors import ConfigurationError
from duygu.shared.model.folder import (
    CARD,
    RELATIVE,
    ModelFolder,
    RelativeSettings,
    open_model_folder,
    sha256_of,
    write_manifest,
)
from duygu.shared.schemas.emotions import NEUTRAL as NEUTRAL_LABEL
from duygu.shared.schemas.model import MeasuredOn
from duygu.shared.vision.classify.relative import window_features, with_second
from duygu.shared.vision.classify.second_trunk import SecondTrunk, open_second_trunk
from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import ClipSet, load_clips
from duygu.training.data.people import require_unseen_people
from duygu.training.measure.card import write_relative_section
from duygu.training.measure.metrics import Predictions, equal_people, measured, probabilities_of
from duygu.training.measure.temperature import (
    TALKING_RISK,
    cross_validated_share,
    fit_temperature,
    uncertain_below,
)
from duygu.training.network import keras_file
from duygu.training.network.motion_gate import MOVING, STILL
from duygu.training.network.relative_head import (
    MEAN,
    NEUTRAL,
    PRIOR_SHARE,
    Pairs,
    Windows,
    fit_relative,
    out_of_fold,
    pairs_of,
)
from duygu.training.network.served import second_features, served_clips
from duygu.training.network.talking_head import LEAST_DEVIATION
from duygu.training.run.command import note
from duygu.training.run.command import run as run_command
from duygu.training.run.types import Integers, Names

LEAST_PEOPLE = 3
"""Smallest number of people: one is predicted, the others fit the layer, its temperature and its threshold."""


def learn_relative(path: Path, clips: Path, version: str | None = None) -> RelativeSettings:
    """Write the layer and its calibration into the model folder.

    version  of the model from now on; by default unchanged

    Raises ConfigurationError for a folder without trunk and head or for too few people, TrainingDataError for invalid
    clips, and SubjectLeakError for clips of people who trained the network.
    """
    folder = open_model_folder(path)
    if not folder.is_divided or folder.h5 is None:
        raise ConfigurationError(f"{path} lacks the network as trunk and head, or as Keras file: export it again")
    recordings, network = load_clips(clips, folder.recipe), keras_file.load(folder.h5)
    require_unseen_people(network.people, recordings.subjects)
    if (people := len(np.unique(recordings.subjects))) < LEAST_PEOPLE:
        raise ConfigurationError(f"{clips} has {people} people; at least {LEAST_PEOPLE} are needed")
    trunk = second_trunk_for(folder, recordings)
    windows, deviations = windows_of(folder, recordings, trunk)
    pairs = pairs_of(windows, folder.recipe.labels.index(NEUTRAL_LABEL))
    prior = prior_with_second(network, trunk) if trunk else prior_of(network)
    settings = calibrated(pairs, out_of_fold(pairs, prior, deviations), folder.recipe.labels, clips.stem)
    kernel, bias = fit_relative(pairs, prior, deviations)
    write(folder, np.concatenate([kernel, bias[np.newaxis]]), settings, version)
    return settings


def second_trunk_for(folder: ModelFolder, clips: ClipSet) -> SecondTrunk | None:
    """The second trunk of a folder, if the clips have the crops for it; otherwise the first trunk is used alone."""
    trunk = open_second_trunk(folder, threads=0)
    if trunk and clips.second is None:
        note("the layer is learned without the second trunk: the clips lack the crops for it; prepare them again")
        return None
    return trunk


def windows_of(folder: ModelFolder, clips: ClipSet, trunk: SecondTrunk | None = None) -> tuple[Windows, Floats]:
    """The features of all windows, and the deviation of each feature over all crops, twice: (2 F,).

    With a second trunk, its features follow: (2 F + 2 G,), and windows without any of its crops are left out.
    """
    features = served_clips(folder, clips).features
    windows = Windows(window_features(features), clips.labels, clips.subjects, clips.recordings)
    deviation = deviations_of(features.reshape(-1, features.shape[-1]))
    if trunk is None:
        return windows, deviation
    second = second_features(trunk.features, clips)
    seen = np.array([len(rows) > 0 for rows in second])
    both = [with_second(own, rows) for own, rows in zip(windows.features, second, strict=True)]
    joined = np.stack([row for row in both if row is not None])
    windows = replace(windows.take(seen), features=joined)
    return windows, np.concatenate([deviation, deviations_of(np.concatenate(second))])


def deviations_of(features: Floats) -> Floats:
    """The deviation of each feature over all crops (M, F), twice, for its mean and deviation in a window: (2 F,)."""
    deviation = np.maximum(features.std(axis=0), LEAST_DEVIATION)
    return np.concatenate([deviation, deviation])


def prior_of(network: keras_file.Network) -> Floats:
    """(2 F, labels) kernel before the training: a share of the calibrated output for moving faces, for the means."""
    still, moving = (network.model.get_layer(name).get_weights()[0] for name in (STILL, MOVING))
    kernel = np.asarray((still + moving) * PRIOR_SHARE / network.recipe.temperature, np.float32)
    return np.concatenate([kernel, np.zeros_like(kernel)])


def prior_with_second(network: keras_file.Network, trunk: SecondTrunk) -> Floats:
    """(2 F + 2 G, labels) kernel before the training with a second trunk: the same share of the corrected output."""
    share = PRIOR_SHARE / network.recipe.temperature
    first, second = trunk.first_kernel * share, trunk.second_kernel * share
    means, deviations = np.split(prior_of(network), 2)
    return np.concatenate([means + first, deviations, second, np.zeros_like(second)])


def calibrated(pairs: Pairs, logits: Floats, labels: tuple[str, ...], name: str) -> RelativeSettings:
    """Temperatures, threshold and figures of out-of-fold predictions, every person with the same weight."""
    weights = equal_people(pairs.people)
    temperature = fit_temperature(logits, pairs.labels, weights)
    predictions = Predictions(labels, probabilities_of(logits, temperature), pairs.labels, pairs.people)
    tracks, truth, people, kinds = by_track(pairs, logits)
    return RelativeSettings(
        temperature=round(temperature, 4),
        track_temperature=round(fit_temperature(tracks, truth, equal_people(people)), 4),
        uncertain_below=round(uncertain_below(predictions, TALKING_RISK, weights), 3),
        certain_means=cross_validated_share(logits, pairs.labels, pairs.people),
        measured={
            f"{name}_less_{kind}": figures_of(
                tracks[kinds == kind], truth[kinds == kind], people[kinds == kind], labels
            )
            for kind in (MEAN, NEUTRAL)
            if (kinds == kind).any()
        },
    )


def by_track(pairs: Pairs, logits: Floats) -> tuple[Floats, Integers, Names, Names]:
    """Mean logits, label, person and kind of baseline of each recording with each baseline."""
    _, first, place = np.unique(
        np.char.add(pairs.tracks, np.char.add(pairs.people, pairs.kinds)), return_index=True, return_inverse=True
    )
    means = np.stack([logits[place == number].mean(axis=0) for number in range(len(first))])
    return means, pairs.labels[first], pairs.people[first], pairs.kinds[first]


def figures_of(logits: Floats, truth: Integers, people: Names, labels: tuple[str, ...]) -> MeasuredOn:
    """Accuracy, UAR and ECE; the temperature for each person is fitted on the others."""
    probabilities = np.zeros(logits.shape)
    for person in np.unique(people):
        own = people == person
        probabilities[own] = probabilities_of(logits[own], fit_temperature(logits[~own], truth[~own]))
    return measured(Predictions(labels, probabilities, truth, people))


def write(folder: ModelFolder, weights: Floats, settings: RelativeSettings, version: str | None) -> None:
    """Write the weights, the section of the card, and the manifest last."""
    np.save(folder.path / RELATIVE, weights)
    write_relative_section(folder.path / CARD, settings)
    digests = {name: sha256_of(folder.path / name) for name in (RELATIVE, CARD)}
    changes = {"relative": settings, "files": {**folder.manifest.files, **digests}}
    manifest = folder.manifest.model_copy(update=changes)
    write_manifest(folder.path, manifest.model_copy(update={"version": version}) if version else manifest)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.relative", description=__doc__)
    parser.add_argument("model", type=Path, help="model folder written by training.export")
    parser.add_argument("clips", type=Path, help="file of clips written by training.prepare")
    parser.add_argument("--version", help="version of the model from now on")
    arguments = parser.parse_args()
    settings = learn_relative(arguments.model, arguments.clips, arguments.version)
    print(settings.model_dump_json(indent=1))  # noqa: T201 - the result of the command


if __name__ == "__main__":
    run_command(main)
