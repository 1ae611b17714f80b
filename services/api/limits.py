"""`GET /v1/limits`: what a video may measure here, and how long its result is kept."""

from fastapi import APIRouter

from duygu.services.api.dependencies import TheService
from duygu.shared.schemas import ServiceLimits

router = APIRouter(tags=["videos"])


@router.get("/v1/limits")
def read_limits(service: TheService) -> ServiceLimits:
    """The bounds of an upload and the time for which a result is kept, so that a client can check before it sends."""
    settings = service.settings
    return ServiceLimits(
        max_upload_bytes=settings.max_upload_bytes,
        max_duration_s=settings.max_duration_s,
        max_pixels=settings.max_pixels,
        result_ttl_s=settings.result_ttl,
    )
