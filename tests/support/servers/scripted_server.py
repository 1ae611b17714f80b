"""Scripted responses of the server for the tests of the pages."""

from typing import Any

from playwright.sync_api import Page


def job_document(job_id: str, **news: Any) -> dict[str, Any]:
    """Return the server's description of a job, running unless `news` differs."""
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
    """Store jobs of an earlier visit in the browser and block their events."""
    kept = [{"id": job_id, "name": f"{job_id}.mp4", "added": 1} for job_id in job_ids]
    page.goto("/")
    page.evaluate("(kept) => localStorage.setItem('duygu.jobs', JSON.stringify(kept))", kept)
    page.route("**/v1/jobs/*/events", lambda route: route.abort())


def result(**video: Any) -> dict[str, Any]:
    """Return a result without faces for a video of two seconds unless `video` differs."""
    size = {"duration_s": 2.0, "width": 320, "height": 240, "frames_decoded": 50, **video}
    return {"video": size, "faces": [], "warnings": [], "model": {"labels": ["anger"]}}
