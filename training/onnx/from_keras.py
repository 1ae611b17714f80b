"""Conversion of a Keras clip network to ONNX.

Convolutions with a temporal extent of 1 become two-dimensional convolutions over all frames of all clips, which ONNX
Runtime computes several times as fast as Conv3D. A final softmax is omitted: the ONNX model returns logits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import keras
import numpy as np
import onnx
from onnx import helper

from duygu.training.network.keras_file import RECIPE_KEY, Network
from duygu.training.onnx.graph import Graph, floats


class MemoryLayout(Enum):
    """Memory layout in the graph of a Keras tensor (N, frames, height, width, channels)."""

    LAST = "as in Keras"
    FRAMES = "(N x frames, channels, height, width)"
    CLIPS = "(N, channels, frames, height, width)"


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the graph; `shape` is its Keras shape without N."""

    name: str
    layout: MemoryLayout
    shape: tuple[int, ...]


def in_layout(graph: Graph, value: Value, layout: MemoryLayout) -> Value:
    """The same tensor in another layout; appends the nodes that the conversion takes."""
    if value.layout is layout:
        return value
    if value.layout is MemoryLayout.LAST:
        return Value(_from_last(graph, value, layout), layout, value.shape)
    frames, height, width, channels = value.shape
    if value.layout is MemoryLayout.FRAMES:
        split = graph.reshape(value.name, frames, channels, height, width)
        order = [0, 2, 1, 3, 4] if layout is MemoryLayout.CLIPS else [0, 1, 3, 4, 2]
        return Value(graph.add("Transpose", split, perm=order), layout, value.shape)
    last = Value(graph.add("Transpose", value.name, perm=[0, 2, 3, 4, 1]), MemoryLayout.LAST, value.shape)
    return in_layout(graph, last, layout)


def _from_last(graph: Graph, value: Value, layout: MemoryLayout) -> str:
    _, height, width, channels = value.shape
    if layout is MemoryLayout.CLIPS:
        return graph.add("Transpose", value.name, perm=[0, 4, 1, 2, 3])
    if channels == 1:
        return graph.reshape(value.name, 1, height, width)
    return graph.reshape(graph.add("Transpose", value.name, perm=[0, 1, 4, 2, 3]), channels, height, width)


def _convolution(graph: Graph, layer: Any, value: Value) -> Value:
    kernel, *bias = layer.get_weights()
    flat = layer.kernel_size[0] == 1 and layer.strides[0] == 1
    inputs = in_layout(graph, value, MemoryLayout.FRAMES if flat else MemoryLayout.CLIPS)
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
    """Pads as ONNX orders them, all begins, then all ends. Keras puts the odd pixel of "same" at the end."""
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
    return _activated(graph, layer, Value(output, MemoryLayout.LAST, _shape(layer)))


def _activated(graph: Graph, layer: Any, value: Value) -> Value:
    if layer.activation is keras.activations.relu:
        return _relu(graph, layer, value)
    if layer.activation is keras.activations.tanh:
        return Value(graph.add("Tanh", value.name), value.layout, value.shape)
    if layer.activation not in (keras.activations.linear, keras.activations.softmax):
        raise NotImplementedError(f"layer {layer.name} has an activation without an ONNX conversion")
    return value


def _relu(graph: Graph, _: Any, value: Value) -> Value:
    return Value(graph.add("Relu", value.name), value.layout, value.shape)


def _pooling(operator: str) -> Callable[[Graph, Any, Value], Value]:
    def pool(graph: Graph, layer: Any, value: Value) -> Value:
        flat = layer.pool_size[0] == 1
        inputs = in_layout(graph, value, MemoryLayout.FRAMES if flat else MemoryLayout.CLIPS)
        kept = slice(1, None) if flat else slice(None)
        sizes, strides = layer.pool_size[kept], layer.strides[kept]
        output = graph.add(operator, inputs.name, kernel_shape=sizes, strides=strides)
        return Value(output, inputs.layout, _shape(layer))

    return pool


def _mean(graph: Graph, layer: Any, value: Value) -> Value:
    inputs = in_layout(graph, value, MemoryLayout.CLIPS)
    output = graph.add("ReduceMean", inputs.name, axes=[2, 3, 4], keepdims=0)
    return Value(output, MemoryLayout.LAST, _shape(layer))


def _reshaping(graph: Graph, layer: Any, value: Value) -> Value:
    inputs, shape = in_layout(graph, value, MemoryLayout.LAST) if len(value.shape) == 4 else value, _shape(layer)
    return Value(graph.reshape(inputs.name, *shape), MemoryLayout.LAST, shape)


def _cropping(graph: Graph, layer: Any, value: Value) -> Value:
    (start, end), *_ = layer.cropping
    inputs = in_layout(graph, value, MemoryLayout.LAST)
    limits = ([start], [value.shape[0] - end], [1])
    output = graph.add("Slice", inputs.name, *(graph.constant(np.array(limit, np.int64)) for limit in limits))
    return Value(output, inputs.layout, _shape(layer))


def _concatenation(graph: Graph, layer: Any, *values: Value) -> Value:
    output = graph.add("Concat", *(value.name for value in values), axis=layer.axis)
    return Value(output, MemoryLayout.LAST, _shape(layer))


def _elementwise(operator: str) -> Callable[..., Value]:
    def combine(graph: Graph, layer: Any, *values: Value) -> Value:
        first, *others = values
        name = first.name
        for value in others:
            name = graph.add(operator, name, in_layout(graph, value, first.layout).name)
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
    """Convert a network; the recipe goes into the metadata.

    input   clips   (N, frames, size, size, 1) float32, normalised
    output  logits  (N, labels) float32

    Raises NotImplementedError for a layer type or an activation without a conversion.
    """
    graph, recipe = Graph(), network.recipe
    values: dict[str, Value] = {}
    for layer in network.model.layers:
        values[layer.output.name] = _emit(graph, layer, values)
    output = values[network.model.outputs[0].name]
    graph.add("Identity", output.name, name="logits")
    inputs, logits = floats("clips", ["count", *recipe.input_shape]), floats("logits", ["count", len(recipe.labels)])
    model = graph.model(recipe.name, inputs, [logits])
    helper.set_model_props(model, {RECIPE_KEY: recipe.to_json()})
    return model


def _emit(graph: Graph, layer: Any, values: dict[str, Value]) -> Value:
    kind = type(layer).__name__
    if kind == "InputLayer":
        return Value("clips", MemoryLayout.LAST, _shape(layer))
    if kind not in EMITTERS:
        raise NotImplementedError(f"layer {layer.name} has no ONNX conversion: {kind} is not supported")
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    return EMITTERS[kind](graph, layer, *(values[tensor.name] for tensor in inputs))


def _shape(layer: Any) -> tuple[int, ...]:
    return tuple(layer.output.shape[1:])
