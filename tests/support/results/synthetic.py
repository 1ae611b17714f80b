"""Results without an analysis, with any number of faces of any duration at any place."""

from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Page

from duygu.shared.schemas.emotions import EMOTIONS
from tests.support.servers.scripted_server import job_document, remember

STEP_S = 0.5
"""Interval between windows; positions are five times as frequent."""


def window(start_s: float, emotion: str, confidence: float = 0.9, *, uncertain: bool = False) -> dict[str, Any]:
    """Return one window of 0.9 s."""
    rest = (1 - confidence) / (len(EMOTIONS) - 1)
    shares = {label: confidence if label == emotion else rest for label in EMOTIONS}
    return {
        "start_s": start_s,
        "end_s": start_s + 0.9,
        "emotion": emotion,
        "confidence": confidence,
        "probabilities": shares,
        "uncertain": uncertain,
        "flags": [],
    }


def face(
    face_id: int, box: Sequence[float], emotions: Sequence[str], *, uncertain: Sequence[bool] = (), start_s: float = 0.0
) -> dict[str, Any]:
    """Return a face at a fixed x, y, width, height with one window for each of `emotions`."""
    doubts = [*uncertain, *[False] * len(emotions)]
    windows = [
        window(start_s + STEP_S * i, emotion, uncertain=doubt)
        for i, (emotion, doubt) in enumerate(zip(emotions, doubts, strict=False))
    ]
    end_s = windows[-1]["end_s"]
    moments = range(round((end_s - start_s) * 10) + 1)
    return {
        "face_id": face_id,
        "start_s": start_s,
        "end_s": end_s,
        "emotion": emotions[0],
        "confidence": 0.9,
        "probabilities": windows[0]["probabilities"],
        "windows": windows,
        "positions": [{"time_s": start_s + i / 10, "box": list(box), "score": 1.0} for i in moments],
    }


def result(*faces: dict[str, Any], labels: Sequence[str] = EMOTIONS, **video: Any) -> dict[str, Any]:
    """Return a result of these faces in a video of 640 x 480 with their duration, unless `video` differs."""
    end_s = max((one["end_s"] for one in faces), default=2.0)
    size = {"duration_s": end_s, "width": 640, "height": 480, "frames_decoded": round(end_s * 25), **video}
    return {"video": size, "faces": list(faces), "warnings": [], "model": {"labels": list(labels)}}


def visit(page: Page, shown: dict[str, Any], *, name: str = "clip", **job: Any) -> None:
    """Open the page of a job with the result `shown`; `job` has additional fields of the job."""
    state = job_document(name, **{"status": "succeeded", "progress": 1.0, **job})
    remember(page, name)
    page.route("**/v1/jobs/*", lambda route: route.fulfill(json=state))
    page.route(f"**/v1/jobs/{name}/result?edited=false", lambda route: route.fulfill(json=shown))
    page.goto("about:blank")
    page.goto(f"/#job/{name}")
    page.wait_for_selector("#workspace:not([hidden])")
