"""Tests of reading and executing TensorFlow.js models."""

import json

import numpy as np
import pytest

from duygu.shared.errors import TrainingDataError
from duygu.training.distillation.tfjs import GraphModel, read_weights
from tests.support.teacher_packages import random_graph_model, stored


def test_quantised_weights_come_back() -> None:
    """Dequantised weights differ from the originals by at most half a quantisation step."""
    weights = {"first": np.linspace(-2, 3, 12, dtype=np.float32).reshape(3, 4), "second": np.ones(2, np.float32)}
    manifest, data = stored(weights)
    read = read_weights(manifest, data)
    assert read["first"].shape == (3, 4)
    assert read["first"] == pytest.approx(weights["first"], abs=0.5 * 5 / 255 + 1e-6)
    assert read["second"] == pytest.approx(weights["second"])


def test_a_file_that_is_too_short_is_refused() -> None:
    """Truncated data raises TrainingDataError that names the first missing weight."""
    manifest, data = stored({"first": np.ones(4, np.float32), "last": np.ones(4, np.float32)})
    with pytest.raises(TrainingDataError, match="last"):
        read_weights(manifest, data[:-1])


def test_a_graph_is_run() -> None:
    """A fused convolution and a mean give the logits computed by hand for a constant image."""
    model, data = random_graph_model(np.random.default_rng(2))
    weights = read_weights(json.loads(model)["weightsManifest"], data)
    inside = np.maximum(weights["kernel"].sum(axis=(0, 1, 2)) + weights["bias"], 0)
    logits = GraphModel(json.loads(model), data)(np.ones((1, 201, 201, 1), np.float32)).numpy()[0]
    assert logits == pytest.approx(inside, abs=0.1)  # the border sees less than nine pixels


def test_an_unknown_operation_is_named() -> None:
    """An operation that is not supported raises TrainingDataError with its name."""
    model, data = random_graph_model(np.random.default_rng(2))
    changed = json.loads(model)
    changed["modelTopology"]["node"][-2]["op"] = "Cumsum"
    with pytest.raises(TrainingDataError, match="Cumsum"):
        GraphModel(changed, data)(np.ones((1, 8, 8, 1), np.float32))
