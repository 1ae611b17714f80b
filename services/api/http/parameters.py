"""Rejects query parameters that would silently have no effect: unknown ones, and all but one of several values."""

from typing import Any

from fastapi import Request

from duygu.shared.errors import InvalidRequestError, UnknownParameterError


async def check_parameters(request: Request) -> None:
    """Check the query against the OpenAPI document.

    Raises UnknownParameterError, and InvalidRequestError for a parameter with several different values.
    """
    if not request.query_params:
        return
    known = _defined(request)
    for name in request.query_params:
        if name not in known:
            raise UnknownParameterError("query parameter", name, known)
        values = dict.fromkeys(request.query_params.getlist(name))
        if len(values) > 1:
            raise InvalidRequestError(f"query parameter `{name}` has {len(values)} different values; it takes one")


def _defined(request: Request) -> list[str]:
    """Names of the query parameters that the OpenAPI document defines for an endpoint."""
    path = request.scope["route"].path
    call: dict[str, Any] = request.app.openapi()["paths"].get(path, {}).get(request.method.lower(), {})
    return [parameter["name"] for parameter in call.get("parameters", []) if parameter["in"] == "query"]
