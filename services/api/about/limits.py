"""`GET /v1/limits`: the limits of an upload and the retention time of a result."""

from fastapi import APIRouter

from duygu.services.api.dependencies import ServiceDep
from duygu.shared.config.settings import MB
from duygu.shared.schemas.service import ServiceLimits

router = APIRouter(tags=["videos"])


@router.get("/v1/limits")
def read_limits(service: ServiceDep) -> ServiceLimits:
    """Read the limits of an upload and the retention time of results, so that a client can check before uploading."""
    settings = service.settings
    return ServiceLimits(
        max_upload_bytes=settings.max_upload_bytes,
        upload_ttl_s=settings.upload_ttl,
        max_duration_s=settings.max_duration_s,
        max_pixels=settings.max_pixels,
        max_pictures=settings.pictures_max_count,
        max_pictures_bytes=int(settings.pictures_max_mb * MB),
        max_picture_pixels=settings.picture_max_pixels,
        result_ttl_s=settings.result_ttl,
        link_schemes=service.link_policy.schemes,
        keeps_results=settings.keeps_results,
        max_kept=settings.max_kept,
        max_studies=settings.max_studies,
        stored_bytes=service.stored_size.read() if settings.keys_file is None else None,
    )
