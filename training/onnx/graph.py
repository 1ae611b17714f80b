"""A Keras clip network as an ONNX graph that ONNX Runtime is quick with.

Convolutions that do not mix frames are written in two dimensions over all frames of all clips; that is several times
as fast as the same in three. A softmax at the end is left out: a model file answers with logits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from duygu.training.network.keras_file import RECIPE_KEY, Network

OPSET, IR_VERSION = 17, 8


class Layout(Enum):
    """How a tensor of Keras, (N, frames, height, width, channels), lies in the graph."""

    LAST = "as in Keras"
    FRAMES = "(N x frames, channels, height, width)"
    CLIPS = "(N, channels, frames, height, width)"


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the graph, with its shape in Keras without N."""

    name: str
    layout: Layout
    shape: tuple[int, ...]


class Graph:
    """An ONNX graph that grows layer by layer."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append one operation and return the name of its output."""
        output = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, values: Any) -> str:
        """Store an array and return its name."""
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def reshape(self, name: str, *shape: int) -> str:
        """The same numbers, N first as far as they go."""
        return self.add("Reshape", name, self.constant(np.array([-1, *shape], np.int64)))

    def to(self, value: Value, layout: Layout) -> Value:
        """The same tensor in another layout."""
        if value.layout is layout:
            return value
        if value.layout is Layout.LAST:
            return Value(self._from_last(value, layout), layout, value.shape)
        frames, height, width, channels = value.shape
        if value.layout is Layout.FRAMES:
            parted = self.reshape(value.name, frames, channels, height, width)
            order = [0, 2, 1, 3, 4] if layout is Layout.CLIPS else [0, 1, 3, 4, 2]
            return Value(self.add("Transpose", parted, perm=order), layout, value.shape)
        last = Value(self.add("Transpose", value.name, perm=[0, 2, 3, 4, 1]), Layout.LAST, value.shape)
        return self.to(last, layout)

    def _from_last(self, value: Value, layout: Layout) -> str:
        _, height, width, channels = value.shape
        if layout is Layout.CLIPS:
            return self.add("Transpose", value.name, perm=[0, 4, 1, 2, 3])
        if channels == 1:
            return self.reshape(value.name, 1, height, width)
        return self.reshape(self.add("Transpose", value.name, perm=[0, 1, 4, 2, 3]), channels, height, width)


def _convolution(graph: Graph, layer: Any, value: Value) -> Value:
    kernel, *bias = layer.get_weights()
    flat = layer.kernel_size[0] == 1 and layer.strides[0] == 1
    inputs = graph.to(value, Layout.FRAMES if flat else Layout.CLIPS)
    kept = slice(1, None) if flat else slice(None)
    weights = kernel.transpose(4, 3, 0, 1, 2)
    output = graph.add(
        "Conv",
        inputs.name,
        graph.constant(weights[:, :, 0] if flat else weights),
        *map(graph.constant, bias),
        strides=layer.strides[kept],
        pads=_padding(layer.padding, value.shape, layer.kernel_size, layer.strides, kept),
    )
    return _activated(graph, layer, Value(output, inputs.layout, _shape(layer)))


def _padding(
    padding: str, shape: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...], kept: slice
) -> list[int]:
    """Keras' "same" puts the odd pixel behind. All beginnings, then all ends."""
    if padding != "same":
        return [0] * 2 * len(kernel[kept])
    sides = zip(shape, kernel, strides, strict=False)
    total = [max((-(-side // step) - 1) * step + extent - side, 0) for side, extent, step in sides][kept]
    return [pad // 2 for pad in total] + [pad - pad // 2 for pad in total]


def _normalisation(graph: Graph, layer: Any, value: Value) -> Value:
    parts = [graph.constant(weights) for weights in layer.get_weights()]  # scale, shift, mean, variance
    output = graph.add("BatchNormalization", value.name, *parts, epsilon=layer.epsilon)
    return Value(output, value.layout, value.shape)


def _dense(graph: Graph, layer: Any, value: Value) -> Value:
    kernel, *bias = layer.get_weights()
    output = graph.add("MatMul", value.name, graph.constant(kernel))
    if bias:
        output = graph.add("Add", output, graph.constant(bias[0]))
    return _activated(graph, layer, Value(output, Layout.LAST, _shape(layer)))


def _activated(graph: Graph, layer: Any, value: Value) -> Value:
    if layer.activation is keras.activations.relu:
        return _relu(graph, layer, value)
    if layer.activation is keras.activations.tanh:
        return Value(graph.add("Tanh", value.name), value.layout, value.shape)
    if layer.activation not in (keras.activations.linear, keras.activations.softmax):
        raise NotImplementedError(f"no ONNX for the activation of {layer.name}")
    return value


def _relu(graph: Graph, _: Any, value: Value) -> Value:
    return Value(graph.add("Relu", value.name), value.layout, value.shape)


def _pooling(operator: str) -> Callable[[Graph, Any, Value], Value]:
    def pool(graph: Graph, layer: Any, value: Value) -> Value:
        flat = layer.pool_size[0] == 1
        inputs = graph.to(value, Layout.FRAMES if flat else Layout.CLIPS)
        kept = slice(1, None) if flat else slice(None)
        sizes, strides = layer.pool_size[kept], layer.strides[kept]
        output = graph.add(operator, inputs.name, kernel_shape=sizes, strides=strides)
        return Value(output, inputs.layout, _shape(layer))

    return pool


def _mean(graph: Graph, layer: Any, value: Value) -> Value:
    inputs = graph.to(value, Layout.CLIPS)
    output = graph.add("ReduceMean", inputs.name, axes=[2, 3, 4], keepdims=0)
    return Value(output, Layout.LAST, _shape(layer))


def _reshaping(graph: Graph, layer: Any, value: Value) -> Value:
    inputs, shape = graph.to(value, Layout.LAST) if len(value.shape) == 4 else value, _shape(layer)
    return Value(graph.reshape(inputs.name, *shape), Layout.LAST, shape)


def _cropping(graph: Graph, layer: Any, value: Value) -> Value:
    (start, end), *_ = layer.cropping
    inputs = graph.to(value, Layout.LAST)
    limits = ([start], [value.shape[0] - end], [1])
    output = graph.add("Slice", inputs.name, *(graph.constant(np.array(limit, np.int64)) for limit in limits))
    return Value(output, inputs.layout, _shape(layer))


def _concatenation(graph: Graph, layer: Any, *values: Value) -> Value:
    output = graph.add("Concat", *(value.name for value in values), axis=layer.axis)
    return Value(output, Layout.LAST, _shape(layer))


def _elementwise(operator: str) -> Callable[..., Value]:
    def combine(graph: Graph, layer: Any, *values: Value) -> Value:
        first, *others = values
        name = first.name
        for value in others:
            name = graph.add(operator, name, graph.to(value, first.layout).name)
        return Value(name, first.layout, _shape(layer))

    return combine


def _nothing(_: Graph, __: Any, value: Value) -> Value:
    return value


EMITTERS: dict[str, Callable[..., Value]] = {
    "Add": _elementwise("Add"),
    "AveragePooling3D": _pooling("AveragePool"),
    "BatchNormalization": _normalisation,
    "Concatenate": _concatenation,
    "Conv3D": _convolution,
    "Cropping3D": _cropping,
    "Dense": _dense,
    "Dropout": _nothing,
    "Flatten": _reshaping,
    "GlobalAveragePooling3D": _mean,
    "MaxPooling3D": _pooling("MaxPool"),
    "Multiply": _elementwise("Mul"),
    "ReLU": _relu,
    "Reshape": _reshaping,
    "Subtract": _elementwise("Sub"),
}


def to_onnx(network: Network) -> onnx.ModelProto:
    """The network with its recipe: input `clips` (N, frames, size, size, 1), output `logits` (N, labels).

    Raises NotImplementedError for a layer that none of the project's networks has.
    """
    graph, recipe = Graph(), network.recipe
    values: dict[str, Value] = {}
    for layer in network.model.layers:
        values[layer.output.name] = _emit(graph, layer, values)
    output = values[network.model.outputs[0].name]
    graph.nodes.append(helper.make_node("Identity", [output.name], ["logits"]))
    clips = helper.make_tensor_value_info("clips", TensorProto.FLOAT, ["count", *recipe.input_shape])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["count", len(recipe.labels)])
    proto = helper.make_graph(graph.nodes, recipe.name, [clips], [logits], graph.initializers)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(model, {RECIPE_KEY: recipe.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model


def _emit(graph: Graph, layer: Any, values: dict[str, Value]) -> Value:
    kind = type(layer).__name__
    if kind == "InputLayer":
        return Value("clips", Layout.LAST, _shape(layer))
    if kind not in EMITTERS:
        raise NotImplementedError(f"no ONNX for the layer {layer.name}, a {kind}")
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    return EMITTERS[kind](graph, layer, *(values[tensor.name] for tensor in inputs))


def _shape(layer: Any) -> tuple[int, ...]:
    return tuple(layer.output.shape[1:])
