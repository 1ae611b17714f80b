"""Features and logits of clips as serving computes them: by trunk and head, with every second window mirrored."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from duygu.shared.errors import TrainingDataError
from duygu.shared.model.folder import ModelFolder
from duygu.shared.vision.classify.adaptive_temperature import AdaptiveTemperature
from duygu.shared.vision.classify.classifier import DividedClassifier
from duygu.shared.vision.classify.clips import Clip
from duygu.shared.vision.classify.crop_features import clip_features
from duygu.shared.vision.classify.second_trunk import open_second_trunk
from duygu.shared.vision.types import Floats, Image
from duygu.training.data.clipset import ClipSet

BATCH = 32


@dataclass(frozen=True, slots=True)
class ServedClips:
    """What the first trunk and the head compute for N clips."""

    features: Floats  # (N, frames, F) of the crops, half of them mirrored
    logits: Floats  # (N, labels) without a second trunk
    gates: Floats | None  # (N,); None for a head without this output

    @property
    def means(self) -> Floats:
        """(N, F) mean features, which the linear layers read."""
        return np.asarray(self.features.mean(axis=1), np.float32)


def served_clips(folder: ModelFolder, clips: ClipSet) -> ServedClips:
    """Trunk and head of a divided folder, in 32-bit floats, on the clips of recordings in their order."""
    classifier = DividedClassifier(folder, threads=0, int8=False)
    features = np.concatenate([clip_features(classifier, part) for part in _parts(clips)])
    logits, gates = classifier.gated_head(features)
    return ServedClips(features, logits, gates)


@dataclass(frozen=True, slots=True)
class FolderLogits:
    """Logits of N clips by a model folder with its second trunk, before an adaptive temperature."""

    logits: Floats  # (N, labels)
    gates: Floats  # (N,); 0 for a head without this output
    means: Floats  # (N, F) mean features of the first trunk

    def adapted(self, temperature: AdaptiveTemperature | None) -> Floats:
        """(N, labels) logits as serving computes them."""
        if temperature is None:
            return self.logits
        return self.logits * temperature.factors(self.means, self.gates)[:, np.newaxis]


def folder_logits(folder: ModelFolder, clips: ClipSet) -> FolderLogits:
    """Logits of clips by a divided folder, with its second trunk where it has one.

    Raises TrainingDataError for clips without the crops for the second trunk.
    """
    served, trunk = served_clips(folder, clips), open_second_trunk(folder, threads=0)
    logits, gates = served.logits, served.gates if served.gates is not None else np.zeros(len(clips), np.float32)
    if trunk:
        correction = trunk.correction(served.means, second_features(trunk.features, clips))
        logits = np.asarray(logits + gates[:, np.newaxis] * correction, np.float32)
    return FolderLogits(logits, gates, served.means)


def _parts(clips: ClipSet) -> list[list[Clip]]:
    seen: dict[str, int] = {}
    made = []
    for images, recording in zip(clips.images, clips.recordings.tolist(), strict=True):
        seen[recording] = seen.get(recording, -1) + 1
        made.append(Clip(0.0, 0.0, images, (), mirrored=seen[recording] % 2 == 1))
    return [made[start : start + BATCH] for start in range(0, len(made), BATCH)]


def second_features(trunk: Callable[[Image], Floats], clips: ClipSet) -> list[Floats]:
    """Features (n, G) of each clip by a second trunk. Raises TrainingDataError for clips without the crops for it.

    trunk  function of crops (M, size, size) to features (M, G)
    """
    if clips.second is None:
        raise TrainingDataError(
            "the clips lack the crops for the second trunk: write the file again with `python -m training.prepare`"
        )
    return clips.second.split(trunk(clips.second.crops))
