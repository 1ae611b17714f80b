"""Adaptive temperature scaling: the temperature of a moving face depends on how far its features are from typical ones.

Typical are the features of people who talk. A face far from them shows an expression more clearly, and predictions for
it are more often right than one temperature for all windows says. The logits are multiplied by a factor whose logarithm
is linear in that of the distance; the temperature of the recipe divides them afterwards, as without the factor.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duygu.shared.errors import ModelError
from duygu.shared.model.folder import FEATURE_STATISTICS, AdaptiveTemperatureSettings, ModelFolder
from duygu.shared.schemas.result import Flag
from duygu.shared.vision.types import Floats

DOUBTFUL = frozenset({Flag.SMALL, Flag.DARK, Flag.BLURRED, Flag.PROFILE})
"""Flags of windows whose distance may come from the picture or the pose. Recordings for the fit hardly have any."""

LEAST_DISTANCE = 1e-6
"""Distance of a face whose features are all typical, which has no logarithm otherwise."""


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """Mean and deviation of each feature of the first trunk in windows of people who talk: (F,)."""

    mean: Floats
    deviation: Floats

    def distances(self, means: Floats) -> Floats:
        """(N, F) mean features of windows -> (N,) mean squared distance from the typical ones, in deviations."""
        squares = ((means - self.mean) / self.deviation) ** 2
        return np.asarray(np.maximum(squares.mean(axis=1), LEAST_DISTANCE), np.float32)


@dataclass(frozen=True, slots=True)
class AdaptiveTemperature:
    """The statistics, with the fitted factor."""

    statistics: FeatureStatistics
    settings: AdaptiveTemperatureSettings

    @property
    def width(self) -> int:
        """Number of features of the first trunk."""
        return len(self.statistics.mean)

    def factors(self, means: Floats, gates: Floats, doubtful: npt.NDArray[np.bool_] | None = None) -> Floats:
        """(N,) by which the logits of windows are multiplied; exactly 1 for a repeated picture, whose gate is 0.

        means     (N, F) mean features of the first trunk
        gates     (N,) of the motion gate
        doubtful  (N,) windows with one of DOUBTFUL flags, whose factor is at most 1; none by default
        """
        settings = self.settings
        distances = np.clip(self.statistics.distances(means), settings.least, settings.most)
        factors = np.exp(gates * (settings.intercept + settings.slope * np.log(distances)))
        if doubtful is not None:
            factors = np.where(doubtful, np.minimum(factors, 1), factors)
        return np.asarray(factors, np.float32)


def open_adaptive_temperature(folder: ModelFolder) -> AdaptiveTemperature | None:
    """Load the statistics of a model folder; None where the folder has none. Raises ModelError for a damaged file."""
    settings = folder.manifest.adaptive_temperature
    if settings is None:
        return None
    try:
        values = np.load(folder.feature_statistics, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"{FEATURE_STATISTICS} in {folder.path} cannot be read") from error
    if values.ndim != 2 or len(values) != 2 or values.dtype.kind != "f" or not (values[1] > 0).all():
        raise ModelError(
            f"{FEATURE_STATISTICS} in {folder.path} has the shape {values.shape}; expected 2 rows of floats, means and "
            "deviations above 0"
        )
    mean, deviation = values.astype(np.float32)
    return AdaptiveTemperature(FeatureStatistics(mean, deviation), settings)
