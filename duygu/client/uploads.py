"""Client of the HTTP API: submits a video, waits for its job and returns the result."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Unpack

import httpx

from duygu.client.service import Service, error_from_problem
from duygu.shared.analysis_options import AnalysisOptions, OptionValues, form_fields, read_options
from duygu.shared.errors import DuyguError, UnavailableError
from duygu.shared.schemas import Result

FIRST_PAUSE_S = 0.25
"""First pause before a retry; each further pause doubles."""

MAX_PAUSE_S = 4.0

RESPONSE_TIMEOUT_S = 60.0
"""Timeout for a response and for the next event of a job. It does not limit the duration of an upload."""

RETRY_S = 60.0
"""Time for which a request is retried while the service is unavailable, as during a restart."""

UNAVAILABLE_STATUSES = {httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}
"""Statuses of a proxy whose upstream service is unavailable."""

FINAL_EVENTS = {"succeeded", "failed", "cancelled"}
"""The last event of a job is one of these."""


async def analyze_async(path: Path | str, service: Service | None = None, **options: Unpack[OptionValues]) -> Result:
    """Submit a video, wait for the end of its job and return the result.

    options  those of duygu.shared.analysis_options: `start_s`, `end_s`, `every_s`, `labels`, `min_face`, `max_faces`

    Requests are retried while the service is unavailable and after a lost connection. An upload is repeated with the
    same `Idempotency-Key`, so that it becomes one job.

    Raises the errors of duygu.shared.errors, and httpx.TransportError when the address does not answer.
    """
    chosen = read_options(options)
    service = service or Service()
    async with httpx.AsyncClient(base_url=service.url, headers=service.headers, timeout=RESPONSE_TIMEOUT_S) as client:
        waiting = _JobFollower(client, await _submit(client, Path(path), chosen))
        job = await waiting.until_ended()
        if job["error"]:
            raise error_from_problem(job["error"]["code"], job["error"]["detail"])
        return Result.read((await _get(client, f"{waiting.address}/result")).content)


def analyze(path: Path | str, service: Service | None = None, **options: Unpack[OptionValues]) -> Result:
    """Like `analyze_async`, without `async`."""
    return asyncio.run(analyze_async(path, service, **options))


async def _submit(client: httpx.AsyncClient, path: Path, options: AnalysisOptions) -> dict[str, Any]:
    """Upload a video, streaming the file; returns the job."""
    headers = {"Idempotency-Key": secrets.token_urlsafe(18)}
    reached = False

    async def send() -> httpx.Response:
        nonlocal reached
        try:
            with path.open("rb") as file:
                form = {"video": ("video", file)}
                return await client.post("/v1/videos", data=form_fields(options), files=form, headers=headers)
        except httpx.ConnectError as error:
            if not reached:
                raise _ConnectionRefusedError from error
            raise
        finally:
            reached = True

    try:
        return dict((await _with_retries(send)).json())
    except _ConnectionRefusedError as error:
        raise error.__cause__ or error from None


class _ConnectionRefusedError(Exception):
    """The first connection was refused: the address is wrong, or no service runs there."""


class _JobFollower:
    """Follows the events of a job, and resumes after the last one when the connection is lost."""

    def __init__(self, client: httpx.AsyncClient, job: dict[str, Any]) -> None:
        self.address = f"/v1/jobs/{job['job_id']}"
        self._client = client
        self._job = job
        self._etag = ""
        self._last_event_id = ""

    async def until_ended(self) -> dict[str, Any]:
        """Wait for the end of the job and return it. Without events, the job is polled."""
        pause_s = FIRST_PAUSE_S
        while self._job["ended_at"] is None:
            before = self._last_event_id
            with suppress(httpx.TransportError):  # the next request reports an unavailable service
                await self._follow()
            await self._read()
            if self._job["ended_at"] is None:
                pause_s = FIRST_PAUSE_S if self._last_event_id != before else min(pause_s * 2, MAX_PAUSE_S)
                await asyncio.sleep(pause_s)
        return self._job

    async def _follow(self) -> None:
        """Read events until the last one or until the stream is interrupted."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self._last_event_id}
        async with self._client.stream("GET", f"{self.address}/events", headers=headers) as answer:
            async for line in answer.aiter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    self._last_event_id = value
                if field == "event" and value in FINAL_EVENTS:
                    return

    async def _read(self) -> None:
        """Read the job if it has changed."""
        answer = await _get(self._client, self.address, {"If-None-Match": self._etag} if self._etag else {})
        if answer.status_code != httpx.codes.NOT_MODIFIED:
            self._job, self._etag = answer.json(), answer.headers.get("etag", "")


async def _get(client: httpx.AsyncClient, address: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return await _with_retries(lambda: client.get(address, headers=headers))


async def _with_retries(call: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """A successful response; retries while the service is unavailable."""
    given_up, pause_s = time.monotonic() + RETRY_S, FIRST_PAUSE_S
    while True:
        try:
            return _checked_response(await call())
        except (UnavailableError, httpx.TransportError):
            if time.monotonic() >= given_up:
                raise
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, MAX_PAUSE_S)


def _checked_response(answer: httpx.Response) -> httpx.Response:
    """The response if it is successful. Raises the error of its problem, or one that the server is not Duygu."""
    if answer.status_code == httpx.codes.NOT_MODIFIED:
        return answer
    try:
        content = answer.json()
        if answer.is_success:
            return answer
        error = error_from_problem(content["code"], content["detail"])
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError):
        kind = UnavailableError if answer.status_code in UNAVAILABLE_STATUSES else DuyguError
        error = kind(f"{answer.url} answers {answer.status_code} {answer.reason_phrase}, but is not a Duygu service")
    raise error
