"""Prometheus metrics of the live sessions of one API process."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from duygu.shared.live.messages import FrameDropped, FrameError, FrameResult
from duygu.shared.schemas.base import Schema

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2.5, 5, 15)


class LiveMetrics:
    """Counts sessions, frames and latencies."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sessions = Gauge("duygu_live_sessions", "Open live sessions", registry=registry)
        self.ends = Counter(
            "duygu_live_ends", "Live sessions that ended or were rejected", ["reason"], registry=registry
        )
        self.frames = Counter(
            "duygu_live_frames",
            "Live frames by reply (result, dropped or error) and reason",
            ["answer", "reason"],
            registry=registry,
        )
        self.overload_rate_hz = Gauge(
            "duygu_live_overload_rate_hz",
            "Live frames per second that every session gets while the service is overloaded; 0 while it is not",
            registry=registry,
        )
        self.seconds = Histogram(
            "duygu_live_seconds", "Time from the arrival of a frame to its result", buckets=SECONDS, registry=registry
        )

    def sent(self, message: Schema) -> None:
        """Count a reply to a frame; other messages are not counted."""
        if isinstance(message, FrameResult):
            self.frames.labels("result", "").inc()
            self.seconds.observe(message.latency_ms / 1000)
        elif isinstance(message, FrameDropped):
            self.frames.labels("dropped", message.reason).inc()
        elif isinstance(message, FrameError) and message.seq is not None:
            self.frames.labels("error", message.code).inc()
