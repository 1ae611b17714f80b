"""The conversion of MTCNN's networks."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from duygu.shared.config.settings import Settings
from duygu.shared.vision.types import Floats

BLOCK = 16
"""Channels of a block of ONNX Runtime's layout."""


@pytest.mark.parametrize("name", ["pnet", "rnet", "onet"])
def test_poolings_have_whole_blocks(name: str) -> None:
    """Each pooling of the shipped networks has whole blocks of channels, which ONNX Runtime pools without a reorder."""
    network = onnx.shape_inference.infer_shapes(onnx.load(Settings().mtcnn / f"{name}.onnx"))
    shapes = {value.name: value.type.tensor_type.shape.dim for value in network.graph.value_info}
    poolings = [shapes[node.input[0]][1].dim_value for node in network.graph.node if node.op_type == "MaxPool"]
    assert poolings
    assert all(channels % BLOCK == 0 for channels in poolings)


@pytest.mark.reference
def test_the_networks_that_ship_are_those_of_the_conversion(tmp_path: Path) -> None:
    """The conversion writes the networks that ship."""
    from duygu.training.onnx.mtcnn import export

    export(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (Settings().mtcnn / path.name).read_bytes(), path.name


@pytest.mark.reference
@pytest.mark.parametrize("slopes", [(0.25, 0.5), (-0.5, 0.3), (1.5, -0.2), (0.0, 1.0)])
def test_rectified_before_or_after_the_pooling(slopes: tuple[float, float]) -> None:
    """A pooled layer with slopes of any sign and size, and two more, give what their formulas give."""
    import torch
    from torch.nn import functional

    from duygu.training.onnx.graph import floats
    from duygu.training.onnx.mtcnn import Builder

    random = torch.Generator().manual_seed(0)
    channels, sides = (3, 20, 32, 16), (3, 3, 3)
    state = {}
    for layer, side in enumerate(sides):
        before, after = channels[layer : layer + 2]
        state[f"conv{layer}.weight"] = torch.randn(after, before, side, side, generator=random) / before
        state[f"conv{layer}.bias"] = torch.randn(after, generator=random)
        state[f"prelu{layer}.weight"] = torch.tensor([*slopes, *torch.rand(after - 2, generator=random)])
    layers = Builder(state, 24)
    pools = (2, 2, None)
    for layer, pool in enumerate(pools):
        layers.convolution(str(layer), pool=pool)
    session = onnxruntime.InferenceSession(
        layers.graph.model("layers", layers.input, [floats(layers.last, [None] * 4)]).SerializeToString(),
        providers=["CPUExecutionProvider"],
    )
    pictures = torch.randn(2, 24, 24, 3, generator=random)
    expected = pictures.permute(0, 3, 1, 2)
    for layer, pool in enumerate(pools):
        expected = functional.conv2d(expected, state[f"conv{layer}.weight"], state[f"conv{layer}.bias"])
        expected = functional.prelu(expected, state[f"prelu{layer}.weight"])
        expected = functional.max_pool2d(expected, pool, 2, ceil_mode=True) if pool else expected
    found: Floats = session.run(None, {"pictures": pictures.numpy()})[0] * layers.signs[:, np.newaxis, np.newaxis]
    assert np.abs(found[:, : channels[-1]] - expected.numpy()).max() < 1e-4
