"""Pseudo-labels: stills are altered once, and the teachers label each altered image.

A student profits most when teacher and student see exactly the same image (Beyer et al. 2022, "Knowledge distillation:
A good teacher is patient and consistent").
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.progress import Progress

from duygu.shared.vision.types import Floats, Image
from duygu.training.data.augmentation import alter, blend
from duygu.training.data.stills import TEACHERS, TrainingStills
from duygu.training.distillation.teachers import Teachers
from duygu.training.run.folder import RunFolder

PART = 8192
"""Images in one file; an interrupted run resumes with the next file."""

BLENDED = 0.15
"""Share of the images that blend two faces: the teachers' outputs there lie between those for single faces."""

UNIFORM = 0.5
"""Share of the images that is drawn uniformly from all stills; the others are drawn by the stills' rates."""

STORED = np.float16
"""Precision of the targets in files, and for that reason also before they are written."""

SEED = 11


def label_with_teachers(
    stills: TrainingStills, teachers: Teachers, count: int, run: RunFolder, progress: Progress
) -> TrainingStills:
    """Alter stills and label them, or read what an earlier call wrote into the run's folder.

    Parts are computed again where they belong to other stills or to other versions of the teachers.

    count    number of images

    returns  images (count, size, size) with targets: the teachers' probabilities for the altered image, and the votes
             and labels of the still that it was made of
    """
    origin = _origin(stills, teachers)
    parts = -(-count // PART)
    task = progress.add_task("pseudo-labels", total=parts)
    run.create()
    labelled: list[tuple[Image, Floats]] = []
    for part in range(parts):
        path, size = run.pseudo_labels(part), min(PART, count - part * PART)
        if (known := _read(path, origin)) is None or len(known[0]) != size:
            known = _label(stills, teachers, size, np.random.default_rng((SEED, part)))
            _write(path, *known, origin)
        labelled.append(known)
        progress.advance(task)
    images, targets = (np.concatenate(arrays) for arrays in zip(*labelled, strict=True))
    return TrainingStills(images, targets, np.full(len(images), 1 / len(images)))


def _label(stills: TrainingStills, teachers: Teachers, count: int, random: np.random.Generator) -> tuple[Image, Floats]:
    made = list(_altered(stills, count, random))
    images, targets = np.stack([image for image, _ in made]), np.stack([target for _, target in made])
    targets[:, TEACHERS] = teachers.probabilities(images)
    return images, targets.astype(STORED).astype(np.float32)


def _altered(stills: TrainingStills, count: int, random: np.random.Generator) -> Iterator[tuple[Image, Floats]]:
    """Images (size, size), each with the targets (sources, labels) of its still."""
    shares = (1 - UNIFORM) * stills.shares + UNIFORM / len(stills.images)
    chosen = random.choice(len(stills.images), (count, 2), p=shares / shares.sum())
    for first, second in chosen:
        image, target = alter(stills.images[first], random), stills.targets[first]
        if random.random() < BLENDED:
            share = random.uniform(0.5, 0.9)
            image = blend(image, alter(stills.images[second], random), share)
            target = share * target + (1 - share) * stills.targets[second]
        yield image, np.asarray(target, np.float32)


def _origin(stills: TrainingStills, teachers: Teachers) -> str:
    """Identifies the teachers' versions and the stills with their targets."""
    return " ".join([*teachers.packages, stills.digest()])


def _read(path: Path, origin: str) -> tuple[Image, Floats] | None:
    if not path.exists():
        return None
    with np.load(path) as arrays:
        if "origin" not in arrays or str(arrays["origin"]) != origin:
            return None
        return arrays["images"], arrays["targets"].astype(np.float32)


def _write(path: Path, images: Image, targets: Floats, origin: str) -> None:
    half = path.with_name(f"half_{path.name}")
    np.savez(half, images=images, targets=targets.astype(STORED), origin=np.array(origin))
    half.replace(path)
