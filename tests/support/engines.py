"""Engines of model folders that tests have made."""

from pathlib import Path

from duygu.shared.config.engine import engine_options
from duygu.shared.config.settings import Settings
from duygu.shared.vision.engine import Engine, load_engine

SHIPPED = Settings().model
"""Folder of the model that ships."""


def engine_of(folder: Path) -> Engine:
    """Load the engine with a model folder."""
    return load_engine(engine_options(Settings(model=folder, threads=1)))
