"""Fixtures of the tests of training."""

from collections.abc import Iterator

import pytest
from coverage import Coverage


@pytest.fixture(scope="package", autouse=True)
def without_coverage() -> Iterator[None]:
    """Pause the measurement of coverage, which leaves training out and makes TensorFlow's tracing twice as slow."""
    measurement = Coverage.current()
    if measurement is None:
        yield
        return
    measurement.stop()
    yield
    measurement.start()
