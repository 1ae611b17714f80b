"""Prometheus metrics of the pictures of one API process."""

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS = (0.025, 0.05, 0.08, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 15)

ANALYSED = "analysed"
"""Code of pictures that were analysed; the others are error codes."""


class PictureMetrics:
    """Counts pictures and their latency."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.pictures = Counter("duygu_pictures", "Pictures by outcome", ["code"], registry=registry)
        self.seconds = Histogram(
            "duygu_picture_seconds",
            "Time from a received picture to its result",
            buckets=SECONDS,
            registry=registry,
        )
