"""What the server says, where a real one would say it too soon, too late or not at all."""

from typing import Any

from playwright.sync_api import Page


def told(job_id: str, **news: Any) -> dict[str, Any]:
    """A job as the server describes it, running unless `news` says otherwise."""
    job = {
        "job_id": job_id,
        "status": "running",
        "progress": 0.5,
        "error": None,
        "sha256": "0" * 64,
        "links": {"video": None},
    }
    return {**job, **news}


def remember(page: Page, *job_ids: str) -> None:
    """Let the browser know jobs of an earlier visit, which cannot tell by themselves how they go."""
    kept = [{"id": job_id, "name": f"{job_id}.mp4", "added": 1} for job_id in job_ids]
    page.goto("/")
    page.evaluate("(kept) => localStorage.setItem('duygu.jobs', JSON.stringify(kept))", kept)
    page.route("**/v1/jobs/*/events", lambda route: route.abort())


def result(**video: Any) -> dict[str, Any]:
    """A result without faces, of a video of two seconds unless `video` says otherwise."""
    size = {"duration_s": 2.0, "width": 320, "height": 240, "frames_decoded": 50, **video}
    return {"video": size, "faces": [], "warnings": [], "model": {"labels": ["anger"]}}
