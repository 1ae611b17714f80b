"""`GET /v1/model`: the model of the service."""

from fastapi import APIRouter

from duygu.services.api.dependencies import ServiceDep
from duygu.services.api.http.problems import problems
from duygu.shared.schemas.model import ModelDescription

router = APIRouter(tags=["model"])


@router.get("/v1/model", responses=problems())
def read_model(service: ServiceDep) -> ModelDescription:
    """Describe the model: labels, recipe, measured accuracy and calibration, licence."""
    return service.model
