"""What a trunk is shown: stills that are altered each time anew, or pictures that networks were asked about."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from duygu.shared.vision.classify.crops import standardise
from duygu.shared.vision.types import Floats
from duygu.training.data.augmentation import augment, mix
from duygu.training.data.stills import TrainingStills

Batch = tuple[Floats, Floats]
"""Pictures (batch, size, size, 1) and targets (batch, sources, labels)."""


class Pictures(Protocol):
    """What one cycle of the training learns from."""

    def __len__(self) -> int:
        """How many pictures there are in one epoch."""

    def digest(self) -> str:
        """Differs where the pictures, or what is said of them, differ."""

    def batch(self, size: int, random: np.random.Generator) -> Batch:
        """Some of them, as they are shown to the network."""


class AlteredStills:
    """Stills that look different each time they are drawn; what was said of them as they are counts for all of it."""

    def __init__(self, stills: TrainingStills) -> None:
        self._stills = stills

    def __len__(self) -> int:
        return len(self._stills.images)

    def digest(self) -> str:
        """That of the stills."""
        return self._stills.digest()

    def batch(self, size: int, random: np.random.Generator) -> Batch:
        """Each altered in its own way; every second batch is of blends."""
        chosen = random.choice(len(self), size, p=self._stills.shares)
        images = np.stack([augment(self._stills.images[index], random) for index in chosen])[..., np.newaxis]
        return mix(images, self._stills.targets[chosen], random)


class AskedPictures:
    """Pictures that networks were asked about exactly as they are, so that nothing but left and right may change."""

    def __init__(self, pictures: TrainingStills) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures.images)

    def digest(self) -> str:
        """That of the pictures."""
        return self._pictures.digest()

    def batch(self, size: int, random: np.random.Generator) -> Batch:
        """Every second one is mirrored."""
        chosen = random.choice(len(self), size, p=self._pictures.shares)
        images = standardise(self._pictures.images[chosen].astype(np.float32))[..., np.newaxis]
        mirrored = random.random(size) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        return images, self._pictures.targets[chosen]


def batches(pictures: Pictures, size: int, steps: int, random: np.random.Generator) -> Iterator[Batch]:
    """So many batches; the next one is made while this one is used."""
    generators = iter(random.spawn(steps))
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(pictures.batch, size, next(generators))
        for generator in generators:
            ready, coming = coming, pool.submit(pictures.batch, size, generator)
            yield ready.result()
        yield coming.result()
