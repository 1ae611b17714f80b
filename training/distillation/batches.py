"""Batches of images and targets for training the trunk, prepared in the background."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from duygu.shared.vision.classify.crops import standardise
from duygu.shared.vision.types import Floats
from duygu.training.data.augmentation import augment, mix
from duygu.training.data.stills import TrainingStills

Batch = tuple[Floats, Floats]
"""Images (batch, size, size, 1), standardised, and targets (batch, sources, labels)."""


class ImageSet(Protocol):
    """Images of one source, from which batches are drawn."""

    def __len__(self) -> int:
        """Number of images in one epoch."""

    def digest(self) -> str:
        """SHA-256 of the images and their targets, in hexadecimal."""

    def batch(self, size: int, random: np.random.Generator) -> Batch:
        """Draw a batch of this size."""


class AugmentedStills:
    """Labelled stills that are augmented each time they are drawn; the targets are those of the original still."""

    def __init__(self, stills: TrainingStills) -> None:
        self._stills = stills

    def __len__(self) -> int:
        return len(self._stills.images)

    def digest(self) -> str:
        """Digest of the stills before augmentation."""
        return self._stills.digest()

    def batch(self, size: int, random: np.random.Generator) -> Batch:
        """Draw stills by their rates and augment each; mixup is applied to every second batch on average."""
        chosen = random.choice(len(self), size, p=self._stills.shares)
        images = np.stack([augment(self._stills.images[index], random) for index in chosen])[..., np.newaxis]
        return mix(images, self._stills.targets[chosen], random)


class PseudoLabelledImages:
    """Images that the teachers labelled as they are: a batch may mirror them, and changes nothing else."""

    def __init__(self, images: TrainingStills) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images.images)

    def digest(self) -> str:
        """Digest of the images and their pseudo-labels."""
        return self._images.digest()

    def batch(self, size: int, random: np.random.Generator) -> Batch:
        """Draw images by their rates and mirror each with probability 0.5."""
        chosen = random.choice(len(self), size, p=self._images.shares)
        images = standardise(self._images.images[chosen].astype(np.float32))[..., np.newaxis]
        mirrored = random.random(size) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        return images, self._images.targets[chosen]


def batches(images: ImageSet, size: int, steps: int, random: np.random.Generator) -> Iterator[Batch]:
    """Yield `steps` batches; a thread prepares the next one while the current one is used."""
    generators = iter(random.spawn(steps))
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(images.batch, size, next(generators))
        for generator in generators:
            ready, pending = pending, pool.submit(images.batch, size, generator)
            yield ready.result()
        yield pending.result()
