"""A model folder with a small 3D CNN of random weights, for tests that do not depend on its output."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from duygu.shared.model.folder import H5, ONNX, Manifest, sha256_of, write_manifest
from duygu.shared.model.recipe import Recipe

CHANNELS = 4


@dataclass
class _Weights:
    random: np.random.Generator
    stored: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, name: str, *shape: int) -> str:
        values = self.random.normal(0, 0.5, shape).astype(np.float32)
        self.stored.append(numpy_helper.from_array(values, name))
        return name


def tiny_network(recipe: Recipe, seed: int = 0) -> onnx.ModelProto:
    """Return a network of Conv3D, global mean and dense from clips to logits, with its recipe in the metadata."""
    weights = _Weights(np.random.default_rng(seed))
    labels = len(recipe.labels)
    nodes = [
        helper.make_node("Transpose", ["clips"], ["channels_first"], perm=[0, 4, 1, 2, 3]),
        helper.make_node("Conv", ["channels_first", weights.add("kernel", CHANNELS, 1, 3, 3, 3)], ["features"]),
        helper.make_node("Relu", ["features"], ["active"]),
        helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node(
            "Gemm", ["flat", weights.add("dense", CHANNELS, labels), weights.add("bias", labels)], ["logits"]
        ),
    ]
    clips = helper.make_tensor_value_info("clips", TensorProto.FLOAT, ["count", *recipe.input_shape])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["count", labels])
    graph = helper.make_graph(nodes, "tiny", [clips], [logits], weights.stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"recipe": recipe.to_json()})
    return model


def write_keras_twin(path: Path, network: onnx.ModelProto, recipe: Recipe) -> None:
    """Write the network of an ONNX model as a Keras file with a final softmax."""
    import h5py
    import keras

    kernel, dense, bias = (numpy_helper.to_array(weights) for weights in network.graph.initializer)
    model = keras.Sequential(
        [
            keras.Input(recipe.input_shape),
            keras.layers.Conv3D(CHANNELS, 3, activation="relu", use_bias=False),
            keras.layers.GlobalAveragePooling3D(),
            keras.layers.Dense(len(recipe.labels), activation="softmax"),
        ]
    )
    model.set_weights([kernel.transpose(2, 3, 4, 1, 0), dense, bias])
    model.save(path)
    with h5py.File(path, "a") as file:
        file.attrs["recipe"] = recipe.to_json()


def write_tiny_model(folder: Path, recipe: Recipe | None = None, *, keras: bool = False) -> Path:
    """Create the folder, optionally with the network as a Keras file, and return it."""
    recipe = recipe or Recipe("tiny", size=48)
    folder.mkdir(parents=True, exist_ok=True)
    network = tiny_network(recipe)
    onnx.save(network, folder / ONNX)
    if keras:
        write_keras_twin(folder / H5, network, recipe)
    files = {name: sha256_of(folder / name) for name in (ONNX, H5) if (folder / name).exists()}
    write_manifest(folder, Manifest(name="tiny", version="1", recipe=recipe.to_dict(), files=files))
    return folder
