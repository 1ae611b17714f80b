"""Results that become jobs: `POST /v1/jobs`."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from duygu.shared.config.api_keys import KeyLimits, Scope, add_key
from duygu.shared.config.settings import Settings
from duygu.shared.schemas.result import Result
from tests.services.conftest import StartWorker, serving
from tests.support.results.known import two_faces


def imported(api: httpx.Client, result: Result | None = None, **parameters: str) -> dict[str, Any]:
    """Import a result; returns its job."""
    content = (result or two_faces()).model_dump_json().encode()
    response = api.post("/v1/jobs", content=content, params=parameters, headers={"Content-Type": "application/json"})
    assert response.status_code == 201, response.text
    job: dict[str, Any] = response.json()
    assert response.headers["Location"] == job["links"]["self"]
    return job


def test_an_imported_result_is_a_job_as_any_other(api: httpx.Client) -> None:
    """It is listed with its title, read back with its own id, edited, labelled, exported and erased."""
    job = imported(api, title=" Live ")
    path = job["links"]["self"]
    assert (job["status"], job["faces"], job["title"], job["size_bytes"]) == ("succeeded", 2, "Live", 0)
    assert job["expires_at"]
    assert [one["job_id"] for one in api.get("/v1/jobs").json()["jobs"]] == [job["job_id"]]
    result = api.get(f"{path}/result").json()
    assert result == {**two_faces().model_dump(mode="json"), "job_id": job["job_id"]}
    api.post(f"{path}/edits", json={"op": "rename", "face_id": 1, "name": "Ann"}).raise_for_status()
    assert "Ann" in api.get(f"{path}/result?format=csv").text
    label = {"face_id": 1, "start_s": 0.0, "end_s": 0.5, "emotion": "happiness"}
    api.put(f"{path}/labels/ann", json=[label]).raise_for_status()
    assert api.get(f"{path}/agreement").json()["labels"] == 1
    assert api.get(f"{path}/video").json()["code"] == "video_not_kept"
    assert "succeeded" in api.get(f"{path}/events").text
    assert api.patch(path, json={"kept": True}).json()["expires_at"] is None
    api.delete(path).raise_for_status()
    assert api.get(f"{path}/result").status_code == 404


def test_a_worker_draws_the_plot(api: httpx.Client, start_worker: StartWorker) -> None:
    """The plot of an imported result is rendered by a worker, also after it was edited and the edit undone."""
    path = imported(api)["links"]["self"]
    start_worker()
    pictures = []
    for _ in range(2):
        for _ in range(6):  # the worker starts
            response = api.get(f"{path}/result?format=png")
            if response.status_code == 200:
                break
        pictures.append(response.content)
        api.post(f"{path}/edits", json={"op": "exclude", "face_id": 1}).raise_for_status()
        api.delete(f"{path}/edits/last").raise_for_status()
    assert pictures[0][:4] == b"\x89PNG"
    assert pictures[0] == pictures[1]


def changed(**changes: Any) -> dict[str, Any]:
    """Return the JSON of a result whose first face, first window or other parts are changed."""
    result: dict[str, Any] = two_faces().model_dump(mode="json")
    for path, value in changes.items():
        *way, last = path.split("__")
        target: Any = result
        for step in way:
            target = target[int(step)] if step.isdigit() else target[step]
        target[last] = value
    return result


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "not a result"),
        ({"faces": []}, "model"),
        (changed(faces__1__face_id=1), "same face_id"),
        (changed(faces__0__windows=[]), "no windows"),
        (changed(faces__0__positions=[]), "no positions"),
        (changed(faces__0__windows__0__emotion="joy"), "emotions of face 1"),
        (changed(faces__0__windows__0__probabilities={"joy": 1.0}), "emotions of face 1"),
        (changed(faces__0__end_s=-1.0), "faces"),
        (changed(video__width=0), "size of the video"),
        (changed(video__sha256="../x"), "sha256"),
        (changed(model__labels=[]), "no labels"),
    ],
)
def test_what_is_no_result_is_refused(api: httpx.Client, content: object, words: str) -> None:
    """A body that violates the schema or an invariant has the code `invalid_result`, and no job is stored."""
    response = api.post("/v1/jobs", json=content)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_result")
    assert words in response.json()["detail"]
    assert api.get("/v1/jobs").json()["jobs"] == []


def test_a_body_has_a_maximum_size(api: httpx.Client) -> None:
    """More than 32 megabytes are refused before they are parsed; other paths keep their own maximum."""
    response = api.post("/v1/jobs", content=b" " * 32_000_001)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_job_belongs_to_its_key(service_settings: Settings, tmp_path: Path) -> None:
    """An imported result belongs to the key that sent it and counts as an upload; another key does not see it."""
    keys = tmp_path / "keys.json"
    both = frozenset({Scope.SUBMIT, Scope.READ})
    ann = add_key(keys, "ann", both, KeyLimits(uploads_per_minute=1))
    bob = add_key(keys, "bob", both, KeyLimits())
    with serving(service_settings.model_copy(update={"keys_file": keys})) as api:
        api.headers["Authorization"] = f"Bearer {ann}"
        path = imported(api)["links"]["self"]
        content = two_faces().model_dump_json().encode()
        assert api.post("/v1/jobs", content=content).json()["code"] == "rate_limited"
        api.headers["Authorization"] = f"Bearer {bob}"
        assert api.get(path).status_code == 404
        api.headers.pop("Authorization")
        assert api.post("/v1/jobs", content=content).status_code == 401
