"""Videos handed in whole."""

import asyncio
import json
import time
from pathlib import Path

import httpx

from duygu.client.service import Service, told
from shared.errors import DuyguError, UnavailableError
from shared.schemas import Result

LOOK_S = 0.25
"""Between two looks at a job."""

ANSWER_S = 60.0
"""Longest wait for one answer; an upload may take longer, as long as it goes on."""

AWAY_S = 60.0
"""Longest time for which a service that cannot tell how a job goes is asked again: restarts of it, or of Redis."""

AWAY = {httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}
"""What a proxy answers while the service behind it does not."""


async def analyze_async(path: Path | str, service: Service | None = None) -> Result:
    """Hand in a video, wait, and return what was found.

    Raises the errors of shared.errors, and httpx.TransportError when nobody answers at the address.
    """
    service = service or Service()
    async with httpx.AsyncClient(base_url=service.url, headers=service.headers, timeout=ANSWER_S) as client:
        content = await asyncio.to_thread(Path(path).read_bytes)
        job = _checked(await client.post("/v1/videos", files={"video": ("video", content)})).json()
        while job["ended_at"] is None:
            await asyncio.sleep(LOOK_S)
            job = (await _patiently(client, f"/v1/jobs/{job['job_id']}")).json()
        if job["error"]:
            raise told(job["error"]["code"], job["error"]["detail"])
        return Result.model_validate_json((await _patiently(client, f"/v1/jobs/{job['job_id']}/result")).content)


def analyze(path: Path | str, service: Service | None = None) -> Result:
    """The same without `async`."""
    return asyncio.run(analyze_async(path, service))


async def _patiently(client: httpx.AsyncClient, address: str) -> httpx.Response:
    """A good answer, asked for again while the service is away: the job goes on meanwhile."""
    given_up = time.monotonic() + AWAY_S
    while True:
        try:
            return _checked(await client.get(address))
        except (UnavailableError, httpx.TransportError):
            if time.monotonic() >= given_up:
                raise
        await asyncio.sleep(LOOK_S)


def _checked(answer: httpx.Response) -> httpx.Response:
    """The answer, if it is a good one. Raises the error that it tells, or says that it is no answer of a service."""
    try:
        content = answer.json()
        if answer.is_success:
            return answer
        error = told(content["code"], content["detail"])
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError):
        kind = UnavailableError if answer.status_code in AWAY else DuyguError
        error = kind(
            f"{answer.url} answers {answer.status_code} {answer.reason_phrase}, and not as a Duygu service does"
        )
    raise error
