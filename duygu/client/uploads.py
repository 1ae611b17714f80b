"""Videos handed in whole."""

import asyncio
from pathlib import Path

import httpx

from duygu.client.service import Service, told
from shared.schemas import Result

LOOK_S = 0.25
"""Between two looks at a job."""

ANSWER_S = 60.0
"""Longest wait for one answer; an upload may take longer, as long as it goes on."""


async def analyze_async(path: Path | str, service: Service | None = None) -> Result:
    """Hand in a video, wait, and return what was found. Raises the errors of shared.errors."""
    service = service or Service()
    async with httpx.AsyncClient(base_url=service.url, headers=service.headers, timeout=ANSWER_S) as client:
        content = await asyncio.to_thread(Path(path).read_bytes)
        job = _checked(await client.post("/v1/videos", files={"video": ("video", content)})).json()
        while job["ended_at"] is None:
            await asyncio.sleep(LOOK_S)
            job = _checked(await client.get(f"/v1/jobs/{job['job_id']}")).json()
        if job["error"]:
            raise told(job["error"]["code"], job["error"]["detail"])
        return Result.model_validate_json(_checked(await client.get(f"/v1/jobs/{job['job_id']}/result")).content)


def analyze(path: Path | str, service: Service | None = None) -> Result:
    """The same without `async`."""
    return asyncio.run(analyze_async(path, service))


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    problem = answer.json()
    raise told(problem["code"], problem["detail"])
