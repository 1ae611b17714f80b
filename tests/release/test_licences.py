"""Licences of the packages that ship."""

from email.message import Message
from importlib.metadata import PackageMetadata
from typing import cast

import pytest

from release import licences
from release.pins import shipped


def test_every_package_that_ships_has_a_permitted_licence() -> None:
    """No package of an image has an unknown licence or one that is not permitted."""
    assert licences.findings() == {}
    assert {"av", "fastapi", "onnxruntime", "s3fs", "opentelemetry-sdk"} <= set(shipped())


@pytest.mark.parametrize(
    ("expression", "permitted"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("", False),
        ("Apache-2.0 AND MIT", True),
        ("MIT AND GPL-2.0-or-later", False),
        ("GPL-2.0-only OR MIT", True),
        ("(MIT OR Apache-2.0)", True),
        ("MIT AND (GPL-2.0-only OR BSD-3-Clause)", False),
        ("LGPL-3.0-only", False),
    ],
)
def test_expressions(expression: str, permitted: bool) -> None:
    """A choice needs one permitted licence, a combination all of them; a mixture is judged strictly."""
    assert licences.is_permitted(expression) is permitted


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ([("License-Expression", "MIT"), ("License", "other")], "MIT"),
        ([("License", "Dual"), ("Classifier", "License :: OSI Approved :: BSD License")], "BSD-3-Clause"),
        ([("License", "MIT License\n\nCopyright")], "MIT"),
        ([("License", "Proprietary")], "Proprietary"),
        ([], ""),
    ],
)
def test_metadata(fields: list[tuple[str, str]], found: str) -> None:
    """The expression counts before the classifiers, and those before free text."""
    message = Message()
    for name, value in fields:
        message[name] = value
    assert licences.licence(cast(PackageMetadata, message)) == found
