"""TensorFlow.js models (JSON and a binary file), executed by TensorFlow.

The format is documented in github.com/tensorflow/tfjs, tfjs-core/src/io/types.ts: a manifest of weights, which may be
quantised (value = stored x scale + min), and for a graph model the nodes of a TensorFlow graph in topological order.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from duygu.shared.errors import TrainingDataError
from duygu.shared.vision.types import Floats

Tensor = Any  # TensorFlow has no types
Json = Mapping[str, Any]

CONSTANT, INPUT, LAST = "Const", "Placeholder", "Softmax"


def read_weights(manifest: list[Any], data: bytes) -> dict[str, Floats]:
    """All weights of a manifest by name, dequantised. Raises TrainingDataError when the data is too short."""
    weights: dict[str, Floats] = {}
    begin = 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        quantisation = entry.get("quantization", {})
        kind = np.dtype(quantisation.get("dtype", entry["dtype"])).newbyteorder("<")
        count = int(np.prod(entry["shape"]))
        end = begin + count * kind.itemsize
        if end > len(data):
            raise TrainingDataError(
                f"truncated weights: {entry['name']} ends at byte {end}, the file has {len(data)} bytes"
            )
        stored = np.frombuffer(data[begin:end], kind).astype(np.float32)
        values = stored * quantisation.get("scale", 1.0) + quantisation.get("min", 0.0)
        weights[entry["name"]] = np.asarray(values, np.float32).reshape(entry["shape"])
        begin = end
    return weights


class GraphModel:
    """A graph that ends in a softmax: (N, H, W, C) -> (N, labels) logits, the input of that softmax."""

    def __init__(self, model: Json, data: bytes) -> None:
        """`model` is the parsed model.json, `data` the content of its binary file."""
        self._weights = read_weights(model["weightsManifest"], data)
        self._nodes = [node for node in model["modelTopology"]["node"] if node["op"] != CONSTANT]

    def __call__(self, pictures: Tensor) -> Tensor:
        """Raises TrainingDataError for an operation that is not supported."""
        values: dict[str, Tensor] = dict(self._weights)
        for node in self._nodes:
            inputs = [values[name] for name in node.get("input", [])]
            if node["op"] == LAST:
                return inputs[0]
            if node["op"] != INPUT and node["op"] not in OPERATIONS:
                raise TrainingDataError(f"unsupported operation {node['op']} in the graph")
            values[node["name"]] = pictures if node["op"] == INPUT else OPERATIONS[node["op"]](node["attr"], *inputs)
        raise TrainingDataError("unsupported graph: it does not end in a softmax")


def _text(coded: str) -> str:
    return base64.b64decode(coded).decode("ascii")


def _integers(attributes: Json, name: str) -> list[int]:
    return [int(value) for value in attributes[name]["list"]["i"]]


def _padding(attributes: Json) -> str:
    return _text(attributes["padding"]["s"])


def _convolve(attributes: Json, inputs: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """A convolution fused with a bias and, where `fused_ops` lists it, a ReLU."""
    strides = _integers(attributes, "strides")
    convolved = tf.nn.conv2d(inputs, kernel, strides, _padding(attributes)) + bias
    fused = {_text(name) for name in attributes["fused_ops"]["list"]["s"]}
    return tf.nn.relu(convolved) if "Relu" in fused else convolved


def _convolve_depthwise(attributes: Json, inputs: Tensor, kernel: Tensor) -> Tensor:
    return tf.nn.depthwise_conv2d(inputs, kernel, _integers(attributes, "strides"), _padding(attributes))


def _pool(attributes: Json, inputs: Tensor) -> Tensor:
    return tf.nn.max_pool2d(
        inputs, _integers(attributes, "ksize"), _integers(attributes, "strides"), _padding(attributes)
    )


OPERATIONS: Mapping[str, Callable[..., Tensor]] = {
    "_FusedConv2D": _convolve,
    "DepthwiseConv2dNative": _convolve_depthwise,
    "MaxPool": _pool,
    "AddV2": lambda attributes, left, right: left + right,
    "Relu": lambda attributes, inputs: tf.nn.relu(inputs),
    "Mean": lambda attributes, inputs, axes: tf.reduce_mean(inputs, tf.cast(axes, tf.int32)),
}
