"""Agreement over HTTP."""

import httpx
import pytest
from redis import Redis

from duygu.shared.config.settings import Settings
from duygu.shared.errors import OutOfMemoryError
from duygu.shared.schemas.result import Result
from duygu.shared.workbench.labels.agreement import Agreement, agreement
from duygu.shared.workbench.labels.label import Label
from tests.services.api.jobs.test_edits import problem
from tests.services.api.test_contract import add_job
from tests.support.results.labelled import labelled
from tests.support.results.stored_jobs import store_result


@pytest.fixture
def labelled_result() -> tuple[Result, list[Label]]:
    """Return a result with two faces and a label for each of its windows."""
    return labelled(60)


@pytest.fixture
def job(redis: Redis, service_settings: Settings, labelled_result: tuple[Result, list[Label]]) -> str:
    """Return the path of a job with that result."""
    return f"/v1/jobs/{store_result(redis, service_settings, labelled_result[0])}"


def put(api: httpx.Client, job: str, rater: str, labels: list[Label]) -> None:
    """Store the labels of a rater."""
    api.put(f"{job}/labels/{rater}", json=[label.model_dump() for label in labels]).raise_for_status()


def read(api: httpx.Client, job: str, query: str = "") -> Agreement:
    """Return the agreement of a job."""
    return Agreement.model_validate_json(api.get(f"{job}/agreement{query}").raise_for_status().text)


def test_agreement_of_stored_labels(api: httpx.Client, job: str, labelled_result: tuple[Result, list[Label]]) -> None:
    """The response compares the labels and the result, and changes with the labels and the target accuracy."""
    result, labels = labelled_result
    assert read(api, job).labels == 0
    put(api, job, "ann", labels)
    assert read(api, job) == agreement(result, {"ann": labels})
    put(api, job, "bob", labels[:40])
    both = {"ann": labels, "bob": labels[:40]}
    assert read(api, job, "?target_accuracy=0.7") == agreement(result, both, 0.7)
    put(api, job, "bob", [])
    assert read(api, job) == agreement(result, {"ann": labels})


def test_agreement_follows_edits(api: httpx.Client, job: str, labelled_result: tuple[Result, list[Label]]) -> None:
    """Excluding a face leaves its labels out, and undoing it brings them back."""
    put(api, job, "ann", labelled_result[1])
    api.post(f"{job}/edits", json={"op": "exclude", "face_id": 1}).raise_for_status()
    assert (read(api, job).windows, read(api, job).people) == (30, 1)
    api.delete(f"{job}/edits/last").raise_for_status()
    assert (read(api, job).windows, read(api, job).people) == (60, 2)


def test_invalid_promises(api: httpx.Client, job: str) -> None:
    """A target accuracy is between 0 and 1."""
    for target_accuracy in ("0", "1", "nine", "nan"):
        assert problem(api.get(f"{job}/agreement?target_accuracy={target_accuracy}")) == (422, "invalid_request")


def test_a_job_without_a_result(api: httpx.Client, redis: Redis, service_settings: Settings) -> None:
    """A failed job has no agreement."""
    job = f"/v1/jobs/{add_job(redis, service_settings, OutOfMemoryError())}"
    assert problem(api.get(f"{job}/agreement")) == (409, "result_not_ready")
