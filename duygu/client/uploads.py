"""Client of the HTTP API: submits a video, waits for its job and returns the result."""

import asyncio
import logging
import secrets
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import httpx

from duygu.client.responses import FIRST_PAUSE_S, MAX_PAUSE_S, get, with_retries
from duygu.client.resumable import is_large, upload_in_parts
from duygu.client.service import Service, error_from_problem
from duygu.shared.errors import DuyguError
from duygu.shared.inputs.links.link import is_link
from duygu.shared.schemas.job import Job
from duygu.shared.schemas.options import AnalysisOptions, OptionValues, form_fields, read_options
from duygu.shared.schemas.result import Result

logger = logging.getLogger(__name__)

MAX_TITLE = 200
"""Longest title of a job, in characters."""

RESPONSE_TIMEOUT_S = 60.0
"""Timeout for a response and for the next event of a job. It does not limit the duration of an upload."""

FINAL_EVENTS = {"succeeded", "failed", "cancelled"}
"""The last event of a job is one of these."""


async def analyze_async(
    path: Path | str,
    service: Service | None = None,
    *,
    reuse: bool = False,
    title: str = "",
    **options: Unpack[OptionValues],
) -> Result:
    """Submit a video, wait for the end of its job and return the result.

    path     of a file; or a link, `https://…` or `s3://…`, which the service fetches
    reuse    whether an earlier job of the same video, model and options serves, with its edits
    title    of the job in lists, at most 200 characters of it; that of an earlier job stays
    options  those of duygu.shared.schemas.options: `start_s`, `end_s`, `every_s`, `labels`, `min_face`, `max_faces`

    Requests are retried while the service is unavailable and after a lost connection. A file above 20 MB is sent in
    parts and continues where it was interrupted; a smaller one is repeated with the same `Idempotency-Key`, so that it
    becomes one job.

    Raises the errors of duygu.shared.errors, and httpx.TransportError when the address does not respond.
    """
    chosen = read_options(options)
    async with _client(service) as client:
        params = {"reuse": "true"} if reuse else {}
        submit = (
            _submit_json(client, {"url": str(path)}, chosen, params)
            if is_link(path)
            else _submit(client, Path(path), chosen, params)
        )
        submitted = await submit
        await _set_title(client, submitted, title)
        waiting = _JobFollower(client, submitted)
        job = await waiting.until_ended()
        if job["error"]:
            raise error_from_problem(job["error"]["code"], job["error"]["detail"])
        return Result.read((await get(client, f"{waiting.address}/result")).content)


def analyze(
    path: Path | str,
    service: Service | None = None,
    *,
    reuse: bool = False,
    title: str = "",
    **options: Unpack[OptionValues],
) -> Result:
    """Like `analyze_async`, without `async`."""
    return asyncio.run(analyze_async(path, service, reuse=reuse, title=title, **options))


async def submit_url_async(url: str, service: Service | None = None, **options: Unpack[OptionValues]) -> Job:
    """Submit the link to a video, which the service fetches, and return the job without waiting for its end.

    Raises LinkRefusedError for a link that the service does not permit, and as `analyze_async`.
    """
    async with _client(service) as client:
        job = await _submit_json(client, {"url": url}, read_options(options), {})
        return Job.model_validate(job, extra="ignore")


def submit_url(url: str, service: Service | None = None, **options: Unpack[OptionValues]) -> Job:
    """Like `submit_url_async`, without `async`."""
    return asyncio.run(submit_url_async(url, service, **options))


def _client(service: Service | None) -> httpx.AsyncClient:
    service = service or Service()
    return httpx.AsyncClient(base_url=service.url, headers=service.headers, timeout=RESPONSE_TIMEOUT_S)


async def _set_title(client: httpx.AsyncClient, job: dict[str, Any], title: str) -> None:
    """Give a job a title if it has none. A service that refuses it does so without an effect on the analysis."""
    if not title or job.get("title"):
        return
    change = {"title": title[:MAX_TITLE]}
    try:
        await with_retries(lambda: client.patch(f"/v1/jobs/{job['job_id']}", json=change))
    except DuyguError as error:
        logger.info("job %s has no title: %s", job["job_id"], error.detail)


async def _submit(
    client: httpx.AsyncClient, path: Path, options: AnalysisOptions, params: dict[str, str]
) -> dict[str, Any]:
    """Upload a video, a large one in parts; returns the job."""
    upload_id = await upload_in_parts(client, path) if is_large(path) else None
    if upload_id is None:
        return await _submit_form(client, path, options, params)
    return await _submit_json(client, {"upload_id": upload_id}, options, params, reached=True)


async def _submit_json(
    client: httpx.AsyncClient,
    named: dict[str, str],
    options: AnalysisOptions,
    params: dict[str, str],
    *,
    reached: bool = False,
) -> dict[str, Any]:
    """Submit a link or a resumable upload; returns the job."""
    body = named | options.model_dump(mode="json", exclude_none=True)
    headers = {"Idempotency-Key": secrets.token_urlsafe(18)}
    send = partial(client.post, "/v1/videos", json=body, params=params, headers=headers)
    return dict((await with_retries(send, reached=reached)).json())


async def _submit_form(
    client: httpx.AsyncClient, path: Path, options: AnalysisOptions, params: dict[str, str]
) -> dict[str, Any]:
    """Upload a video as a form, streaming the file; returns the job."""
    headers = {"Idempotency-Key": secrets.token_urlsafe(18)}

    async def send() -> httpx.Response:
        with path.open("rb") as file:
            form = {"video": ("video", file)}
            return await client.post(
                "/v1/videos", data=form_fields(options), files=form, params=params, headers=headers
            )

    return dict((await with_retries(send, reached=False)).json())


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
        async with self._client.stream("GET", f"{self.address}/events", headers=headers) as response:
            async for line in response.aiter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    self._last_event_id = value
                if field == "event" and value in FINAL_EVENTS:
                    return

    async def _read(self) -> None:
        """Read the job if it has changed."""
        response = await get(self._client, self.address, {"If-None-Match": self._etag} if self._etag else {})
        if response.status_code != httpx.codes.NOT_MODIFIED:
            self._job, self._etag = response.json(), response.headers.get("etag", "")
