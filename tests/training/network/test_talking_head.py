"""Tests of the layer for moving faces: its logistic regression, and its adaptation to people who talk."""

import numpy as np
import pytest
from scipy.special import softmax

from duygu.shared.config.settings import Settings
from duygu.shared.model.folder import H5
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.shared.vision.types import Floats
from duygu.training.data.clipset import UNLABELLED, ClipSet
from duygu.training.data.stills import TrainingStills
from duygu.training.network import keras_file
from duygu.training.network.architectures import FEATURES, copy_weights, head_network
from duygu.training.network.examples import examples
from duygu.training.network.inference import features_of
from duygu.training.network.keras_file import Network
from duygu.training.network.motion_gate import MOVING, STILL
from duygu.training.network.talking_head import (
    CopyFeatures,
    Statistics,
    adapt_to_clips,
    adapted_layer,
    fit_linear,
    learn_talking,
    neutral_shift,
    still_features,
    talking_features,
)
from duygu.training.run.settings import SOURCES, TalkingSettings
from duygu.training.run.types import Probabilities

COUNT = 40


@pytest.fixture
def network() -> Network:
    """The network that ships."""
    return keras_file.load(Settings().model / H5)


def layer(network: Network, features: Floats | Probabilities) -> Probabilities:
    """Logits of a fully moving face for features (N, FEATURES)."""
    (kernel, bias), (added, shift) = (network.model.get_layer(name).get_weights() for name in (STILL, MOVING))
    return np.asarray(features @ (kernel + added) + bias + shift, np.float64)


def test_the_regression_recovers_a_linear_layer() -> None:
    """Trained on the probabilities of a linear layer, it predicts the same probabilities."""
    random = np.random.default_rng(0)
    features, kernel = random.normal(size=(500, 6)).astype(np.float32), random.normal(size=(6, 7))
    targets = softmax(features @ kernel, axis=1).astype(np.float32)
    fitted, bias = fit_linear(features, targets, np.full(500, 1 / 500), 0.0)
    assert softmax(features @ fitted + bias, axis=1) == pytest.approx(targets, abs=0.02)


def test_a_large_penalty_keeps_the_start() -> None:
    """The penalty is on the distance from the start: the larger it is, the less the kernel changes."""
    random = np.random.default_rng(1)
    features, start = random.normal(size=(60, 5)).astype(np.float32), random.normal(size=(5, 7)).astype(np.float32)
    targets = np.eye(7, dtype=np.float32)[random.integers(0, 7, 60)]
    changes = [
        np.abs(
            fit_linear(features, targets, np.full(60, 1 / 60), penalty, (start, np.zeros(7, np.float32)))[0] - start
        ).max()
        for penalty in (0.01, 1.0, 1e4)
    ]
    assert changes[0] > changes[1] > changes[2]
    assert changes[2] == pytest.approx(0, abs=1e-3)


def test_folded_statistics_equal_standardised_features() -> None:
    """A layer for standardised features, folded, gives the same logits for the features as they are."""
    random = np.random.default_rng(2)
    features = random.normal(3, 2, (50, 4)).astype(np.float32)
    statistics = Statistics.of(features, np.full(50, 1 / 50))
    kernel, bias = random.normal(size=(4, 7)).astype(np.float32), random.normal(size=7).astype(np.float32)
    folded, shift = statistics.folded(kernel, bias)
    assert features @ folded + shift == pytest.approx(statistics.standardise(features) @ kernel + bias, abs=1e-4)


def test_features_of_stills_average_over_mirroring(network: Network) -> None:
    """A number of stills that does not fill a clip gives the features of each still as a repeated clip."""
    images = np.random.default_rng(3).integers(0, 255, (7, 48, 48), np.uint8)
    repeated = features_of(network, np.repeat(images[:, np.newaxis], 10, axis=1)).reshape(7, 10, FEATURES).mean(axis=1)
    assert still_features(network, images) == pytest.approx(repeated, abs=1e-4)


def test_every_recording_of_a_talking_person_counts_the_same(network: Network) -> None:
    """The weights of a recording sum to the same value, however long it is."""
    images = np.random.default_rng(4).integers(0, 255, (4, 10, 48, 48), np.uint8)
    recordings = np.array(["long", "long", "long", "short"])
    talking = ClipSet(images, np.full(4, UNLABELLED), recordings, recordings)
    features, weights = talking_features(network, talking)
    assert features.shape == (40, FEATURES)
    assert weights[:30].sum() == pytest.approx(0.5)


def test_the_share_of_neutral_is_kept() -> None:
    """After the shift, the weighted mean probability of neutral is that before the adaptation."""
    random = np.random.default_rng(7)
    before, after = random.normal(size=(2, 50, 7)).astype(np.float32)
    weights = random.dirichlet(np.ones(50))
    after[:, EMOTIONS.index("neutral")] -= 2
    shift = neutral_shift(before, after, weights)
    after[:, EMOTIONS.index("neutral")] += shift
    kept, found = (weights @ softmax(logits, axis=1)[:, EMOTIONS.index("neutral")] for logits in (before, after))
    assert shift > 1
    assert found == pytest.approx(kept, abs=1e-4)


def test_copies_decide_where_stills_say_nothing() -> None:
    """A feature that is constant in stills is learned from their copies, which have the targets of their stills.

    The share of neutral in talking people is that of a layer without copies.
    """
    random = np.random.default_rng(8)
    targets = np.eye(7, dtype=np.float32)[np.arange(COUNT) % 7]
    stills = TrainingStills(
        np.zeros((COUNT, 48, 48), np.uint8),
        np.repeat(targets[:, np.newaxis], len(SOURCES), 1),
        np.full(COUNT, 1 / COUNT),
    )
    of_stills = np.concatenate([random.normal(size=(COUNT, 3)), np.zeros((COUNT, 1))], axis=1).astype(np.float32)
    chosen = np.flatnonzero(np.isin(np.arange(COUNT) % 7, (0, 1)))
    fear = (np.arange(COUNT) % 7 == 1).astype(np.float32)[chosen, np.newaxis]
    copies = CopyFeatures(chosen, np.concatenate([of_stills[chosen, :3], fear], axis=1))
    talking = random.normal(size=(30, 4)).astype(np.float32)
    weights, settings = np.full(30, 1 / 30), TalkingSettings({"votes": 1.0}, 0.01)
    plain = adapted_layer(of_stills, stills, talking, weights, settings)
    kernel, bias = adapted_layer(of_stills, stills, talking, weights, settings, copies)
    assert plain[0][3] == pytest.approx(0, abs=1e-4)
    assert kernel[3, 1] - kernel[3, 0] > 0.5
    shares = [softmax(talking @ k + b, axis=1)[:, EMOTIONS.index("neutral")].mean() for k, b in (plain, (kernel, bias))]
    assert shares[1] == pytest.approx(shares[0], abs=1e-3)


def test_talking_people_change_only_the_output_for_moving_faces(network: Network) -> None:
    """The layer for still faces stays, and talking people are standardised to where the stills are.

    The mean probabilities of the emotions among each other are therefore close to those of the targets.
    """
    random = np.random.default_rng(5)
    images = random.integers(0, 255, (COUNT, 48, 48), np.uint8)
    targets = random.dirichlet(np.ones(7), (COUNT, len(SOURCES))).astype(np.float32)
    stills = TrainingStills(images, targets, np.full(COUNT, 1 / COUNT))
    clips = random.integers(60, 120, (6, 10, 48, 48), np.uint8)
    names = np.arange(6).astype(str)
    talking = ClipSet(clips, np.full(6, UNLABELLED), names, names)
    before = network.model.get_layer(STILL).get_weights()
    settings = TalkingSettings({"fer2013": 0.5, "face_api": 0.5}, 0.1)
    learn_talking(network, stills, talking, settings)
    assert all(map(np.array_equal, before, network.model.get_layer(STILL).get_weights()))
    features, weights = talking_features(network, talking)
    emotions = softmax(layer(network, features)[:, :6], axis=1)
    expected = np.tensordot(settings.shares(SOURCES), targets, (0, 1))[:, :6].mean(axis=0)
    assert weights @ emotions == pytest.approx(expected / expected.sum(), abs=0.1)


def test_clips_move_the_layer_towards_their_labels(network: Network) -> None:
    """Adapted to clips of one label, the layer predicts it more often, and the layer for still faces stays."""
    head = head_network(network.recipe)
    copy_weights(network.model, head)
    features = np.random.default_rng(6).gamma(1, 1, (30, 10, 1, 1, FEATURES)).astype(np.float32)
    still = head.get_layer(STILL).get_weights()
    labels = np.arange(30) % 2 * 2  # anger and fear
    before = np.asarray(head(features)).argmax(axis=1)
    adapt_to_clips(head, examples(features, labels, 7), 0.01)
    after = np.asarray(head(features)).argmax(axis=1)
    assert (after == labels).mean() > max((before == labels).mean(), 0.5)
    assert all(map(np.array_equal, still, head.get_layer(STILL).get_weights()))
