"""The application: every route of the API and of the pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig

from duygu.services.api import events, health, jobs, limits, metrics, model, results
from duygu.services.api.access_log import Observation
from duygu.services.api.http.head import HeadRequests
from duygu.services.api.http.parameters import refuse_unknown_parameters
from duygu.services.api.http.problems import handle_problems
from duygu.services.api.http.security_headers import SecurityHeaders
from duygu.services.api.http.site import Site, SiteGuard
from duygu.services.api.live import asyncapi as stream_schema
from duygu.services.api.live import routes as stream
from duygu.services.api.live.hub import Hub
from duygu.services.api.metrics import Metrics
from duygu.services.api.pages import mount_pages
from duygu.services.api.service import Service, open_service
from duygu.services.api.videos import routes as videos
from duygu.shared.config import Settings
from duygu.shared.schemas import Problem
from duygu.shared.version import installed_version

ROUTERS = (
    videos.router,
    jobs.router,
    events.router,
    results.router,
    stream.router,
    stream_schema.router,
    model.router,
    limits.router,
    health.router,
    metrics.router,
)

SUMMARY = "Turns video into a timeline of emotions for every face in it"


class Application(FastAPI):
    """FastAPI whose description of itself knows the problems that every call can answer with."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        document = super().openapi()
        document["components"]["schemas"].setdefault("Problem", Problem.model_json_schema())
        return document


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with app.state.hub:
        yield
    await app.state.service.close()


def create_app(settings: Settings) -> FastAPI:
    """The application with these settings. Raises ModelError or ConfigurationError."""
    service = open_service(settings)
    app = Application(
        title="Duygu",
        summary=SUMMARY,
        version=installed_version(),
        lifespan=_lifespan,
        docs_url=None,  # the framework's own page loads its scripts from elsewhere
        redoc_url=None,
        telemetry=_telemetry(service),
    )
    app.state.service, app.state.metrics = service, Metrics(service)
    app.state.hub, app.state.site, app.state.shutdown = Hub(settings), Site(settings), service.shutdown
    app.add_middleware(SiteGuard, site=app.state.site, metrics=app.state.metrics)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(HeadRequests)
    app.add_middleware(Observation, metrics=app.state.metrics, shutdown=service.shutdown)
    _allow_origins(app, settings)  # last, and so outermost: pages of other origins may read unexpected errors as well
    handle_problems(app)
    for router in ROUTERS:
        checks = [] if router is stream.router else [Depends(refuse_unknown_parameters)]  # a socket is no HTTP request
        app.include_router(router, dependencies=checks)
    mount_pages(app)
    return app


def _telemetry(service: Service) -> TelemetryConfig:
    """Spans of requests alone: what else the framework can tell is told by our own metrics and logs."""
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
            allow_methods=["GET", "HEAD", "POST", "DELETE"],
            allow_headers=[
                "Authorization",
                "Idempotency-Key",
                "If-None-Match",
                "If-Range",
                "Last-Event-ID",
                "Prefer",
                "Range",
                "Webhook-URL",
            ],
            expose_headers=[
                "Accept-Ranges",
                "Content-Disposition",
                "Content-Range",
                "ETag",
                "Location",
                "Preference-Applied",
                "Retry-After",
                "X-Request-ID",
            ],
        )
