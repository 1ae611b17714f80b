"""Requests of the client that are retried, and the errors of their responses."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import httpx

from duygu.client.service import error_from_problem
from duygu.shared.errors import DuyguError, UnavailableError

FIRST_PAUSE_S = 0.25
"""First pause before a retry; each further pause doubles."""

MAX_PAUSE_S = 4.0

RETRY_S = 60.0
"""Time for which a request is retried while the service is unavailable, as during a restart."""

UNAVAILABLE_STATUSES = {httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}
"""Statuses of a proxy whose upstream service is unavailable."""


async def get(client: httpx.AsyncClient, address: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """The response to a GET, which is retried."""
    return await with_retries(lambda: client.get(address, headers=headers))


async def with_retries(call: Callable[[], Awaitable[httpx.Response]], *, reached: bool = True) -> httpx.Response:
    """A successful response; retries while the service is unavailable.

    reached  whether the service has responded before. Otherwise a refused first connection is not retried: the address
             is wrong, or no service runs there.
    """
    given_up, pause_s = time.monotonic() + RETRY_S, FIRST_PAUSE_S
    while True:
        try:
            return checked_response(await call())
        except (UnavailableError, httpx.TransportError) as error:
            if time.monotonic() >= given_up or (not reached and isinstance(error, httpx.ConnectError)):
                raise
        reached = True
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, MAX_PAUSE_S)


def checked_response(response: httpx.Response) -> httpx.Response:
    """The response if it is successful. Raises the error of its problem, or one that the server is not Duygu."""
    if response.status_code == httpx.codes.NOT_MODIFIED or (
        response.is_success and "tus-resumable" in response.headers
    ):
        return response
    try:
        content = response.json()
        if response.is_success:
            return response
        error = error_from_problem(content["code"], content["detail"])
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError):
        kind = UnavailableError if response.status_code in UNAVAILABLE_STATUSES else DuyguError
        error = kind(
            f"{response.url} responds with {response.status_code} {response.reason_phrase}, but is not a Duygu service"
        )
    raise error
