"""The application as a whole."""

import subprocess
import sys
from importlib.metadata import version
from typing import Any

import httpx

from duygu.shared.config.settings import Settings
from duygu.shared.errors import by_code
from duygu.shared.paths import ROOT
from tests.services.conftest import serving

HEAVY = ("numpy", "cv2", "torch", "tensorflow", "av", "onnxruntime", "keras", "facenet_pytorch")


def test_it_never_imports_what_the_engine_needs() -> None:
    """The API imports none of the packages of the engine."""
    imports = "import duygu.services.api.app, duygu.services.serve.supervisor, sys"
    program = f"{imports}; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_openapi_describes_every_call(api: httpx.Client) -> None:
    """Every operation has a summary, a description and described responses, and every error is a problem."""
    document = api.get("/openapi.json").json()
    assert set(document["paths"]) >= {"/v1/videos", "/v1/jobs", "/v1/jobs/{job_id}", "/v1/model", "/healthz", "/readyz"}
    assert {"Problem", "Job", "Result"} <= set(document["components"]["schemas"])
    for operation in operations(document):
        assert operation["description"]
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]


def test_every_call_stands_in_the_documentation(api: httpx.Client) -> None:
    """docs/api.md lists every endpoint for videos, jobs, the model and health."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for path, calls in api.get("/openapi.json").json()["paths"].items():
        for method in (
            method for method, call in calls.items() if {"videos", "jobs", "model", "health"} & {*call["tags"]}
        ):
            assert f"`{method.upper()} {path.replace('{job_id}', '{id}').replace('{upload_id}', '{id}')}`" in page


def test_openapi_names_known_codes_only(api: httpx.Client) -> None:
    """Every code in the description of an error response exists."""
    for operation in operations(api.get("/openapi.json").json()):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                codes = response["description"].split("`")[1::2]
                assert codes
                assert set(codes) <= set(by_code())


def test_openapi_reports_the_version_of_the_package(api: httpx.Client) -> None:
    """The version of the OpenAPI document is that of the installed package, as `duygu --version` prints it."""
    assert api.get("/openapi.json").json()["info"]["version"] == version("duygu")


def test_the_model_is_described(api: httpx.Client) -> None:
    """`/v1/model` describes the model of the service."""
    model = api.get("/v1/model").json()
    assert model["name"] == "tiny"
    assert len(model["labels"]) == 7
    assert len(model["sha256"]) == 64


def test_the_limits_are_described(api: httpx.Client, service_settings: Settings) -> None:
    """`/v1/limits` gives the settings that bound an upload and the life of a result."""
    limits = api.get("/v1/limits").json()
    assert limits == {
        "max_upload_bytes": service_settings.max_upload_bytes,
        "upload_ttl_s": service_settings.upload_ttl,
        "max_duration_s": service_settings.max_duration_s,
        "max_pixels": service_settings.max_pixels,
        "result_ttl_s": service_settings.result_ttl,
        "link_schemes": ["https"],
        "keeps_results": False,
        "max_kept": service_settings.max_kept,
        "max_studies": service_settings.max_studies,
        "stored_bytes": 0,
        "max_pictures": service_settings.pictures_max_count,
        "max_pictures_bytes": 50_000_000,
        "max_picture_pixels": service_settings.picture_max_pixels,
    }


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every operation of an OpenAPI document."""
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_the_published_threshold_is_that_of_the_settings(service_settings: Settings) -> None:
    """`DUYGU_UNCERTAIN_BELOW` replaces the threshold that `/v1/model` reports."""
    with serving(service_settings.model_copy(update={"uncertain_below": 0.75})) as api:
        model = api.get("/v1/model").json()
    assert (model["uncertain_below"], model["certain_means"]) == (0.75, None)
