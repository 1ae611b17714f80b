"""The linear layer for moving faces, learned on stills and adapted to people who talk without any label of theirs.

Each feature of the trunk is standardised: in training by its statistics over stills, in use by its statistics over
recordings of people who talk. This is the adaptation of Li et al. 2016 ("Revisiting batch normalization for practical
domain adaptation"), applied to the features in front of one linear layer, into which both are folded. A talking mouth
shifts the mean of many features, which a layer learned on stills would take for an expression.
"""

from dataclasses import dataclass

import keras
import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import log_softmax, softmax

from duygu.shared.schemas.emotions import EMOTIONS, NEUTRAL
from duygu.shared.vision.types import Floats, Image
from duygu.training.data.clipset import ClipSet
from duygu.training.data.stills import TrainingStills
from duygu.training.network.architectures import FEATURES
from duygu.training.network.examples import Examples
from duygu.training.network.inference import features_of
from duygu.training.network.keras_file import Network
from duygu.training.network.motion_gate import MOVING, STILL
from duygu.training.run.settings import SOURCES, TalkingSettings
from duygu.training.run.types import Integers, Probabilities

LEAST_DEVIATION = 1e-3
"""Lower bound of the standard deviation of a feature, so that a constant one is not amplified."""

NEUTRAL_INDEX = EMOTIONS.index(NEUTRAL)

LARGEST_SHIFT = 50.0
"""Bound of the search for the shift of the logit of neutral."""

ITERATIONS = 60
"""Limit of L-BFGS; the loss falls by less than a thousandth after about forty."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and standard deviation of each feature: (features,)."""

    mean: Floats
    deviation: Floats

    def standardise(self, features: Floats) -> Floats:
        """(N, features) in deviations from the mean."""
        return np.asarray((features - self.mean) / self.deviation, np.float32)

    def folded(self, kernel: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """The linear layer for features as they are that equals this one for standardised features."""
        shift = np.asarray((self.mean / self.deviation) @ kernel, np.float32)
        return kernel / self.deviation[:, np.newaxis], bias - shift

    @classmethod
    def of(cls, features: Floats, weights: Probabilities) -> "Statistics":
        """Weighted statistics of (N, features); the weights (N,) sum to 1."""
        mean = weights @ features
        deviation = np.sqrt(weights @ (features - mean) ** 2)
        return cls(np.asarray(mean, np.float32), np.asarray(np.maximum(deviation, LEAST_DEVIATION), np.float32))


def learn_talking(network: Network, stills: TrainingStills, talking: ClipSet, settings: TalkingSettings) -> None:
    """Replace the network's layer for moving faces by one that is learned on stills and adapted to talking people.

    talking  clips of people who talk; their labels are not used, and each recording counts the same
    """
    features, weights = talking_features(network, talking)
    kernel, bias = adapted_layer(still_features(network, stills.images), stills, features, weights, settings)
    still = network.model.get_layer(STILL).get_weights()
    network.model.get_layer(MOVING).set_weights([kernel - still[0], bias - still[1]])


COPIES_SHARE = 0.5
"""Share of the weight that talking copies of stills have, together."""


@dataclass(frozen=True, slots=True)
class CopyFeatures:
    """Features of talking copies of stills."""

    stills: Integers  # (M,) index of the still of each copy
    features: Floats  # (M, F)


def adapted_layer(
    of_stills: Floats,
    stills: TrainingStills,
    of_talking: Floats,
    weights: Probabilities,
    settings: TalkingSettings,
    copies: CopyFeatures | None = None,
) -> tuple[Floats, Floats]:
    """Kernel (F, labels) and bias (labels,) that are learned on features of stills and adapted to talking people.

    of_stills   (N, F) of each still
    of_talking  (M, F) of crops of people who talk
    weights     (M,) of these crops; they sum to 1
    copies      of stills, which are learned beside them; the share of neutral is that of a layer without them
    """
    learned, used = Statistics.of(of_stills, stills.shares), Statistics.of(of_talking, weights)
    targets = np.tensordot(settings.shares(SOURCES), stills.targets, (0, 1))
    kernel, bias = fit_linear(learned.standardise(of_stills), targets, stills.shares, settings.penalty)
    before = learned.standardise(of_talking) @ kernel + bias
    if copies:
        kernel, bias = _with_copies(of_stills, stills.shares, targets, copies, settings.penalty)
    after = used.standardise(of_talking) @ kernel + bias
    bias[NEUTRAL_INDEX] += neutral_shift(before, after, weights)
    return used.folded(kernel, bias)


def _with_copies(
    of_stills: Floats, shares: Probabilities, targets: Floats, copies: CopyFeatures, penalty: float
) -> tuple[Floats, Floats]:
    """The layer for standardised features of stills and of their copies."""
    of_copies = shares[copies.stills]
    weights = np.concatenate([shares * (1 - COPIES_SHARE), of_copies / of_copies.sum() * COPIES_SHARE])
    features = np.concatenate([of_stills, copies.features])
    standardised = Statistics.of(features, weights).standardise(features)
    return fit_linear(standardised, np.concatenate([targets, targets[copies.stills]]), weights, penalty)


def neutral_shift(before: Floats, after: Floats, weights: Probabilities) -> float:
    """What to add to the logit of neutral after the adaptation, so that its mean probability is that from before it.

    Stills show more expressions than people who talk. Standardised features have the same mean on both, so that the
    adapted layer would find as little neutral in talking people as there is in stills.

    before, after  (N, labels) logits of talking people by both layers
    weights        (N,) sum to 1
    """

    def share(shift: float, logits: Floats) -> float:
        shifted = logits + shift * (np.arange(logits.shape[1]) == NEUTRAL_INDEX)
        return float(weights @ softmax(shifted, axis=1)[:, NEUTRAL_INDEX])

    kept = share(0.0, before)
    return float(brentq(lambda shift: share(shift, after) - kept, -LARGEST_SHIFT, LARGEST_SHIFT))


def adapt_to_clips(head: keras.Model, clips: Examples, penalty: float) -> None:
    """Adapt the layer for moving faces to labelled clips, not farther than the penalty allows.

    head     STILL and MOVING of a network, with the present weights, from which the distance is measured
    clips    features (N, frames, 1, 1, FEATURES) with their labels
    penalty  weight of half the squared norm of the change, in units of each feature's deviation over the clips
    """
    means = clips.inputs.mean(axis=(1, 2, 3))
    weights = (clips.weights / clips.weights.sum()).astype(np.float64)
    statistics = Statistics.of(means, weights)
    still = head.get_layer(STILL).get_weights()
    kernel, bias = (base + added for base, added in zip(still, head.get_layer(MOVING).get_weights(), strict=True))
    start = kernel * statistics.deviation[:, np.newaxis], bias + statistics.mean @ kernel
    kernel, bias = fit_linear(statistics.standardise(means), clips.targets, weights, penalty, start)
    kernel, bias = statistics.folded(kernel, bias)
    head.get_layer(MOVING).set_weights([kernel - still[0], bias - still[1]])


def still_features(network: Network, images: Image) -> Floats:
    """(N, size, size) stills -> (N, FEATURES), the mean over each still and its mirror image.

    The trunk mirrors the second half of a clip. Half a clip of stills is therefore repeated in the second half.
    """
    half = network.recipe.frames // 2
    missing = -len(images) % half
    padded = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)]).reshape(-1, half, *images.shape[1:])
    features = features_of(network, np.concatenate([padded, padded], axis=1)).reshape(len(padded), 2, half, FEATURES)
    return np.asarray(features.mean(axis=1).reshape(-1, FEATURES)[: len(images)], np.float32)


def talking_features(network: Network, talking: ClipSet) -> tuple[Floats, Probabilities]:
    """(N, FEATURES) of all crops, and their weights (N,), with which every recording counts the same."""
    features = features_of(network, talking.images).reshape(-1, FEATURES)
    _, place, counts = np.unique(talking.recordings, return_inverse=True, return_counts=True)
    weights = np.repeat(1 / counts[place], talking.images.shape[1])
    return features, weights / weights.sum()


def fit_linear(
    features: Floats,
    targets: Floats,
    weights: Probabilities,
    penalty: float,
    start: tuple[Floats, Floats] | None = None,
) -> tuple[Floats, Floats]:
    """Multinomial logistic regression on soft targets, by L-BFGS.

    features  (N, features), standardised
    targets   (N, labels) probabilities
    weights   (N,) sum to 1
    penalty   weight of half the squared norm of the kernel's difference from that of `start`
    start     kernel and bias to begin with; zeros by default

    returns   kernel (features, labels) and bias (labels,)
    """
    shape = features.shape[1], targets.shape[1]
    prior = np.zeros(shape, np.float32) if start is None else start[0]
    begin = np.zeros((shape[0] + 1, shape[1])) if start is None else np.concatenate([start[0], start[1][np.newaxis]])

    def loss(flat: Probabilities) -> tuple[float, Probabilities]:
        parameters = flat.reshape(shape[0] + 1, shape[1]).astype(np.float32)
        scores = log_softmax(features @ parameters[:-1] + parameters[-1], axis=1)
        change = parameters[:-1] - prior
        error = weights[:, np.newaxis].astype(np.float32) * (np.exp(scores) - targets)
        gradient = np.concatenate([features.T @ error + penalty * change, error.sum(axis=0)[np.newaxis]])
        value = -float(weights @ (targets * scores).sum(axis=1)) + penalty / 2 * float((change**2).sum())
        return value, gradient.ravel().astype(np.float64)

    found = minimize(loss, begin.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}).x
    fitted = found.reshape(shape[0] + 1, shape[1]).astype(np.float32)
    return fitted[:-1], fitted[-1]
