"""The examples in the OpenAPI and AsyncAPI documents have the schemas beside them."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from docs.tools.typescript import openapi
from duygu.services.api.live import asyncapi


def contents(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything in a document that has a schema and examples for it."""
    if isinstance(node, dict):
        if "schema" in node and "examples" in node:
            yield path, node
        for name, inner in node.items():
            yield from contents(inner, f"{path} {name}")


OPENAPI = dict(contents(openapi()["paths"]))

MESSAGES = asyncapi.document()["components"]["messages"]


def check(schema: dict[str, Any], components: dict[str, Any], examples: list[Any]) -> None:
    """Every example is valid, and one with another member is not."""
    validator = jsonschema_rs.validator_for({**schema, "components": components})
    assert examples
    for example in examples:
        validator.validate(example)
        assert not validator.is_valid({**example, "nonsense": 1})


@pytest.mark.parametrize("path", OPENAPI)
def test_openapi(path: str) -> None:
    """Examples of requests and responses are valid."""
    content = OPENAPI[path]
    check(content["schema"], openapi()["components"], [one["value"] for one in content["examples"].values()])


def test_requests_and_responses_have_examples() -> None:
    """The calls whose bodies cannot be guessed from their names have examples."""
    calls = {" ".join(path.split()[:2]) for path in OPENAPI}
    assert {"/v1/videos post", "/v1/pictures post"} <= calls


@pytest.mark.parametrize("name", [name for name in MESSAGES if name != "frame"])
def test_asyncapi(name: str) -> None:
    """Each message of the live socket has valid examples of its own type."""
    message = MESSAGES[name]
    examples = [one["payload"] for one in message["examples"]]
    assert {example["type"] for example in examples} == {name}
    check(message["payload"], asyncapi.document()["components"], examples)
