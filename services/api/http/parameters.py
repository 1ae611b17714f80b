"""Rejects unknown query parameters, as a misspelt one would silently have no effect."""

from typing import Any

from fastapi import Request

from duygu.shared.errors import UnknownParameterError


async def reject_unknown_parameters(request: Request) -> None:
    """Check the query against the OpenAPI document. Raises UnknownParameterError."""
    if not request.query_params:
        return
    known = _defined(request)
    for name in request.query_params:
        if name not in known:
            raise UnknownParameterError("query parameter", name, known)


def _defined(request: Request) -> list[str]:
    """Names of the query parameters that the OpenAPI document defines for an endpoint."""
    path = request.scope["route"].path
    call: dict[str, Any] = request.app.openapi()["paths"].get(path, {}).get(request.method.lower(), {})
    return [parameter["name"] for parameter in call.get("parameters", []) if parameter["in"] == "query"]
