"""Fits the adaptive temperature of moving faces, as in Balanya et al. 2024, with the distance from typical features.

The statistics of the features need no labels; two parameters are fitted on labelled windows.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from duygu.shared.model.folder import AdaptiveTemperatureSettings, ModelFolder
from duygu.shared.vision.classify.adaptive_temperature import AdaptiveTemperature, FeatureStatistics
from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import ClipSet
from duygu.training.data.degraded import degradations, degraded
from duygu.training.measure.metrics import equal_people
from duygu.training.network.served import FolderLogits, served_clips
from duygu.training.network.talking_head import LEAST_DEVIATION
from duygu.training.run.types import Integers, Names

DEGRADED_STRIDE = 5
"""Every fifth window of the people who talk is degraded; the others would change the statistics little."""

LIMIT = 2.5
"""Distances farther from the mean, in deviations of their logarithm over people who talk, count as this one."""

DECIMALS = 4

Limits = tuple[float, float]
"""Smallest and largest distance."""


def statistics_of(folder: ModelFolder, talking: ClipSet) -> tuple[FeatureStatistics, Limits]:
    """Statistics of the features of people who talk, every person counting the same, and the limits of the distance.

    The variance of a feature includes the mean square of its change under degradations. A feature that blur or an
    inexact box moves counts less, so that a bad picture is not taken for a strong expression.
    """
    means = served_clips(folder, talking).means.astype(np.float64)
    weights = equal_people(talking.subjects)
    mean = weights @ means
    variance = weights @ (means - mean) ** 2 + _change(folder, talking, means)
    deviation = np.maximum(np.sqrt(variance), LEAST_DEVIATION)
    statistics = FeatureStatistics(mean.astype(np.float32), deviation.astype(np.float32))
    return statistics, _limits(np.log(statistics.distances(means.astype(np.float32))), weights)


def _change(folder: ModelFolder, talking: ClipSet, means: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(F,) mean square of the change of each feature under the degradations."""
    chosen = np.arange(0, len(talking), DEGRADED_STRIDE)
    part = replace(talking.take(chosen), second=None)
    weights = equal_people(part.subjects)
    changed = (replace(part, images=degraded(part.images, change)) for change in degradations().values())
    squares = [weights @ (served_clips(folder, clips).means - means[chosen]) ** 2 for clips in changed]
    return np.asarray(np.mean(squares, axis=0), np.float64)


def _limits(logarithms: Floats, weights: npt.NDArray[np.float64]) -> Limits:
    middle = float(weights @ logarithms)
    spread = float(np.sqrt(weights @ (logarithms - middle) ** 2))
    least, most = np.exp([middle - LIMIT * spread, middle + LIMIT * spread])
    return round(float(least), DECIMALS), round(float(most), DECIMALS)


@dataclass(frozen=True, slots=True)
class MovingWindows:
    """Windows of people who trained nothing, with what an adaptive temperature reads."""

    logits: Floats  # (N, labels) before the factor
    gates: Floats  # (N,)
    distances: Floats  # (N,)
    labels: Integers
    subjects: Names

    @classmethod
    def of(cls, computed: FolderLogits, statistics: FeatureStatistics, clips: ClipSet) -> "MovingWindows":
        """The windows of clips."""
        distances = statistics.distances(computed.means)
        return cls(computed.logits, computed.gates, distances, clips.labels, clips.subjects)

    def take(self, chosen: npt.NDArray[np.bool_]) -> "MovingWindows":
        """The windows that a mask selects."""
        logits, gates, distances = self.logits[chosen], self.gates[chosen], self.distances[chosen]
        return MovingWindows(logits, gates, distances, self.labels[chosen], self.subjects[chosen])

    def fit(self, temperature: float, limits: Limits) -> AdaptiveTemperatureSettings:
        """The factor that minimises the negative log-likelihood at a temperature, each person counting the same."""
        least, most = limits
        logarithms = np.log(np.clip(self.distances, least, most)).astype(np.float64)
        weights, rows = equal_people(self.subjects), np.arange(len(self.labels))

        def negative_log_likelihood(parameters: npt.NDArray[np.float64]) -> float:
            factors = np.exp(self.gates * (parameters[0] + parameters[1] * logarithms))
            scores = log_softmax(self.logits * factors[:, np.newaxis] / temperature, axis=1)
            return -float(weights @ scores[rows, self.labels])

        intercept, slope = minimize(negative_log_likelihood, np.zeros(2), bounds=[(-5, 5)] * 2).x.tolist()
        return AdaptiveTemperatureSettings(
            intercept=round(intercept, DECIMALS), slope=round(slope, DECIMALS), least=least, most=most
        )


def adapted_by_others(
    computed: FolderLogits, clips: ClipSet, fitted: MovingWindows, temperature: float, adaptive: AdaptiveTemperature
) -> Floats:
    """(N, labels) logits of clips; the factor for each person is fitted on the windows of the others.

    fitted    windows of the calibration, which may include these clips
    adaptive  the statistics, and the limits of the distance
    """
    logits = np.zeros_like(computed.logits)
    limits = adaptive.settings.least, adaptive.settings.most
    for person in np.unique(clips.subjects):
        own = clips.subjects == person
        settings = fitted.take(fitted.subjects != person).fit(temperature, limits)
        logits[own] = computed.adapted(replace(adaptive, settings=settings))[own]
    return logits
