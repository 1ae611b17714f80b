"""Stills that are altered once, and what public networks say of them as they then are.

A network that imitates others learns most from what they say of exactly what it sees (Beyer et al. 2022, "Knowledge
distillation: A good teacher is patient and consistent").
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.progress import Progress

from duygu.shared.vision.types import Floats, Image
from duygu.training.data.augmentation import alter, blend
from duygu.training.data.stills import TEACHERS, TrainingStills
from duygu.training.distillation.teachers import PublicNetworks

PART = 8192
"""Pictures in one file; an interrupted run goes on with the next."""

BLENDED = 0.15
"""Share of the pictures that are a blend of two faces, on which networks have opinions that no single face brings."""

EVENLY = 0.5
"""Share of the pictures that is drawn from all stills alike; the others are drawn as the trunk draws them, rare labels
more often."""

KEPT_AS = np.float16
"""Of opinions, in files and so also before."""

SEED = 11


def asked_pictures(
    stills: TrainingStills, networks: PublicNetworks, count: int, run: Path, progress: Progress
) -> TrainingStills:
    """Alter stills and ask about them, or read what an earlier call has kept in the run's folder.

    What other networks have said, or about other stills, is asked anew.

    returns  pictures with the targets of their stills, the networks' opinions in place of those about the stills
    """
    origin = _origin(stills, networks)
    parts = -(-count // PART)
    task = progress.add_task("asking networks", total=parts)
    run.mkdir(parents=True, exist_ok=True)
    kept: list[tuple[Image, Floats]] = []
    for part in range(parts):
        path, size = run / f"asked_{part:03}.npz", min(PART, count - part * PART)
        if (known := _kept(path, origin)) is None or len(known[0]) != size:
            known = _ask(stills, networks, size, np.random.default_rng((SEED, part)))
            _keep(path, *known, origin)
        kept.append(known)
        progress.advance(task)
    images, targets = (np.concatenate(arrays) for arrays in zip(*kept, strict=True))
    return TrainingStills(images, targets, np.full(len(images), 1 / len(images)))


def _ask(
    stills: TrainingStills, networks: PublicNetworks, count: int, random: np.random.Generator
) -> tuple[Image, Floats]:
    made = list(_altered(stills, count, random))
    images, targets = np.stack([image for image, _ in made]), np.stack([target for _, target in made])
    targets[:, TEACHERS] = networks.opinions(images)
    return images, targets.astype(KEPT_AS).astype(np.float32)


def _altered(stills: TrainingStills, count: int, random: np.random.Generator) -> Iterator[tuple[Image, Floats]]:
    """Pictures (size, size), each with the targets (sources, labels) of its still."""
    shares = (1 - EVENLY) * stills.shares + EVENLY / len(stills.images)
    chosen = random.choice(len(stills.images), (count, 2), p=shares / shares.sum())
    for first, second in chosen:
        image, target = alter(stills.images[first], random), stills.targets[first]
        if random.random() < BLENDED:
            share = random.uniform(0.5, 0.9)
            image = blend(image, alter(stills.images[second], random), share)
            target = share * target + (1 - share) * stills.targets[second]
        yield image, np.asarray(target, np.float32)


def _origin(stills: TrainingStills, networks: PublicNetworks) -> str:
    """Whose opinions about what: differs for other packages, and for other stills or opinions on these."""
    return " ".join([*networks.names, stills.digest()])


def _kept(path: Path, origin: str) -> tuple[Image, Floats] | None:
    if not path.exists():
        return None
    with np.load(path) as arrays:
        if "origin" not in arrays or str(arrays["origin"]) != origin:
            return None
        return arrays["images"], arrays["targets"].astype(np.float32)


def _keep(path: Path, images: Image, targets: Floats, origin: str) -> None:
    half = path.with_name(f"half_{path.name}")
    np.savez(half, images=images, targets=targets.astype(KEPT_AS), origin=np.array(origin))
    half.replace(path)
