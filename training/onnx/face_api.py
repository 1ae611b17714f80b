"""The convolutions of face-api's expression network (MIT) as ONNX, with its weights or with such that began as them.

The second trunk of the emotion network pools the last maps, 7 x 7 places of 256 channels. Pooled features lose where in
the face something moves; the head of the movement network therefore reads the maps.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from duygu.shared.vision.types import Floats, Image
from duygu.training.distillation.teachers import FACE_API_BLOCKS, FACE_API_MEAN
from duygu.training.onnx.graph import Graph, floats

SIZE, PLACES, CHANNELS = 112, 7, 256
"""Side of the crop in pixels; side and channels of the maps."""

BATCH = 8


def trunk_graph(weights: Mapping[str, Floats]) -> tuple[Graph, str]:
    """A graph from "crops" (N, 112, 112) uint8 grey to the maps (N, 256, 7, 7), and their name."""
    graph = Graph()
    grey = graph.reshape(graph.add("Cast", "crops", to=TensorProto.FLOAT), 1, SIZE, SIZE)
    colour = graph.add("Concat", grey, grey, grey, axis=1)
    mean = graph.constant(np.array(FACE_API_MEAN, np.float32).reshape(1, 3, 1, 1))
    value = graph.add("Div", graph.add("Sub", colour, mean), graph.constant(np.float32(255)))
    for block in range(FACE_API_BLOCKS):
        total = graph.add("Relu", _convolve(graph, weights, value, f"dense{block}/conv0", stride=2))
        for layer in (1, 2, 3):
            change = _convolve(graph, weights, graph.add("Relu", total), f"dense{block}/conv{layer}", stride=1)
            total = graph.add("Add", total, change)
        value = graph.add("Relu", total)
    return graph, value


def _convolve(graph: Graph, weights: Mapping[str, Floats], value: str, layer: str, *, stride: int) -> str:
    options: dict[str, Any] = {"auto_pad": "SAME_UPPER", "strides": [stride, stride], "kernel_shape": [3, 3]}
    bias = graph.constant(weights[f"{layer}/bias"])
    if f"{layer}/filters" in weights:
        kernel = graph.constant(weights[f"{layer}/filters"].transpose(3, 2, 0, 1))
        return graph.add("Conv", value, kernel, bias, **options)
    depthwise = weights[f"{layer}/depthwise_filter"].transpose(2, 3, 0, 1)
    spread = graph.add("Conv", value, graph.constant(depthwise), group=len(depthwise), **options)
    pointwise = graph.constant(weights[f"{layer}/pointwise_filter"].transpose(3, 2, 0, 1))
    return graph.add("Conv", spread, pointwise, bias)


class Trunk:
    """The trunk, executed by ONNX Runtime."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        import onnxruntime

        graph, maps = trunk_graph(weights)
        model = graph.model("trunk", crops_input(), [floats(maps, ["N", CHANNELS, PLACES, PLACES])])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model.SerializeToString(), options)

    def maps(self, crops: Image) -> Any:
        """Crops (N, 112, 112) -> maps (N, 256, 7, 7) float16, which halves the files of a run."""
        parts = [crops[start : start + BATCH] for start in range(0, len(crops), BATCH)]
        return np.concatenate([self._session.run(None, {"crops": part})[0].astype(np.float16) for part in parts])


class PooledTrunk:
    """The means of the maps, executed by ONNX Runtime; `model` is the network from "crops" to "features" (N, 256)."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        import onnxruntime

        graph, maps = trunk_graph(weights)
        self.width = len(weights[f"dense{FACE_API_BLOCKS - 1}/conv3/bias"])
        features = graph.add("ReduceMean", maps, name="features", axes=[2, 3], keepdims=0)
        self.model: onnx.ModelProto = graph.model("second_trunk", crops_input(), [floats(features, ["N", self.width])])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(self.model.SerializeToString(), options)

    def features(self, crops: Image) -> Floats:
        """Crops (N, 112, 112) uint8 -> (N, 256)."""
        parts = [crops[start : start + BATCH] for start in range(0, len(crops), BATCH)]
        found = [np.asarray(self._session.run(None, {"crops": part})[0], np.float32) for part in parts]
        return np.concatenate([np.zeros((0, self.width), np.float32), *found])


def crops_input() -> Any:
    """The input of the graph."""
    return helper.make_tensor_value_info("crops", TensorProto.UINT8, ["N", SIZE, SIZE])
