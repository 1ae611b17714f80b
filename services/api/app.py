"""The FastAPI application: routers, middleware and pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig

from duygu.services.api.about import limits, model
from duygu.services.api.http.body_limit import BodyLimitMiddleware
from duygu.services.api.http.call_samples import add_samples
from duygu.services.api.http.head import HeadMiddleware
from duygu.services.api.http.parameters import check_parameters
from duygu.services.api.http.problems import handle_problems
from duygu.services.api.http.same_site import SameSiteMiddleware, SitePolicy
from duygu.services.api.http.security_headers import SecurityHeadersMiddleware
from duygu.services.api.jobs import agreement, baselines, edits, events, imports, labels, results, uploaded_video
from duygu.services.api.jobs import routes as jobs
from duygu.services.api.live import asyncapi
from duygu.services.api.live import routes as live
from duygu.services.api.live.hub import Hub
from duygu.services.api.monitoring import health, metrics
from duygu.services.api.monitoring.access_log import AccessLogMiddleware
from duygu.services.api.monitoring.metrics import Metrics
from duygu.services.api.pages import mount_pages
from duygu.services.api.pictures import routes as pictures
from duygu.services.api.pictures.body import MemoryBudget
from duygu.services.api.service import ServiceContext, open_service
from duygu.services.api.studies import routes as studies
from duygu.services.api.uploads import routes as uploads
from duygu.services.api.uploads.protocol import TusMiddleware
from duygu.services.api.videos import routes as videos
from duygu.shared.broker.connections import connect_waiting, live_redis_url
from duygu.shared.config.settings import Settings
from duygu.shared.inputs.pictures.api_queue import PictureQueue
from duygu.shared.inputs.pictures.messages import REPLY_S
from duygu.shared.schemas.job import Problem
from duygu.shared.version import VERSION

ROUTERS = (
    videos.router,
    pictures.router,
    uploads.router,
    jobs.router,
    imports.router,
    events.router,
    results.router,
    edits.router,
    baselines.router,
    labels.router,
    uploaded_video.router,
    agreement.router,
    studies.router,
    live.router,
    asyncapi.router,
    model.router,
    limits.router,
    health.router,
    metrics.router,
)

SUMMARY = "Turns video into a timeline of emotions for every face in it"


class Application(FastAPI):
    """FastAPI whose OpenAPI document includes the schema of problems and samples of the calls."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, created once."""
        document = super().openapi()
        if "Problem" not in document["components"]["schemas"]:
            document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
            add_samples(document)
            content = document["paths"]["/v1/pictures"]["post"]["responses"]["200"]["content"]
            content["application/json"]["examples"] = pictures.EXAMPLES  # the framework drops their nulls
        return document


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with app.state.hub:
        yield
    await app.state.picture_redis.aclose()
    await app.state.service.close()


def create_app(settings: Settings) -> FastAPI:
    """Create the application. Raises ModelError or ConfigurationError."""
    service = open_service(settings)
    app = Application(
        title="Duygu",
        summary=SUMMARY,
        version=VERSION,
        lifespan=_lifespan,
        docs_url=None,  # the page of the framework loads scripts from a third party
        redoc_url=None,
        telemetry=_telemetry(service),
    )
    app.state.service, app.state.metrics = service, Metrics(service)
    app.state.hub, app.state.site_policy, app.state.shutdown = Hub(settings), SitePolicy(settings), service.shutdown
    app.state.metrics.live.overload_rate_hz.set_function(lambda: app.state.hub.overload_rate_hz or 0)
    app.state.picture_redis = connect_waiting(live_redis_url(settings), REPLY_S)
    app.state.pictures = PictureQueue(app.state.picture_redis, settings.pictures_max_waiting)
    app.state.picture_budget = MemoryBudget()
    app.add_middleware(BodyLimitMiddleware, timeout_s=settings.body_timeout_s, metrics=app.state.metrics)
    app.add_middleware(SameSiteMiddleware, policy=app.state.site_policy, metrics=app.state.metrics)
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(TusMiddleware)
    app.add_middleware(AccessLogMiddleware, metrics=app.state.metrics, shutdown=service.shutdown)
    _allow_origins(app, settings)  # added last and so outermost: allowed origins can also read unexpected errors
    handle_problems(app)
    for router in ROUTERS:
        checks = [] if router is live.router else [Depends(check_parameters)]  # a socket has no HTTP request
        app.include_router(router, dependencies=checks)
    mount_pages(app)
    return app


def _telemetry(service: ServiceContext) -> TelemetryConfig:
    """Spans of requests only: metrics and logs are our own."""
    return {
        "tracing": service.traces.provider is not None,
        "tracer_provider": service.traces.provider,
        "operation_spans": False,
        "metrics": False,
        "logs": False,
    }


def _allow_origins(app: FastAPI, settings: Settings) -> None:
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
                "If-Range",
                "Last-Event-ID",
                "Prefer",
                "Range",
                "Tus-Resumable",
                "Upload-Checksum",
                "Upload-Length",
                "Upload-Metadata",
                "Upload-Offset",
                "Webhook-URL",
                "X-HTTP-Method-Override",
            ],
            expose_headers=[
                "Accept-Ranges",
                "Content-Disposition",
                "Content-Range",
                "ETag",
                "Location",
                "Preference-Applied",
                "Retry-After",
                "Tus-Checksum-Algorithm",
                "Tus-Extension",
                "Tus-Max-Size",
                "Tus-Resumable",
                "Tus-Version",
                "Upload-Expires",
                "Upload-Length",
                "Upload-Metadata",
                "Upload-Offset",
                "X-Request-ID",
            ],
        )
