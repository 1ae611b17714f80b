"""`GET /v1/jobs/{id}/agreement`: raters against each other and against the model."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from duygu.services.api.dependencies import ReadableJob, ServiceDep
from duygu.services.api.http.problems import problems
from duygu.services.api.jobs.labels import face_tracer
from duygu.services.api.jobs.stored_result import stored_result
from duygu.services.api.service import ServiceContext
from duygu.shared.errors import InvalidRequestError, JobNotFoundError, ResultExpiredError, ResultNotReadyError
from duygu.shared.schemas.job import JobStatus
from duygu.shared.workbench.labels.agreement import Agreement, agreement
from duygu.shared.workbench.labels.placement import shown

router = APIRouter(prefix="/v1/jobs", tags=["labels"])

TargetAccuracy = Annotated[
    float, Query(gt=0, lt=1, description="share of correct predictions that the threshold of `uncertain` has to keep")
]


@router.get(
    "/{job_id}/agreement",
    responses=problems(JobNotFoundError, InvalidRequestError, ResultNotReadyError, ResultExpiredError),
)
def read_agreement(
    record: ReadableJob, service: ServiceDep, response: Response, target_accuracy: TargetAccuracy = 0.9
) -> Agreement:
    """Compare the labels of all raters with each other and with the result. Figures with too few labels are null."""
    if record.status != JobStatus.SUCCEEDED:
        raise ResultNotReadyError
    response.headers["Cache-Control"] = "private, no-cache"
    return _agreement(service, record.job_id, target_accuracy)


def _agreement(service: ServiceContext, job_id: str, target_accuracy: float) -> Agreement:
    edits, labels = service.edits.read(job_id), service.labels.read_all(job_id)

    def compute() -> Agreement:
        tracer = face_tracer(service, job_id, edits)
        placed = {rater: shown(found.labels, tracer) for rater, found in labels.items()}
        return agreement(stored_result(service, job_id, edits), placed, target_accuracy)

    versions = tuple((rater, found.version) for rater, found in labels.items())
    return service.agreements.get((job_id, edits.version, versions, target_accuracy), compute)
