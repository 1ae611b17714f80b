"""The second trunk: features of another network on larger crops, which correct the logits of moving faces.

The correction is linear in the mean features of both trunks, and multiplied by the motion gate of the network. The
prediction for a repeated picture is therefore that of the first trunk alone.
"""

from collections.abc import Sequence

import numpy as np
import onnxruntime

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import MADE_FROM, ONNX, SECOND_HEAD, SECOND_TRUNK, ModelFolder, SecondTrunkSettings
from duygu.shared.model.recipe import Recipe
from duygu.shared.vision.classify.crops import crop_of
from duygu.shared.vision.classify.sampling_pattern import SamplingPattern
from duygu.shared.vision.detect.onnx_session import open_session
from duygu.shared.vision.types import Floats, Frame, Image

BATCH = 2
"""Crops per run. The maps of more crops do not fit into a processor's cache: eight take 15 % more time per crop."""


class CropPattern:
    """Which crops the second trunk processes, and how they are cut."""

    def __init__(self, settings: SecondTrunkSettings) -> None:
        self._pattern = SamplingPattern(settings.period, settings.places)
        self._recipe = Recipe("second_trunk", settings.size, margin=settings.margin)

    def includes(self, tick: int, usual_ticks: float = 1.0) -> bool:
        """Whether the crop at a sampling time is processed, as `SamplingPattern.includes` says."""
        return self._pattern.includes(tick, usual_ticks)

    def cut(self, frame: Frame, box: Floats, landmarks: Floats) -> Image:
        """The crop (size, size) uint8 of a box (4,) in pixels of Frame.grey; the eyes are not made level."""
        return crop_of(frame, box, landmarks, self._recipe)

    def features(self, crops: Image) -> Floats:
        """(N, size, size) uint8 -> (N, size x size): the pixels themselves, which training stores with the clips."""
        return crops.reshape(len(crops), -1).astype(np.float32)


class SecondTrunk(CropPattern):
    """The trunk, executed by ONNX Runtime, with its linear layer."""

    def __init__(self, folder: ModelFolder, settings: SecondTrunkSettings, *, threads: int = 1) -> None:
        """Load both and run the trunk once. Raises ModelError if they do not belong to the folder's network."""
        super().__init__(settings)
        self._session = open_session(folder.second_trunk, threads)
        if self._session.get_modelmeta().custom_metadata_map.get(MADE_FROM) != folder.manifest.files[ONNX]:
            raise ModelError(f"{SECOND_TRUNK} was trained beside a network other than {ONNX}")
        self.width = _width(self._session, settings.size)
        kernel, self._bias = _layer(folder, self.width)
        self.first_width = len(kernel) - self.width
        self.first_kernel, self.second_kernel = kernel[: self.first_width], kernel[self.first_width :]

    def features(self, crops: Image) -> Floats:
        """(N, size, size) uint8 -> (N, G)."""
        parts = [crops[start : start + BATCH] for start in range(0, len(crops), BATCH)]
        found = [np.asarray(self._session.run(None, {"crops": part})[0], np.float32) for part in parts]
        return np.concatenate(found) if found else np.zeros((0, self.width), np.float32)

    def correction(self, means: Floats, second: Sequence[Floats | None]) -> Floats:
        """(N, labels) to add to the logits of windows, in proportion to their gates.

        means   (N, F) mean features of the first trunk
        second  features (n, G) of the processed crops of each window; a window without any is not corrected
        """
        corrections = np.zeros((len(second), len(self._bias)), np.float32)
        for row, (mean, features) in enumerate(zip(means, second, strict=True)):
            if features is not None and len(features):
                corrections[row] = mean @ self.first_kernel + features.mean(axis=0) @ self.second_kernel + self._bias
        return corrections


def _width(session: onnxruntime.InferenceSession, size: int) -> int:
    """Number of features of a crop."""
    try:
        (features,) = session.run(None, {"crops": np.zeros((2, size, size), np.uint8)})
    except Exception as error:  # ONNX Runtime's exceptions have no other common base class
        raise ModelError(f"{SECOND_TRUNK} rejects crops of {size} x {size} pixels") from error
    if features.ndim != 2 or len(features) != 2:
        raise ModelError(f"the output of {SECOND_TRUNK} for 2 crops has shape {features.shape}, expected (2, features)")
    return int(features.shape[1])


def _layer(folder: ModelFolder, width: int) -> tuple[Floats, Floats]:
    """Kernel (F + G, labels) and bias (labels,) of the correction."""
    try:
        weights = np.load(folder.second_head, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"{SECOND_HEAD} in {folder.path} cannot be read") from error
    labels = len(folder.recipe.labels)
    if weights.ndim != 2 or weights.shape[1] != labels or len(weights) < width + 2 or weights.dtype.kind != "f":
        raise ModelError(
            f"{SECOND_HEAD} in {folder.path} has the shape {weights.shape}; expected more than {width + 1} rows and "
            f"{labels} columns of floats"
        )
    return weights[:-1].astype(np.float32), weights[-1].astype(np.float32)


def open_second_trunk(folder: ModelFolder, *, threads: int = 1) -> SecondTrunk | None:
    """Load the second trunk of a folder; None where the folder has none. Raises ModelError."""
    settings = folder.manifest.second_trunk
    return SecondTrunk(folder, settings, threads=threads) if settings else None
