"""`GET /metrics`: metrics of the API process and of the queues, for Prometheus."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from rq import Queue

from duygu.services.api.dependencies import AdminCaller
from duygu.services.api.http.problems import problems
from duygu.services.api.live.metrics import LiveMetrics
from duygu.services.api.pictures.metrics import PictureMetrics
from duygu.services.api.service import ServiceContext
from duygu.shared.broker import keys
from duygu.shared.errors import server_error_codes
from duygu.shared.jobs.heartbeat import alive_since
from duygu.shared.jobs.queues import QueueName, waiting

router = APIRouter(tags=["health"])

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one API process."""

    def __init__(self, service: ServiceContext) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "duygu_http_requests", "Responses sent", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "duygu_http_request_seconds",
            "Time to the first byte of the response",
            ["method", "route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.broken = Counter(
            "duygu_http_broken_responses",
            "Responses interrupted by an unhandled error",
            ["method", "route"],
            registry=self.registry,
        )
        self.problems = Counter("duygu_http_problems", "Problem responses", ["code"], registry=self.registry)
        for code in server_error_codes():
            self.problems.labels(code)  # starts at 0, so that `increase()` sees the first one
        self.live = LiveMetrics(self.registry)
        self.pictures = PictureMetrics(self.registry)
        model = Info("duygu_model", "The model of the service", registry=self.registry)
        model.info({"name": service.model.name, "version": service.model.version, "sha256": service.model.sha256})
        self.registry.register(QueueCollector(service))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)


class QueueCollector(Collector):
    """Collects the state of the queues at each scrape."""

    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    def describe(self) -> list[GaugeMetricFamily]:
        """Describe nothing in advance, so that registration needs no Redis."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Depth, age and workers of each queue; omitted while Redis is unreachable."""
        reachable = GaugeMetricFamily("duygu_redis_up", "Whether Redis responds")
        try:
            found = self._gauges(self._service.videos)
            reachable.add_metric([], 1)
        except RedisError:
            found = []
            reachable.add_metric([], 0)
        yield reachable
        yield from found

    def _gauges(self, queue: Queue) -> list[GaugeMetricFamily]:
        redis = self._service.redis
        workers = {name.value: redis.zcount(keys.workers(name), alive_since(), "+inf") for name in QueueName}
        return [
            _gauge("duygu_queue_jobs", "Queued jobs", {queue.name: waiting(queue)}),
            _gauge(
                "duygu_queue_age_seconds", "Waiting time of the oldest queued job", {queue.name: self._age_s(queue)}
            ),
            _gauge("duygu_workers", "Workers with a recent heartbeat", workers),
            GaugeMetricFamily(
                "duygu_uploads_open", "Resumable uploads that have not become a job", redis.zcard(keys.UPLOADS)
            ),
        ]

    def _age_s(self, queue: Queue) -> float:
        """Seconds since the first queued job was accepted; its id is older by the time of the upload."""
        front: bytes | None = self._service.redis.lindex(queue.key, 0)  # type: ignore[assignment]
        record = self._service.jobs.read(front.decode()) if front else None
        return (datetime.now(UTC) - record.created_at).total_seconds() if record else 0.0


def _gauge(name: str, meaning: str, by_queue: Mapping[str, float]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, meaning, labels=["queue"])
    for queue, value in by_queue.items():
        gauge.add_metric([queue], value)
    return gauge


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problems()},
)
def read_metrics(request: Request, caller: AdminCaller) -> Response:
    """Metrics of this process and of the queues, in the text format of Prometheus."""
    metrics: Metrics = request.app.state.metrics
    return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)
