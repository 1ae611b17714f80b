"""The Dockerfiles agree with the project."""

import re

import pytest

from duygu.shared.paths import ROOT
from duygu.shared.version import VERSION


@pytest.mark.parametrize("name", ["Dockerfile.all", "Dockerfile.api", "Dockerfile.worker"])
def test_an_image_is_labelled_with_the_version(name: str) -> None:
    """The label of an image is the version that the program in it reports."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.findall(r"org\.opencontainers\.image\.version=(\S+)", text) == [VERSION]
