"""Features of talking copies of stills by both trunks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from duygu.shared.model.folder import SecondTrunkSettings
from duygu.shared.vision.classify.sampling_pattern import SamplingPattern
from duygu.shared.vision.types import Floats, Image
from duygu.training.data.stills import TrainingStills
from duygu.training.mouth_motion.landmarks import MouthMotion
from duygu.training.mouth_motion.motions import FRAMES
from duygu.training.mouth_motion.warp import talking_copy
from duygu.training.network.inference import features_of
from duygu.training.network.keras_file import Network
from duygu.training.run.types import Integers

COPIES = 10_000
"""Stills of which a copy is made; the figures of 5,000 depend on which."""

BATCH = 64

SEED = 7


@dataclass(frozen=True, slots=True)
class Copies:
    """Mean features of a copy of each of M stills."""

    stills: Integers  # (M,) indices
    first: Floats  # (M, F)
    second: Floats  # (M, G)


@dataclass(frozen=True, slots=True)
class _Choice:
    """A still, and the motion that it gets."""

    still: int
    points: Floats
    offsets: Floats


def copies_of(
    network: Network,
    second: Callable[[Image], Floats],
    settings: SecondTrunkSettings,
    stills: TrainingStills,
    motion: MouthMotion,
    count: int = COPIES,
) -> Copies:
    """Draw stills and motions with a fixed seed, every recording of people who talk with the same probability.

    second    function of crops (M, size, size) to features (M, G)
    settings  size of these crops, and which of a clip are processed
    """
    chosen = list(_chosen(motion, count))
    own, other = [], []
    for start in range(0, len(chosen), BATCH):
        part = chosen[start : start + BATCH]
        clips, crops = (
            np.stack(images) for images in zip(*_rendered(part, network, settings, stills, motion), strict=True)
        )
        own.append(features_of(network, clips).mean(axis=(1, 2, 3)))
        other.append(second(np.concatenate(crops)).reshape(*crops.shape[:2], -1).mean(axis=1))
    return Copies(np.array([each.still for each in chosen]), np.concatenate(own), np.concatenate(other))


def _chosen(motion: MouthMotion, count: int) -> Iterator[_Choice]:
    random, motions = np.random.default_rng(SEED), motion.motions
    people = [np.flatnonzero(motions.recordings == number) for number in np.unique(motions.recordings)]
    for place in random.permutation(len(motion.stills))[:count].tolist():
        window = random.choice(people[random.integers(len(people))])
        yield _Choice(int(motion.stills[place]), motion.points[place], motions.offsets[window])


def _rendered(
    chosen: list[_Choice], network: Network, settings: SecondTrunkSettings, stills: TrainingStills, motion: MouthMotion
) -> Iterator[tuple[Image, Image]]:
    """Clips of the network and crops of the second trunk."""
    pattern = SamplingPattern(settings.period, settings.places)
    seen = [frame for frame in range(FRAMES) if pattern.includes(frame)]
    shape = motion.motions.shape
    for each in chosen:
        still = stills.images[each.still]
        clip = talking_copy(still, each.points, shape, each.offsets, network.recipe.size)
        yield clip, talking_copy(still, each.points, shape, each.offsets[seen], settings.size)
