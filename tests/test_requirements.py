"""What is pinned in requirements/ agrees with pyproject.toml and with itself."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from duygu.shared.config import ROOT

EXTRAS = {
    "api": ["api"],
    "worker": ["worker"],
    "serve": ["api", "worker"],
    "s3": ["s3"],
    "tracing": ["tracing"],
    "test": ["api", "worker", "s3", "tracing", "training", "docs", "test"],
    "reference": ["reference"],
}
"""The extras that each file of requirements/ pins."""

HASHED = ("api", "worker", "serve", "s3", "tracing")

ENGINE = {"av", "numpy", "onnxruntime", "opencv-python-headless", "tensorflow", "tensorflow-cpu", "torch"}

PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Version by package of one file."""
    return dict(PIN.findall((ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", EXTRAS)
def test_pins_are_what_the_extras_allow(name: str) -> None:
    """Each package of each extra is pinned, at a version that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = [Requirement(line) for extra in EXTRAS[name] for line in [*project["dependencies"], *optional[extra]]]
    pinned = pins(name)
    assert [
        str(need) for need in wanted if pinned.get(canonicalize_name(need.name), "none") not in need.specifier
    ] == []


@pytest.mark.parametrize("name", EXTRAS)
def test_a_package_has_one_version_everywhere(name: str) -> None:
    """The files can be installed into one environment, in any order."""
    tested = pins("test")
    assert {package: tested.get(package, version) for package, version in pins(name).items()} == pins(name)


@pytest.mark.parametrize("name", HASHED)
def test_what_serving_installs_has_hashes(name: str) -> None:
    """No package of these files is taken on trust."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    bare = [line for line, after in pairwise(lines) if "==" in line and "--hash=" not in after]
    assert bare == []


def test_the_api_needs_nothing_of_the_engine() -> None:
    """Its image stays small, and a fault in a decoder cannot reach it."""
    assert ENGINE.isdisjoint(pins("api"))


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").iterdir()), ids=lambda path: path.name)
def test_no_index_is_named(path: Path) -> None:
    """Whoever installs decides where from."""
    assert re.findall(r"index-url|find-links|://", path.read_text(encoding="utf-8")) == []
