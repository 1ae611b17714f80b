"""MTCNN's three networks from facenet-pytorch's own weights to ONNX: `python -m training.onnx.mtcnn [FOLDER]`.

The graphs are written out by hand, because three things are folded into the weights that an exporter leaves as
operations: the pixel scaling, the softmax over two classes (a sigmoid of their difference), and the transposed
order in which facenet-pytorch flattens. What comes out is compared with the originals before it is kept.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from onnx import TensorProto, helper, numpy_helper

from duygu.shared.config import settings
from duygu.shared.model.folder import MANIFEST, sha256_of

OPSET = 17
PIXEL_MEAN, PIXEL_SCALE = 127.5, 0.0078125
"""facenet_pytorch.models.utils.detect_face: (pixels - 127.5) * 0.0078125."""

TOLERANCE = 1e-4
"""Largest difference from the original network on any output; single precision leaves about 1e-6."""

Weights = npt.NDArray[np.float32]


class Graph:
    """An ONNX graph that grows layer by layer from one state dictionary."""

    def __init__(self, state: dict[str, torch.Tensor], side: int | None) -> None:
        self.state = {name: tensor.numpy().astype(np.float32) for name, tensor in state.items()}
        self.rank = 2 if side else 4  # of the outputs: a fixed picture gives vectors, a free one gives maps
        shape = ["count", side or "height", side or "width", 3]
        self.input = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.order: npt.NDArray[np.intp] | None = None  # of the channels of `last`, where it is another
        self.last = self.add("Transpose", ["pictures"], perm=[0, 3, 1, 2])

    def add(self, operator: str, inputs: list[str], name: str | None = None, **attributes: Any) -> str:
        """Append one operation and return the name of its output."""
        output = name or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, values: Weights | npt.NDArray[np.int64]) -> str:
        """Store an array in the graph and return its name."""
        name = f"weights_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, layer: str, *, scaled: bool = False, pool: int | None = None) -> None:
        """A convolution with its PReLU; `scaled` takes in pixels of 0..255, `pool` is the side of a max pooling."""
        weights, bias = self.state[f"conv{layer}.weight"], self.state[f"conv{layer}.bias"]
        weights = weights[:, self.order] if self.order is not None else weights
        self.order = None
        if scaled:
            bias = bias - weights.sum(axis=(1, 2, 3)) * (PIXEL_MEAN * PIXEL_SCALE)
            weights = weights * PIXEL_SCALE
        if pool:
            self._pooled(weights, bias, self.state[f"prelu{layer}.weight"], pool)
        else:
            self._convolve(weights, bias)
            self.rectify(layer, (-1, 1, 1))

    def _convolve(self, weights: Weights, bias: Weights) -> None:
        self.last = self.add("Conv", [self.last, self.constant(weights), self.constant(bias.astype(np.float32))])

    def _pooled(self, weights: Weights, bias: Weights, slopes: Weights, side: int) -> None:
        """Convolution, PReLU and max pooling of stride two, with the PReLU moved behind the pooling: a quarter of it.

        A rising PReLU may change places with the maximum. A folded one, whose slope a is negative, is the larger of
        x and a x, so its maximum is that of both: the convolution gives those channels twice, once times a.
        """
        rising, folded = np.flatnonzero(slopes >= 0), np.flatnonzero(slopes < 0)
        self.order = np.concatenate([rising, folded])  # of the channels that come out
        twice = slopes[folded].reshape(-1, 1, 1, 1)
        self._convolve(
            np.concatenate([weights[self.order], weights[folded] * twice]),
            np.concatenate([bias[self.order], bias[folded] * slopes[folded]]),
        )
        # The last, incomplete column and row are kept.
        maximum = self.add("MaxPool", [self.last], kernel_shape=[side, side], strides=[2, 2], ceil_mode=1)
        parts = [f"{maximum}_{part}" for part in ("rising", "folded", "times_slope")]
        sizes = self.constant(np.array([len(rising), len(folded), len(folded)], np.int64))
        self.nodes.append(helper.make_node("Split", [maximum, sizes], parts, axis=1))
        straight = self.add("PRelu", [parts[0], self.constant(slopes[rising].reshape(-1, 1, 1))])
        self.last = self.add("Concat", [straight, self.add("Max", parts[1:])], axis=1)

    def rectify(self, layer: str, shape: tuple[int, ...]) -> None:
        """PReLU with one slope for each channel: the larger of x and a x, which is quicker, where no a is above 1."""
        slopes = self.state[f"prelu{layer}.weight"].reshape(shape)
        if (slopes > 1).any():
            self.last = self.add("PRelu", [self.last, self.constant(slopes)])
        else:
            self.last = self.add("Max", [self.last, self.add("Mul", [self.last, self.constant(slopes)])])

    def dense(self, layer: str, shape: tuple[int, int, int]) -> None:
        """A dense layer over (channels, height, width); the original flattens (width, height, channels)."""
        channels, height, width = shape
        original = self.state[f"dense{layer}.weight"]
        weights = original.reshape(-1, width, height, channels).transpose(0, 3, 2, 1).reshape(len(original), -1)
        flat = self.add("Flatten", [self.last])
        bias = self.constant(self.state[f"dense{layer}.bias"])
        self.last = self.add("Gemm", [flat, self.constant(weights), bias], transB=1)
        self.rectify(layer, (-1,))

    def heads(self, scores: str, **others: str) -> None:
        """The outputs: the probability of a face, and what else is computed from the same features."""
        weights, bias = (self.state[f"{scores}.{part}"] for part in ("weight", "bias"))
        difference = self._linear(weights[1:] - weights[:1], bias[1:] - bias[:1])
        self.add("Sigmoid", [difference], "scores")
        for name, layer in others.items():
            self._linear(self.state[f"{layer}.weight"], self.state[f"{layer}.bias"], name)

    def _linear(self, weights: Weights, bias: Weights, name: str | None = None) -> str:
        inputs = [self.last, self.constant(weights), self.constant(bias)]
        return self.add("Conv", inputs, name) if weights.ndim == 4 else self.add("Gemm", inputs, name, transB=1)

    def model(self, outputs: list[str]) -> onnx.ModelProto:
        """The finished, checked network."""
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * self.rank) for name in outputs]
        graph = helper.make_graph(self.nodes, "mtcnn", [self.input], infos, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(model)
        return model


def proposal_network(state: dict[str, torch.Tensor]) -> onnx.ModelProto:
    """P-Net: any picture -> for each 12 x 12 patch a score and a box."""
    graph = Graph(state, None)
    graph.convolution("1", scaled=True, pool=2)
    graph.convolution("2")
    graph.convolution("3")
    graph.heads("conv4_1", shifts="conv4_2")
    return graph.model(["scores", "shifts"])


def refinement_network(state: dict[str, torch.Tensor]) -> onnx.ModelProto:
    """R-Net: 24 x 24 crops -> scores and boxes."""
    graph = Graph(state, 24)
    graph.convolution("1", scaled=True, pool=3)
    graph.convolution("2", pool=3)
    graph.convolution("3")
    graph.dense("4", (64, 3, 3))
    graph.heads("dense5_1", shifts="dense5_2")
    return graph.model(["scores", "shifts"])


def output_network(state: dict[str, torch.Tensor]) -> onnx.ModelProto:
    """O-Net: 48 x 48 crops -> scores, boxes and five landmarks."""
    graph = Graph(state, 48)
    graph.convolution("1", scaled=True, pool=3)
    graph.convolution("2", pool=3)
    graph.convolution("3", pool=2)
    graph.convolution("4")
    graph.dense("5", (128, 3, 3))
    graph.heads("dense6_1", shifts="dense6_2", landmarks="dense6_3")
    return graph.model(["scores", "shifts", "landmarks"])


def difference(model: onnx.ModelProto, original: torch.nn.Module, side: int) -> float:
    """Largest difference between a graph and the network that it came from, on random pictures."""
    pictures = np.random.default_rng(0).uniform(0, 255, (3, side, side, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    scores, *found = session.run(None, {"pictures": pictures})
    scaled = (torch.from_numpy(pictures).permute(0, 3, 1, 2) - PIXEL_MEAN) * PIXEL_SCALE
    with torch.no_grad():
        *expected, classes = (output.numpy() for output in original(scaled))
    pairs = [(scores[:, 0], classes[:, 1]), *zip(found, expected, strict=True)]
    return max(float(np.abs(one - other).max()) for one, other in pairs)


def export(folder: Path) -> None:
    """Write the three networks and the manifest of their sha256."""
    folder.mkdir(parents=True, exist_ok=True)
    networks = {
        "pnet": (proposal_network, PNet(), 61),
        "rnet": (refinement_network, RNet(), 24),
        "onet": (output_network, ONet(), 48),
    }
    files = {}
    for name, (build, original, side) in networks.items():
        model = build(original.state_dict())
        if difference(model, original, side) > TOLERANCE:
            raise ValueError(f"{name} does not answer as the original does")
        path = folder / f"{name}.onnx"
        onnx.save(model, path)
        files[path.name] = sha256_of(path)
    text = json.dumps({"source": "facenet-pytorch 2.5.3", "licence": "MIT", "files": files}, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=settings().mtcnn)
    export(parser.parse_args().folder)
