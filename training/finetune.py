"""Fine-tunes a model on a few hundred labelled stretches: `python -m training.finetune MANIFEST OUT`.

Writes OUT/model, a model folder to serve, and OUT/run with the clips and the comparison of the old with the new network
on people outside its training. MANIFEST is a CSV, as `duygu agree --manifest` writes it, or a file of clips (.npz).
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import track

from duygu.shared.config.settings import Settings
from duygu.shared.errors import TrainingDataError
from duygu.shared.model.folder import H5, MANIFEST, ModelFolder, open_model_folder
from duygu.shared.vision.detect.mtcnn import Mtcnn
from duygu.training.calibrate import fit_moving
from duygu.training.data.clipset import ClipSet, load_clips
from duygu.training.data.people import person_digest, require_unseen_people
from duygu.training.data.recordings import read_recordings
from duygu.training.data.splits import everyone, split_by_subject
from duygu.training.export import Release, export
from duygu.training.joint_layer import JointLayer, adapt, write_adapted
from duygu.training.measure.metrics import Predictions, probabilities_of, recalls
from duygu.training.measure.paired import differences, sentences
from duygu.training.measure.protocols import LEAVE_ONE_OUT, CrossValidation, by_recording, calibrated_by_others
from duygu.training.measure.provenance import write_joint_provenance, write_provenance
from duygu.training.measure.report import summary, write_results
from duygu.training.network import keras_file
from duygu.training.network.inference import features_of
from duygu.training.network.keras_file import Network
from duygu.training.prepare import write_clips
from duygu.training.run.command import note
from duygu.training.run.command import run as run_command
from duygu.training.run.folder import RunFolder
from duygu.training.run.settings import TrainingRecipe, load_recipe
from duygu.training.train import load_start, require_motion

LEAST_PEOPLE = 2
"""Fewest people to calibrate a network on people outside its training."""


@dataclass(frozen=True, slots=True)
class FineTuning:
    """The new network, and the predictions of both on people outside the training of either."""

    network: Network
    old: Predictions
    new: Predictions

    def lines(self) -> Iterator[str]:
        """The comparison in words, or why there is none."""
        try:
            yield from sentences(differences(self.old, self.new), self.old.subjects)
        except TrainingDataError as error:
            yield f"No comparison is reported: {error.detail}."
            return
        old, new = recalls(self.old), recalls(self.new)
        yield "  recall: " + ", ".join(f"{label} {old[label]:.0%} → {new[label]:.0%}" for label in old)
        if missing := [label for label in self.old.labels if label not in old]:
            yield (
                f"  No recording is labelled {', '.join(missing)}: these figures do not cover faces that show it, on "
                "which the new network can be worse."
            )


def finetune(source: Path, out: Path, start: Path, recipe: TrainingRecipe | None, release: Release) -> FineTuning:
    """Fine-tune the network of a model folder, and write OUT/model and OUT/run.

    recipe  of training; by default the one that the network names

    With a second trunk, the layer on the features of both trunks is adapted, if the recipe adapts a layer and the clips
    have the crops for it.

    Raises TrainingDataError for recordings of fewer than LEAST_PEOPLE people, SubjectLeakError for people who trained
    the network already, and ConfigurationError for a recipe whose clips the network does not take.
    """
    run = RunFolder(out / "run")
    recipe = recipe or load_recipe(keras_file.load(start / H5).recipe.name)
    network = load_start(start, recipe)
    clips = load_clips(_prepared(source, run, recipe), recipe.clip)
    require_unseen_people(network.people, clips.subjects)
    require_motion(clips, recipe)
    _require_people(clips)
    both = _with_second_trunk(start, clips, recipe)
    run.forget()
    write_provenance(run, stills=False, pseudo_labels=False, clips=clips, start=start)
    layer = adapt(both, network, clips, recipe.require_clips().penalty or 0.0) if both else None
    found = _with_layer(network, clips, layer) if layer else learn(network, clips, recipe, run)
    keras_file.save(found.network, run.network)
    write_results(run, release.name, {f"{source.stem}_{LEAVE_ONE_OUT}": summary(found.new)})
    if layer:
        write_joint_provenance(run)
        write_adapted(layer, out / "model", run, release)
    else:
        export(run.path, out / "model", release)
    return found


def _with_layer(network: Network, clips: ClipSet, layer: JointLayer) -> FineTuning:
    """The network with the recipe of an adapted layer."""
    return FineTuning(_with_people(replace(network, recipe=layer.recipe), clips), layer.old, layer.new)


def _with_second_trunk(start: Path, clips: ClipSet, recipe: TrainingRecipe) -> ModelFolder | None:
    """The model folder, if it has a second trunk and the layer on both can be adapted; a note says why it cannot."""
    folder = open_model_folder(start) if (start / MANIFEST).exists() else None
    if folder is None or folder.manifest.second_trunk is None:
        return None
    if clips.second is not None and recipe.require_clips().penalty is not None:
        return folder
    reason = "the clips lack the crops for it; prepare them again"
    if clips.second is not None:
        reason = f"the recipe {recipe.clip.name} trains more than a linear layer"
    note(f"the networks are compared without the second trunk of {start}, and the new folder has none: {reason}")
    return None


def _prepared(source: Path, run: RunFolder, recipe: TrainingRecipe) -> Path:
    """The file of clips: the source itself, or one that is cut from its recordings."""
    if source.suffix == ".npz":
        return source
    settings, path = Settings(), run.create().path / "clips.npz"
    detector = Mtcnn(settings.mtcnn, min_face=settings.min_face, max_faces=settings.max_faces)
    counted = track(read_recordings(source), description="Finding faces")
    for line in write_clips(counted, detector, recipe.clip, settings, path).lines():
        note(line)
    return path


def learn(start: Network, clips: ClipSet, recipe: TrainingRecipe, run: RunFolder) -> FineTuning:
    """Train on all people. Calibration and comparison use networks that were each trained without some of them.

    Raises TrainingDataError for clips of fewer than LEAST_PEOPLE people.
    """
    _require_people(clips)
    settings = recipe.require_clips()
    folds = CrossValidation(recipe, start, clips, features_of(start, clips.images))
    unseen = folds.out_of_fold(run)
    before, after = (by_recording(logits, clips) for logits in (folds.start_logits(), unseen))
    old = probabilities_of(before.logits, start.recipe.track_temperature)
    split = split_by_subject(clips.subjects) if settings.validates else everyone(clips.subjects)
    network = fit_moving(folds.train(split, run), unseen, clips)
    return FineTuning(
        network=_with_people(network, clips),
        old=Predictions(recipe.clip.labels, old, before.truth, before.subjects),
        new=Predictions(recipe.clip.labels, calibrated_by_others(after), after.truth, after.subjects),
    )


def _require_people(clips: ClipSet) -> None:
    people = np.unique(clips.subjects)
    if len(people) < LEAST_PEOPLE:
        raise TrainingDataError(
            f"all recordings are of one person, {people[0]}; recordings of at least {LEAST_PEOPLE} people are needed, "
            "so that calibration uses people from whom the network did not learn"
        )


def _with_people(network: Network, clips: ClipSet) -> Network:
    """The network with digests of the people of clips."""
    people = {person_digest(name) for name in np.unique(clips.subjects).tolist()}
    return replace(network, people=network.people | people)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.finetune", description=__doc__)
    parser.add_argument(
        "source", type=Path, metavar="MANIFEST", help="CSV of recordings or stretches, or file of clips"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="output folder; its subfolder `model` can be served")
    parser.add_argument("--model", type=Path, default=Settings().model, help="model folder to start from")
    parser.add_argument("--recipe", help="name of a recipe, or path of a TOML file; by default that of the model")
    parser.add_argument("--name", help="name of the new model; by default that of the output folder")
    parser.add_argument("--version", default="1", help="version of the new model")
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.recipe) if arguments.recipe else None
    release = Release(arguments.name or arguments.out.resolve().name, arguments.version)
    found = finetune(arguments.source, arguments.out, arguments.model, recipe, release)
    print("\n".join(found.lines()))  # noqa: T201 - the result of the command
    print(f"Serve the new network with DUYGU_MODEL={arguments.out / 'model'}")  # noqa: T201


if __name__ == "__main__":
    run_command(main)
