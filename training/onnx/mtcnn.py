"""Convert facenet-pytorch's MTCNN to ONNX: `python -m training.onnx.mtcnn [FOLDER]`.

The graphs are written by hand, because three operations that a generic exporter keeps are folded into the weights: the
pixel scaling, the softmax over two classes (a sigmoid of the difference of their logits), and the transposed order in
which facenet-pytorch flattens. Each converted network is compared with the original before it is written.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet

from duygu.shared.config.settings import settings
from duygu.shared.model.folder import MANIFEST, sha256_of
from duygu.training.onnx.graph import Graph, floats

PIXEL_MEAN, PIXEL_SCALE = 127.5, 0.0078125
"""facenet_pytorch.models.utils.detect_face: (pixels - 127.5) * 0.0078125."""

TOLERANCE = 1e-4
"""Largest accepted absolute difference from the original on any output; single precision causes about 1e-6."""

Weights = npt.NDArray[np.float32]


class Builder:
    """Appends MTCNN's layers, with the weights of one state dictionary, to an ONNX graph."""

    def __init__(self, state: dict[str, torch.Tensor], side: int | None) -> None:
        """`side` in pixels of the square input; None accepts any height and width."""
        self.state = {name: tensor.numpy().astype(np.float32) for name, tensor in state.items()}
        self.rank = 2 if side else 4  # of the outputs: vectors for a fixed input, maps for a free one
        self.input = floats("pictures", ["count", side or "height", side or "width", 3])
        self.graph = Graph()
        self.order: npt.NDArray[np.intp] | None = None  # of the channels of `last`, where they are permuted
        self.last = self.graph.add("Transpose", "pictures", perm=[0, 3, 1, 2])

    def convolution(self, layer: str, *, scaled: bool = False, pool: int | None = None) -> None:
        """Append a convolution with its PReLU.

        scaled  whether the input is pixels of 0..255, whose scaling is folded into the weights
        pool    side of a max pooling that follows
        """
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
        self.last = self.graph.add(
            "Conv", self.last, self.graph.constant(weights), self.graph.constant(bias.astype(np.float32))
        )

    def _pooled(self, weights: Weights, bias: Weights, slopes: Weights, side: int) -> None:
        """Convolution, PReLU and max pooling of stride 2, with the PReLU after the pooling: a quarter of its inputs.

        A PReLU with slope a >= 0 is monotonic and commutes with the maximum. For a < 0 it is max(x, a x), whose
        maximum over a window is the larger of the maxima of x and of a x: the convolution outputs such a channel
        twice, once multiplied by a.
        """
        rising, folded = np.flatnonzero(slopes >= 0), np.flatnonzero(slopes < 0)
        self.order = np.concatenate([rising, folded])  # of the output channels
        factors = slopes[folded].reshape(-1, 1, 1, 1)
        self._convolve(
            np.concatenate([weights[self.order], weights[folded] * factors]),
            np.concatenate([bias[self.order], bias[folded] * slopes[folded]]),
        )
        # ceil_mode keeps the last, incomplete column and row.
        maximum = self.graph.add("MaxPool", self.last, kernel_shape=[side, side], strides=[2, 2], ceil_mode=1)
        straight, *both = self.graph.split(maximum, [len(rising), len(folded), len(folded)], axis=1)
        rectified = self.graph.add("PRelu", straight, self.graph.constant(slopes[rising].reshape(-1, 1, 1)))
        self.last = self.graph.add("Concat", rectified, self.graph.add("Max", *both), axis=1)

    def rectify(self, layer: str, shape: tuple[int, ...]) -> None:
        """Append a PReLU with one slope a for each channel, as the faster max(x, a x) where no a is above 1."""
        slopes = self.state[f"prelu{layer}.weight"].reshape(shape)
        if (slopes > 1).any():
            self.last = self.graph.add("PRelu", self.last, self.graph.constant(slopes))
        else:
            self.last = self.graph.add("Max", self.last, self.graph.add("Mul", self.last, self.graph.constant(slopes)))

    def dense(self, layer: str, shape: tuple[int, int, int]) -> None:
        """Append a dense layer with its PReLU on (channels, height, width).

        The original flattens (width, height, channels).
        """
        channels, height, width = shape
        original = self.state[f"dense{layer}.weight"]
        weights = original.reshape(-1, width, height, channels).transpose(0, 3, 2, 1).reshape(len(original), -1)
        flat = self.graph.add("Flatten", self.last)
        bias = self.graph.constant(self.state[f"dense{layer}.bias"])
        self.last = self.graph.add("Gemm", flat, self.graph.constant(weights), bias, transB=1)
        self.rectify(layer, (-1,))

    def heads(self, scores: str, **others: str) -> None:
        """Append the outputs: `scores`, the probability of a face, and linear outputs by name."""
        weights, bias = (self.state[f"{scores}.{part}"] for part in ("weight", "bias"))
        difference = self._linear(weights[1:] - weights[:1], bias[1:] - bias[:1])
        self.graph.add("Sigmoid", difference, name="scores")
        for name, layer in others.items():
            self._linear(self.state[f"{layer}.weight"], self.state[f"{layer}.bias"], name)

    def _linear(self, weights: Weights, bias: Weights, name: str | None = None) -> str:
        inputs = [self.last, self.graph.constant(weights), self.graph.constant(bias)]
        if weights.ndim == 4:
            return self.graph.add("Conv", *inputs, name=name)
        return self.graph.add("Gemm", *inputs, name=name, transB=1)

    def model(self, outputs: list[str]) -> onnx.ModelProto:
        """The finished, checked model."""
        return self.graph.model("mtcnn", self.input, [floats(name, [None] * self.rank) for name in outputs])


def proposal_network(state: dict[str, torch.Tensor]) -> onnx.ModelProto:
    """P-Net: a picture of any size -> a score and a box for each 12 x 12 patch."""
    layers = Builder(state, None)
    layers.convolution("1", scaled=True, pool=2)
    layers.convolution("2")
    layers.convolution("3")
    layers.heads("conv4_1", shifts="conv4_2")
    return layers.model(["scores", "shifts"])


def refinement_network(state: dict[str, torch.Tensor]) -> onnx.ModelProto:
    """R-Net: 24 x 24 crops -> scores and boxes."""
    layers = Builder(state, 24)
    layers.convolution("1", scaled=True, pool=3)
    layers.convolution("2", pool=3)
    layers.convolution("3")
    layers.dense("4", (64, 3, 3))
    layers.heads("dense5_1", shifts="dense5_2")
    return layers.model(["scores", "shifts"])


def output_network(state: dict[str, torch.Tensor]) -> onnx.ModelProto:
    """O-Net: 48 x 48 crops -> scores, boxes and five landmarks."""
    layers = Builder(state, 48)
    layers.convolution("1", scaled=True, pool=3)
    layers.convolution("2", pool=3)
    layers.convolution("3", pool=2)
    layers.convolution("4")
    layers.dense("5", (128, 3, 3))
    layers.heads("dense6_1", shifts="dense6_2", landmarks="dense6_3")
    return layers.model(["scores", "shifts", "landmarks"])


def difference(model: onnx.ModelProto, original: torch.nn.Module, side: int) -> float:
    """Largest absolute difference between the outputs of both, on random pictures of this side."""
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
            raise ValueError(f"the converted {name} differs from the original by more than {TOLERANCE}")
        path = folder / f"{name}.onnx"
        onnx.save(model, path)
        files[path.name] = sha256_of(path)
    text = json.dumps({"source": "facenet-pytorch 2.5.3", "licence": "MIT", "files": files}, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.onnx.mtcnn", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=settings().mtcnn, help="output folder")
    export(parser.parse_args().folder)


if __name__ == "__main__":
    main()
