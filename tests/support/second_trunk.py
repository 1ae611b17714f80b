"""A model folder with a small second trunk, for tests that do not depend on what it has learned."""

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from duygu.shared.model.folder import (
    FEATURE_STATISTICS,
    MADE_FROM,
    MANIFEST,
    ONNX,
    RELATIVE,
    SECOND_HEAD,
    SECOND_TRUNK,
    Manifest,
    SecondTrunkSettings,
    open_model_folder,
    sha256_of,
    write_manifest,
)
from duygu.training.onnx.graph import Graph, floats
from duygu.training.onnx.parts import write_parts

SETTINGS = SecondTrunkSettings(name="tiny", licence="MIT", size=24, margin=-0.1, period=5, places=(1, 3))

FIRST, SECOND = 144, 16
"""Numbers of features of both trunks."""


def without_second_trunk(shipped: Path, folder: Path) -> Path:
    """A copy of a model folder without second trunk, adaptive temperature and relative predictions, as 2.0 was."""
    shutil.copytree(shipped, folder)
    manifest = open_model_folder(folder).manifest
    optional = SECOND_TRUNK, SECOND_HEAD, RELATIVE, FEATURE_STATISTICS
    files = {name: sha for name, sha in manifest.files.items() if name not in optional}
    for name in set(manifest.files) - set(files):
        (folder / name).unlink()
    parts = {"second_trunk": None, "relative": None, "adaptive_temperature": None}
    write_manifest(folder, manifest.model_copy(update={**parts, "files": files}))
    return folder


def with_second_trunk(shipped: Path, folder: Path, seed: int = 0) -> Path:
    """A copy of a model folder with a small second trunk, whose layer is random."""
    without_second_trunk(shipped, folder)
    write_parts(folder)  # an earlier head has no output for its gate
    random = np.random.default_rng(seed)
    np.save(folder / SECOND_HEAD, random.normal(0, 0.3, (FIRST + SECOND + 1, 7)).astype(np.float32))
    save_trunk(folder, sha256_of(folder / ONNX))
    describe(folder)
    return folder


def save_trunk(folder: Path, made_from: str, size: int = SETTINGS.size) -> None:
    """Write a trunk that averages 4 x 4 parts of crops (N, size, size)."""
    graph = Graph()
    grey = graph.reshape(graph.add("Cast", "crops", to=TensorProto.FLOAT), 1, size, size)
    pooled = graph.add("AveragePool", grey, kernel_shape=[size // 4] * 2, strides=[size // 4] * 2)
    scaled = graph.add("Div", graph.reshape(pooled, SECOND), graph.constant(np.float32(255)), name="features")
    crops = helper.make_tensor_value_info("crops", TensorProto.UINT8, ["N", size, size])
    model = graph.model("tiny", crops, [floats(scaled, ["N", SECOND])])
    helper.set_model_props(model, {MADE_FROM: made_from})
    onnx.save(model, folder / SECOND_TRUNK)


def describe(folder: Path, settings: SecondTrunkSettings = SETTINGS) -> None:
    """List the second trunk, and the present hashes of all files, in the manifest."""
    manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())  # its hashes may be outdated
    names = {*manifest.files, SECOND_TRUNK, SECOND_HEAD}
    files = {name: sha256_of(folder / name) for name in names}
    write_manifest(folder, manifest.model_copy(update={"second_trunk": settings, "files": files}))
