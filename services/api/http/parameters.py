"""Query parameters that a call does not know: refused by name, as a misspelt one would silently have no effect."""

from typing import Any

from fastapi import Request

from duygu.shared.errors import UnknownParameterError


async def refuse_unknown_parameters(request: Request) -> None:
    """Hold the query of a request against the description of its call. Raises UnknownParameterError."""
    if not request.query_params:
        return
    known = _described(request)
    for name in request.query_params:
        if name not in known:
            raise UnknownParameterError("query parameter", name, known)


def _described(request: Request) -> list[str]:
    """Names of the query parameters that the OpenAPI document has for a call."""
    path = request.scope["route"].path
    call: dict[str, Any] = request.app.openapi()["paths"].get(path, {}).get(request.method.lower(), {})
    return [parameter["name"] for parameter in call.get("parameters", []) if parameter["in"] == "query"]
