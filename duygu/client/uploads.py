"""Videos handed in whole."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from duygu.client.service import Service, told
from duygu.shared.errors import DuyguError, UnavailableError
from duygu.shared.schemas import Result

LOOK_S = 0.25
"""First pause before a call is repeated; each one after it is twice as long."""

LONGEST_PAUSE_S = 4.0

ANSWER_S = 60.0
"""Longest wait for one answer, or for the next event of a job; an upload may take longer, as long as it goes on."""

AWAY_S = 60.0
"""Longest time for which a call is repeated without an answer of the service: restarts of it, or of Redis."""

AWAY = {httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}
"""What a proxy answers while the service behind it does not."""

ENDS = {"succeeded", "failed", "cancelled"}
"""Events after which nothing happens in a job."""


async def analyze_async(path: Path | str, service: Service | None = None) -> Result:
    """Hand in a video, wait, and return what was found.

    Calls are repeated while the service is away, and after a connection is lost. An upload is repeated with the same
    `Idempotency-Key`, so it becomes one job.

    Raises the errors of duygu.shared.errors, and httpx.TransportError when nobody answers at the address.
    """
    service = service or Service()
    async with httpx.AsyncClient(base_url=service.url, headers=service.headers, timeout=ANSWER_S) as client:
        waiting = _Waiting(client, await _submit(client, Path(path)))
        job = await waiting.until_ended()
        if job["error"]:
            raise told(job["error"]["code"], job["error"]["detail"])
        return Result.model_validate_json((await _get(client, f"{waiting.address}/result")).content)


def analyze(path: Path | str, service: Service | None = None) -> Result:
    """The same without `async`."""
    return asyncio.run(analyze_async(path, service))


async def _submit(client: httpx.AsyncClient, path: Path) -> dict[str, Any]:
    """The job of a video, which is read while it is sent."""
    headers = {"Idempotency-Key": secrets.token_urlsafe(18)}
    reached = False

    async def send() -> httpx.Response:
        nonlocal reached
        try:
            with path.open("rb") as file:
                return await client.post("/v1/videos", files={"video": ("video", file)}, headers=headers)
        except httpx.ConnectError as error:
            if not reached:
                raise _NobodyThereError from error
            raise
        finally:
            reached = True

    try:
        return dict((await _patiently(send)).json())
    except _NobodyThereError as error:
        raise error.__cause__ or error from None


class _NobodyThereError(Exception):
    """The very first connection was refused: the address is wrong, or no service runs there."""


class _Waiting:
    """Follows a job by its events, and goes on behind the last one when the connection is lost."""

    def __init__(self, client: httpx.AsyncClient, job: dict[str, Any]) -> None:
        self.address = f"/v1/jobs/{job['job_id']}"
        self._client = client
        self._job = job
        self._etag = ""
        self._last_event_id = ""

    async def until_ended(self) -> dict[str, Any]:
        """The job, once it has ended. Where events do not come through, it is read now and then."""
        pause_s = LOOK_S
        while self._job["ended_at"] is None:
            before = self._last_event_id
            with suppress(httpx.TransportError):  # whether the service is there, the next call finds out
                await self._follow()
            await self._read()
            if self._job["ended_at"] is None:
                pause_s = LOOK_S if self._last_event_id != before else min(pause_s * 2, LONGEST_PAUSE_S)
                await asyncio.sleep(pause_s)
        return self._job

    async def _follow(self) -> None:
        """Until the job has ended or the events break off."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self._last_event_id}
        async with self._client.stream("GET", f"{self.address}/events", headers=headers) as answer:
            async for line in answer.aiter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    self._last_event_id = value
                if field == "event" and value in ENDS:
                    return

    async def _read(self) -> None:
        """Read the job, if it has changed."""
        answer = await _get(self._client, self.address, {"If-None-Match": self._etag} if self._etag else {})
        if answer.status_code != httpx.codes.NOT_MODIFIED:
            self._job, self._etag = answer.json(), answer.headers.get("etag", "")


async def _get(client: httpx.AsyncClient, address: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return await _patiently(lambda: client.get(address, headers=headers))


async def _patiently(call: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """A good answer; the call is repeated while the service is away."""
    given_up, pause_s = time.monotonic() + AWAY_S, LOOK_S
    while True:
        try:
            return _checked(await call())
        except (UnavailableError, httpx.TransportError):
            if time.monotonic() >= given_up:
                raise
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _checked(answer: httpx.Response) -> httpx.Response:
    """The answer, if it is a good one. Raises the error that it tells, or says that it is no answer of a service."""
    if answer.status_code == httpx.codes.NOT_MODIFIED:
        return answer
    try:
        content = answer.json()
        if answer.is_success:
            return answer
        error = told(content["code"], content["detail"])
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError):
        kind = UnavailableError if answer.status_code in AWAY else DuyguError
        error = kind(f"{answer.url} answers {answer.status_code} {answer.reason_phrase}, but is not a Duygu service")
    raise error
