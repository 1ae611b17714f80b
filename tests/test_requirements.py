"""What is pinned in requirements/*.txt agrees with requirements/*.in, pyproject.toml and itself."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from duygu.shared.paths import ROOT

REQUIREMENTS = ROOT / "requirements"

BASE = ["common", "api", "worker", "onnx"]
"""What an installed wheel always has."""

INPUTS = {
    "api": ["common", "api"],
    "worker": ["common", "worker", "onnx"],
    "serve": BASE,
    "s3": ["s3"],
    "tracing": ["tracing"],
    "test": [*BASE, "s3", "tracing", "training", "client", "notebook", "study", "docs", "test"],
    "reference": ["common", "worker", "reference"],
}
"""The NAME.in files whose requirements each NAME.txt pins."""

HASHED = ("api", "worker", "serve", "s3", "tracing")

ENGINE = {"av", "numpy", "onnxruntime", "opencv-python-headless", "tensorflow", "tensorflow-cpu", "torch"}

PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Version by package of one file."""
    return dict(PIN.findall((REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")))


def allowed(name: str) -> list[Requirement]:
    """Requirements of one input."""
    lines = (REQUIREMENTS / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("name", INPUTS)
def test_pins_are_what_the_inputs_allow(name: str) -> None:
    """Each package of each input is pinned, at a version that the input allows."""
    pinned = pins(name)
    assert [
        str(need)
        for part in INPUTS[name]
        for need in allowed(part)
        if pinned.get(canonicalize_name(need.name), "none") not in need.specifier
    ] == []


def test_the_package_is_described_by_the_inputs() -> None:
    """pyproject.toml reads what the wheel depends on, and each extra, from requirements/*.in."""
    dynamic = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["dynamic"]
    assert dynamic["dependencies"] == {"file": [f"requirements/{name}.in" for name in BASE]}
    extras = {path.stem for path in REQUIREMENTS.glob("*.in")} - {"build", "common", "onnx"}
    assert dynamic["optional-dependencies"] == {name: {"file": [f"requirements/{name}.in"]} for name in extras}


@pytest.mark.parametrize("name", INPUTS)
def test_a_package_has_one_version_everywhere(name: str) -> None:
    """The files can be installed into one environment, in any order."""
    tested = pins("test")
    assert {package: tested.get(package, version) for package, version in pins(name).items()} == pins(name)


@pytest.mark.parametrize("name", HASHED)
def test_what_serving_installs_has_hashes(name: str) -> None:
    """No package of these files is taken on trust."""
    lines = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    bare = [line for line, after in pairwise(lines) if "==" in line and "--hash=" not in after]
    assert bare == []


def test_the_api_needs_nothing_of_the_engine() -> None:
    """Its image stays small, and a fault in a decoder cannot reach it."""
    assert ENGINE.isdisjoint(pins("api"))


@pytest.mark.parametrize("path", sorted(REQUIREMENTS.iterdir()), ids=lambda path: path.name)
def test_no_index_is_named(path: Path) -> None:
    """Whoever installs decides where from."""
    assert re.findall(r"index-url|find-links|://", path.read_text(encoding="utf-8")) == []
