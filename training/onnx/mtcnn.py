"""Convert facenet-pytorch's MTCNN to ONNX: `python -m training.onnx.mtcnn [FOLDER]`.

The graphs are written by hand, because three operations that a generic exporter keeps are folded into the weights: the
pixel scaling, the softmax over two classes (a sigmoid of the difference of their logits), and the transposed order in
which facenet-pytorch flattens. Each converted network is compared with the original before it is written.
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

from duygu.shared.config.settings import settings
from duygu.shared.model.folder import MANIFEST, sha256_of
from duygu.training.onnx.graph import Graph, floats

PIXEL_MEAN, PIXEL_SCALE = 127.5, 0.0078125
"""facenet_pytorch.models.utils.detect_face: (pixels - 127.5) * 0.0078125."""

TOLERANCE = 1e-4
"""Largest accepted absolute difference from the original on any output; single precision causes about 1e-6."""

BLOCK = 16
"""Channels that ONNX Runtime's blocked layout stores together, on a processor with AVX-512. It pools only whole blocks,
and reads less than one from the plain layout; each change of layout takes as long as a small convolution."""

COLOURS = 3

Weights = npt.NDArray[np.float32]


class Builder:
    """Appends MTCNN's layers, with the weights of one state dictionary, to an ONNX graph.

    A PReLU with slope a is computed as a x + relu((1 - a) x), by convolutions of 1 x 1, which keep the blocked layout.
    Where a > 1, its output is negated, so that the second term is positive, too.
    """

    def __init__(self, state: dict[str, torch.Tensor], side: int | None) -> None:
        """`side` in pixels of the square input; None accepts any height and width."""
        self.state = {name: tensor.numpy().astype(np.float32) for name, tensor in state.items()}
        self.rank = 2 if side else 4  # of the outputs: vectors for a fixed input, maps for a free one
        self.input = floats("pictures", ["count", side or "height", side or "width", COLOURS])
        self.graph = Graph()
        self.signs = np.ones(COLOURS, np.float32)  # of the channels of `last`; 0 for one that completes a block
        self.last = self.graph.add("Transpose", "pictures", perm=[0, 3, 1, 2])

    def convolution(self, layer: str, *, scaled: bool = False, pool: int | None = None) -> None:
        """Append a convolution with its PReLU.

        scaled  whether the input is pixels of 0..255, whose scaling is folded into the weights
        pool    side of a max pooling that follows
        """
        weights, bias = self.state[f"conv{layer}.weight"], self.state[f"conv{layer}.bias"]
        weights = self._fitted(weights)
        if scaled:
            bias = bias - weights.sum(axis=(1, 2, 3)) * (PIXEL_MEAN * PIXEL_SCALE)
            weights = weights * PIXEL_SCALE
        slopes = self.state[f"prelu{layer}.weight"]
        if pool:
            self._pooled(weights, bias, slopes, pool)
        else:
            self._rectified(self._convolve(self.last, weights, bias), slopes)

    def _fitted(self, weights: Weights) -> Weights:
        """The weights (N, C, h, w) for the channels of `last`: their signs, and those that complete a block."""
        return np.asarray(padded(weights, 1, len(self.signs)) * self.signs[:, np.newaxis, np.newaxis], np.float32)

    def _convolve(self, value: str, weights: Weights, bias: Weights | None = None, **attributes: Any) -> str:
        parts = [weights] if bias is None else [weights, bias]
        return self.graph.add(
            "Conv", value, *(self.graph.constant(part.astype(np.float32)) for part in parts), **attributes
        )

    def _rectified(self, value: str, slopes: Weights) -> None:
        """PReLU of a map whose channels are whole blocks."""
        linear, kinked = (
            self._convolve(value, factors.reshape(-1, 1, 1, 1), group=len(slopes)) for factors in terms(slopes)
        )
        self.signs = signs(slopes)
        self.last = self.graph.add("Add", linear, self.graph.add("Relu", kinked))

    def _pooled(self, weights: Weights, bias: Weights, slopes: Weights, side: int) -> None:
        """Convolution, PReLU and max pooling of stride 2, with the PReLU after the pooling: a quarter of its inputs.

        A PReLU with slope a >= 0 is monotonic and commutes with the maximum. For a < 0 it is max(x, a x), whose maximum
        over a window is u + relu(v - u), where u is that of x and v that of a x.
        """
        at_once = weights.shape[1] == COLOURS or not (slopes < 0).any()
        pooled = self._pooled_at_once if at_once else self._pooled_apart
        linear, kinked = pooled(weights, bias, slopes, side)
        self.signs = padded(signs(slopes), 0)
        self.last = self.graph.add("Add", linear, self.graph.add("Relu", kinked))

    def _pooled_at_once(self, weights: Weights, bias: Weights, slopes: Weights, side: int) -> tuple[str, str]:
        """Both terms. A convolution of three channels is so cheap that it computes x and a x."""
        linear, kinked, other = mixtures(slopes)
        both = np.concatenate([np.eye(len(slopes), dtype=np.float32), np.diag(slopes)[slopes < 0]])
        mixed = padded(np.tensordot(both, weights, axes=1), 0), padded(both @ bias, 0)
        maxima = self._maxima(self._convolve(self.last, *mixed), side)
        terms_of_both = np.hstack([linear, np.zeros_like(other)]), np.hstack([kinked, other])
        return self._mixed(maxima, terms_of_both[0]), self._mixed(maxima, terms_of_both[1])

    def _pooled_apart(self, weights: Weights, bias: Weights, slopes: Weights, side: int) -> tuple[str, str]:
        """Both terms, with a x of a few channels computed from x."""
        linear, kinked, other = mixtures(slopes)
        values = self._convolve(self.last, weights, bias)
        scaled = self._mixed(values, np.diag(slopes)[slopes < 0])
        maxima, maxima_of_scaled = (self._maxima(each, side) for each in (values, scaled))
        second = self.graph.add("Add", self._mixed(maxima, kinked), self._mixed(maxima_of_scaled, other))
        return self._mixed(maxima, linear), second

    def _mixed(self, value: str, mixture: Weights) -> str:
        """The linear mixture (M, N) of N channels, which complete blocks follow; so do M."""
        whole = padded(padded(mixture, 0), 1)
        return self._convolve(value, whole[:, :, np.newaxis, np.newaxis])

    def _maxima(self, value: str, side: int) -> str:
        # ceil_mode keeps the last, incomplete column and row.
        return self.graph.add("MaxPool", value, kernel_shape=[side, side], strides=[2, 2], ceil_mode=1)

    def dense(self, layer: str, shape: tuple[int, int, int]) -> None:
        """Append a dense layer with its PReLU on (channels, height, width).

        The original flattens (width, height, channels).
        """
        channels, height, width = shape
        original = self.state[f"dense{layer}.weight"]
        weights = self._fitted(original.reshape(-1, width, height, channels).transpose(0, 3, 2, 1))
        flat = self.graph.add("Flatten", self.last)
        bias = self.graph.constant(self.state[f"dense{layer}.bias"])
        weights = weights.reshape(len(original), -1)
        self.last = self.graph.add("Gemm", flat, self.graph.constant(weights), bias, transB=1)
        slopes = self.state[f"prelu{layer}.weight"]
        if (slopes > 1).any():
            raise ValueError(f"the PReLU {layer} is not max(x, a x)")
        self.last = self.graph.add("Max", self.last, self.graph.add("Mul", self.last, self.graph.constant(slopes)))

    def heads(self, scores: str, **others: str) -> None:
        """Append the outputs, computed together: `scores`, the probability of a face, and linear outputs by name."""
        weights, bias = self._parameters(scores)
        parts = [(weights[1:] - weights[:1], bias[1:] - bias[:1]), *map(self._parameters, others.values())]
        outputs = self._linear(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
        self.graph.split(outputs, [len(own) for _, own in parts], axis=1, names=["difference", *others])
        self.graph.add("Sigmoid", "difference", name="scores")

    def _parameters(self, layer: str) -> tuple[Weights, Weights]:
        return self.state[f"{layer}.weight"], self.state[f"{layer}.bias"]

    def _linear(self, weights: Weights, bias: Weights) -> str:
        if weights.ndim == 4:
            return self._convolve(self.last, self._fitted(weights), bias)
        return self.graph.add("Gemm", self.last, self.graph.constant(weights), self.graph.constant(bias), transB=1)

    def model(self, outputs: list[str]) -> onnx.ModelProto:
        """The finished, checked model."""
        return self.graph.model("mtcnn", self.input, [floats(name, [None] * self.rank) for name in outputs])


def terms(slopes: Weights) -> tuple[Weights, Weights]:
    """The factors of x in both terms of a PReLU of these slopes, and signs."""
    return slopes * signs(slopes), np.abs(1 - slopes)


def mixtures(slopes: Weights) -> tuple[Weights, Weights, Weights]:
    """Matrices of both terms after a pooling: of u, of u in the second term (N, N), and of v in it (N, slopes < 0)."""
    (first, second), folded = terms(slopes), slopes < 0
    linear, kinked = np.where(folded, 1, first), np.where(folded, -1, second)
    return np.diag(linear), np.diag(kinked), np.eye(len(slopes), dtype=np.float32)[:, folded]


def signs(slopes: Weights) -> Weights:
    """Signs of a PReLU's outputs: negative where the slope is above 1."""
    return np.where(slopes > 1, -1, 1).astype(np.float32)


def padded(array: Weights, axis: int, length: int | None = None) -> Weights:
    """Append zeros along an axis, to this length or to whole blocks."""
    missing = -array.shape[axis] % BLOCK if length is None else length - array.shape[axis]
    return np.pad(array, [(0, missing if place == axis else 0) for place in range(array.ndim)])


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
