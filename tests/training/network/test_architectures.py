"""Tests of the architectures, and of their conversion to ONNX."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest

from duygu.shared.errors import ModelError
from duygu.shared.model.recipe import Recipe
from duygu.shared.schemas.emotions import EMOTIONS
from duygu.training.measure.metrics import probabilities_of
from duygu.training.network import keras_file
from duygu.training.network.architectures import (
    clip_network,
    copy_weights,
    features_network,
    flat_network,
    head_network,
    inflate,
    still_network,
)
from duygu.training.network.inference import predict
from duygu.training.network.keras_file import Network
from duygu.training.network.motion_gate import MOVING, scale_moving
from duygu.training.onnx.from_keras import to_onnx
from duygu.training.run.settings import SOURCES, load_recipe

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras triggers this warning when it writes a file."""

SHARES, MOVING_SHARES = (
    np.random.default_rng(4).dirichlet(np.ones(len(SOURCES)), (2, 7)).transpose(0, 2, 1).astype(np.float32)
)


@pytest.fixture(scope="module")
def stills() -> keras.Model:
    """A still network whose normalisations have seen something."""
    keras.utils.set_random_seed(0)
    network = still_network(48, 7)
    random = np.random.default_rng(0)
    norms = [weights * random.uniform(0.8, 1.2, weights.shape).astype(np.float32) for weights in network.get_weights()]
    network.set_weights(norms)
    return network


def test_inflation_is_exact(stills: keras.Model) -> None:
    """For a repeated still, the clip network gives the mean over the still and its mirror image."""
    recipe = load_recipe("e3d48").clip
    pictures = np.random.default_rng(1).normal(0, 1, (3, 48, 48, 1)).astype(np.float32)
    heads = (np.asarray(stills(pictures)) + np.asarray(stills(pictures[:, :, ::-1]))) / 2  # (3, sources, 7)
    expected = ((heads - heads.mean(axis=-1, keepdims=True)) * SHARES).sum(axis=1)
    clips = np.repeat(pictures[:, np.newaxis], recipe.frames, axis=1)
    assert np.asarray(inflate(stills, SHARES, MOVING_SHARES, recipe)(clips)) == pytest.approx(expected, abs=1e-4)


def test_the_head_continues_where_the_features_end(stills: keras.Model) -> None:
    """Trunk and head together give the logits of the whole network."""
    recipe = load_recipe("e3d48").clip
    whole = inflate(stills, SHARES, MOVING_SHARES, recipe)
    head = head_network(recipe)
    copy_weights(whole, head)
    clips = np.random.default_rng(2).normal(0, 1, (2, *recipe.input_shape)).astype(np.float32)
    parts = np.asarray(head(features_network(whole)(clips)))
    assert parts == pytest.approx(np.asarray(whole(clips)), abs=1e-5)


def test_only_motion_changes_the_output(stills: keras.Model) -> None:
    """Weights of the motion layers change the logits of moving clips and not those of repeated stills."""
    recipe = load_recipe("e3d48").clip
    network, changed = (inflate(stills, SHARES, MOVING_SHARES, recipe) for _ in range(2))
    random = np.random.default_rng(3)
    for name in (MOVING, "motion", "motion_answer", "gate"):
        layer = changed.get_layer(name)
        layer.set_weights([random.uniform(0, 1, weights.shape) for weights in layer.get_weights()])
    clips = random.normal(0, 1, (2, *recipe.input_shape)).astype(np.float32)
    standing = np.repeat(clips[:, :1], recipe.frames, axis=1)
    assert np.asarray(changed(standing)) == pytest.approx(np.asarray(network(standing)), abs=1e-4)
    assert np.abs(np.asarray(changed(clips)) - np.asarray(network(clips))).max() > 0.1


def test_the_output_for_moving_faces_is_scaled_alone(stills: keras.Model) -> None:
    """scale_moving multiplies the sum of both layers, and leaves the layer for still faces unchanged."""
    network = inflate(stills, SHARES, MOVING_SHARES, load_recipe("e3d48").clip)
    before = {name: network.get_layer(name).get_weights() for name in ("answer", MOVING)}
    scale_moving(network, 2.0)
    assert np.array_equal(network.get_layer("answer").get_weights()[0], before["answer"][0])
    for always, more, now in zip(
        before["answer"], before[MOVING], network.get_layer(MOVING).get_weights(), strict=True
    ):
        assert always + now == pytest.approx(2 * (always + more), abs=1e-5)


def test_each_label_gets_its_own_heads(stills: keras.Model) -> None:
    """Logits are the same for each label where a recipe has fewer labels or another order."""
    shares = np.full((len(SOURCES), len(EMOTIONS)), 1 / len(SOURCES), np.float32)
    picture = np.random.default_rng(2).normal(0, 1, (1, 1, 48, 48, 1)).astype(np.float32)
    logits = {}
    for labels in (EMOTIONS, EMOTIONS[::-1], EMOTIONS[2:]):
        recipe = replace(load_recipe("e3d48").clip, labels=labels)
        clip = np.repeat(picture, recipe.frames, axis=1)
        mixed = inflate(stills, shares[:, : len(labels)], shares[:, : len(labels)], recipe)
        said = np.asarray(mixed(clip, training=False))[0]
        logits[labels] = dict(zip(labels, said - said[labels.index("neutral")], strict=True))
    for said in logits.values():
        assert list(said.values()) == pytest.approx([logits[EMOTIONS][label] for label in said], abs=1e-4)


def networks() -> list[Network]:
    """One of each kind, of random weights."""
    keras.utils.set_random_seed(1)
    flat, inflated = load_recipe("seed16").clip, load_recipe("e3d48").clip
    return [Network(flat_network(flat), flat), Network(clip_network(inflated), inflated)]


@pytest.mark.parametrize("network", networks(), ids=lambda network: network.recipe.name)
def test_the_graph_predicts_as_the_network(network: Network, tmp_path: Path) -> None:
    """Saving, loading and conversion to ONNX keep the probabilities, for any number of clips."""
    path = tmp_path / "network.h5"
    keras_file.save(network, path)
    again = keras_file.load(path)
    assert again.recipe == network.recipe
    graph = to_onnx(again)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    for count in (1, 3):
        clips = np.random.default_rng(count).normal(0, 1, (count, *network.recipe.input_shape)).astype(np.float32)
        logits = session.run(None, {"clips": clips})[0]
        assert probabilities_of(logits) == pytest.approx(probabilities_of(predict(network, clips)), abs=1e-5)


def test_frames_are_convolved_in_two_dimensions() -> None:
    """Only the temporal convolution remains three-dimensional in ONNX."""
    _, network = networks()
    graph = to_onnx(network).graph
    kernels = {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    ranks = [kernels[node.input[1]] for node in graph.node if node.op_type == "Conv"]
    assert ranks.count(4) == 12
    assert ranks.count(5) == 1


def test_an_unknown_layer_is_refused() -> None:
    """A layer without a conversion raises NotImplementedError with its type."""
    recipe = Recipe("other", size=16)
    clips = keras.Input(recipe.input_shape)
    model = keras.Model(clips, keras.layers.GaussianNoise(0.1)(clips))
    with pytest.raises(NotImplementedError, match="GaussianNoise"):
        to_onnx(Network(model, recipe))


def test_another_file_is_no_model(tmp_path: Path) -> None:
    """A file that is not HDF5 raises ModelError."""
    path = tmp_path / "network.h5"
    path.write_text("nothing", encoding="utf-8")
    with pytest.raises(ModelError):
        keras_file.load(path)
