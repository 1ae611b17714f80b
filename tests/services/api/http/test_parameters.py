"""Unknown query parameters and form fields, and parameters with several values."""

import httpx
import pytest

from duygu.shared.schemas.options import AnalysisOptions
from tests.support.workers.scripted_worker import Script

UNKNOWN = "0" * 32

Field = tuple[str, tuple[str | None, bytes]]


@pytest.mark.parametrize(
    ("method", "path", "known"),
    [
        ("POST", "/v1/videos", ["annotate", "blurred", "edits_of", "reuse"]),
        ("GET", "/v1/jobs", ["cursor", "limit"]),
        ("HEAD", "/v1/jobs", None),
        ("GET", f"/v1/jobs/{UNKNOWN}", []),
        ("DELETE", f"/v1/jobs/{UNKNOWN}", []),
        ("GET", f"/v1/jobs/{UNKNOWN}/result", ["edited", "format", "speaking"]),
        ("GET", f"/v1/jobs/{UNKNOWN}/events", []),
        ("GET", "/v1/model", []),
        ("GET", "/v1/asyncapi.json", []),
        ("GET", "/healthz", []),
        ("GET", "/readyz", []),
        ("GET", "/metrics", []),
    ],
)
def test_unknown_query_parameters_are_refused_by_name(
    api: httpx.Client, method: str, path: str, known: list[str] | None
) -> None:
    """An unknown query parameter gives 422 with the names of the known ones."""
    response = api.request(method, f"{path}?bogus=1")
    assert response.status_code == 422
    if known is None:
        return
    assert response.json()["code"] == "unknown_parameter"
    names = ", ".join(f"`{name}`" for name in known) or "none"
    assert response.json()["detail"] == f"unknown query parameter `bogus`; known: {names}"


def test_known_parameters_work_on(api: httpx.Client) -> None:
    """Every documented parameter is accepted; pages accept any query."""
    video = {"video": ("a.mp4", Script().upload())}
    assert api.post("/v1/videos?annotate=true&reuse=true", files=video).status_code == 202
    assert api.get("/v1/jobs?limit=5&cursor=").status_code == 200
    assert api.get("/?utm_source=letter").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/videos?reuse=true&reuse=false", "reuse"),
        ("POST", "/v1/videos?annotate=true&reuse=true&annotate=", "annotate"),
        ("GET", "/v1/jobs?limit=5&limit=6", "limit"),
        ("GET", f"/v1/jobs/{UNKNOWN}/result?format=csv&format=json", "format"),
    ],
)
def test_parameters_with_different_values_are_refused(api: httpx.Client, method: str, path: str, name: str) -> None:
    """A parameter with two different values gives 422 with its name; no value is chosen silently."""
    response = api.request(method, path)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert response.json()["detail"] == f"query parameter `{name}` has 2 different values; it takes one"


def test_every_route_checks_its_parameters(api: httpx.Client) -> None:
    """No parameter of the OpenAPI document may have two different values."""
    calls = [
        (method, path.replace("{job_id}", UNKNOWN), parameter["name"])
        for path, methods in api.get("/openapi.json").json()["paths"].items()
        for method, call in methods.items()
        for parameter in call.get("parameters", [])
        if parameter["in"] == "query"
    ]
    assert len(calls) >= 5
    for method, path, name in calls:
        response = api.request(method, f"{path}?{name}=1&{name}=2")
        assert response.status_code == 422, (method, path, name)
        assert "2 different values" in response.json()["detail"], (method, path, name)


def test_repeated_equal_values_count_once(api: httpx.Client) -> None:
    """A parameter that is repeated with the same value is accepted."""
    assert api.get("/v1/jobs?limit=5&limit=5").status_code == 200


def test_unknown_form_fields_are_refused_by_name(api: httpx.Client) -> None:
    """An unknown form field before, after or instead of the video is rejected, and no job is created."""
    video: Field = ("video", ("a.mp4", Script().upload()))
    unknown: Field = ("every", (None, b"1"))
    misnamed: Field = ("every", video[1])
    for parts in ([unknown, video], [video, unknown], [misnamed]):
        response = api.post("/v1/videos", files=parts)
        assert (response.status_code, response.json()["code"]) == (422, "unknown_parameter")
        known = ", ".join(f"`{name}`" for name in sorted(["video", *AnalysisOptions.model_fields]))
        assert response.json()["detail"] == f"unknown form field `every`; known: {known}"
    assert api.get("/v1/jobs").json()["jobs"] == []
