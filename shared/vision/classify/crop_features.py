"""Features of the crops of clips. What an overlapping clip of the same face has computed is not computed again."""

from collections.abc import Sequence

import numpy as np

from duygu.shared.vision.classify.clips import Clip, FeatureCache
from duygu.shared.vision.classify.crops import normalise
from duygu.shared.vision.types import CropClassifier, Floats, Image

BATCH = 80
"""Crops per run of the trunk, so that memory does not grow with the number of faces."""


def clip_features(classifier: CropClassifier, clips: Sequence[Clip]) -> Floats:
    """(N, frames, F) features of N clips, one half of each mirrored."""
    places = [_places(clip) for clip in clips]
    missing: dict[tuple[int, bool], tuple[FeatureCache, Image]] = {}
    for clip, crops in zip(clips, places, strict=True):
        for (cache, mirrored), image in zip(crops, clip.images, strict=True):
            if mirrored not in cache:
                missing.setdefault((id(cache), mirrored), (cache, image[:, ::-1] if mirrored else image))
    _compute(classifier, missing)
    return np.stack([np.stack([cache[mirrored] for cache, mirrored in crops]) for crops in places])


def _places(clip: Clip) -> list[tuple[FeatureCache, bool]]:
    """Cache and orientation of each crop: the second half of the clip is mirrored, or else the first one."""
    frames = len(clip.images)
    caches: Sequence[FeatureCache] = clip.features or ([{}] * frames if clip.still else [{} for _ in range(frames)])
    return [(cache, (place >= frames // 2) != clip.mirrored) for place, cache in enumerate(caches)]


def _compute(classifier: CropClassifier, missing: dict[tuple[int, bool], tuple[FeatureCache, Image]]) -> None:
    entries = [(mirrored, *entry) for (_, mirrored), entry in missing.items()]
    for start in range(0, len(entries), BATCH):
        part = entries[start : start + BATCH]
        crops = normalise(np.stack([image for _, _, image in part])[:, np.newaxis], classifier.recipe)[:, 0]
        for (mirrored, cache, _), features in zip(part, classifier.features(crops), strict=True):
            cache[mirrored] = features
