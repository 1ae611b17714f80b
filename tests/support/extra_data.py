"""Recordings and labelled stills outside the repository, in the folder of the variable `DUYGU_TEST_DATA`.

The folder contains `clips/` (videos of any kind), `stills48.npz` (labelled stills, see `duygu.training.data.stills`)
and `teachers/` (the packages of `duygu.training.distillation.teachers`); all are optional. Without the variable, tests
that need them are skipped and benchmarks use synthetic scenes.
"""

import os
from pathlib import Path

import pytest

VARIABLE = "DUYGU_TEST_DATA"


def extra_data(name: str) -> Path | None:
    """Return the path of a file or folder of the extra data, or None where it does not exist."""
    folder = os.environ.get(VARIABLE)
    path = Path(folder, name) if folder else None
    return path if path and path.exists() else None


def require_extra_data(name: str) -> Path:
    """Return the path, or skip the calling test where it does not exist."""
    if (path := extra_data(name)) is None:
        pytest.skip(f"set {VARIABLE} to a folder that holds {name}")
    return path


CLIPS = extra_data("clips")
"""The folder of recordings, or None."""
