"""`GET /v1/model`: what answers here."""

from fastapi import APIRouter

from duygu.services.api.dependencies import TheService
from duygu.services.api.http.problems import problems
from duygu.shared.schemas import ModelDescription

router = APIRouter(tags=["model"])


@router.get("/v1/model", responses=problems())
def read_model(service: TheService) -> ModelDescription:
    """The network, its labels, and how far to trust it."""
    return service.model
