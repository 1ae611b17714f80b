"""A model folder with an adaptive temperature of known numbers."""

from pathlib import Path

import numpy as np

from duygu.shared.model.folder import (
    FEATURE_STATISTICS,
    MANIFEST,
    AdaptiveTemperatureSettings,
    Manifest,
    sha256_of,
    write_manifest,
)
from duygu.training.onnx.parts import write_parts
from tests.support.second_trunk import FIRST, without_second_trunk

SETTINGS = AdaptiveTemperatureSettings(intercept=0.2, slope=-0.3, least=0.01, most=1e4)


def with_adaptive_temperature(shipped: Path, folder: Path, width: int = FIRST) -> Path:
    """A copy of a model folder without second trunk, with statistics of random features."""
    without_second_trunk(shipped, folder)
    write_parts(folder)
    random = np.random.default_rng(0)
    statistics = np.stack([random.normal(0, 0.1, width), random.uniform(0.5, 1.5, width)]).astype(np.float32)
    save_statistics(folder, statistics)
    return folder


def save_statistics(folder: Path, statistics: np.ndarray) -> None:
    """Write the statistics, and list them in the manifest."""
    np.save(folder / FEATURE_STATISTICS, statistics)
    manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())  # its hashes may be outdated
    files = {**manifest.files, FEATURE_STATISTICS: sha256_of(folder / FEATURE_STATISTICS)}
    write_manifest(folder, manifest.model_copy(update={"adaptive_temperature": SETTINGS, "files": files}))
