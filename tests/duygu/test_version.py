"""The version of the package."""

import duygu
from duygu.shared.version import VERSION


def test_the_package_has_a_version() -> None:
    """`duygu.__version__` is that of the program, which results record."""
    assert duygu.__version__ == VERSION
