"""Prometheus metrics of one worker."""

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector, start_http_server

from duygu.shared.errors import server_error_codes
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.result import Result

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class WorkerMetrics:
    """Counters and histograms of jobs, stages, frames and webhooks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.jobs = Counter("duygu_jobs", "Jobs that ended in this process", ["code"], registry=self.registry)
        for code in server_error_codes():
            self.jobs.labels(code)  # from the start: Prometheus derives a rate only from a series it has seen
        self.seconds = Histogram(
            "duygu_job_seconds",
            "Time of a job in a stage: wait in the queue, fetch its link, fetch the video, analyze, annotate, blur, "
            "store the result; within analyze, a part of a long video, and join a part",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.frames = Counter("duygu_frames", "Frames", ["what"], registry=self.registry)
        self.faces = Counter("duygu_faces", "Faces tracked", registry=self.registry)
        self.video_seconds = Counter("duygu_video_seconds", "Seconds of video analysed", registry=self.registry)
        self.fetched_bytes = Counter("duygu_fetched_bytes", "Bytes of links fetched", registry=self.registry)
        self.webhooks = Counter("duygu_webhooks", "Attempts to deliver a webhook", ["outcome"], registry=self.registry)
        self._model = Info("duygu_model", "The loaded model", registry=self.registry)
        ProcessCollector(registry=self.registry)

    def count(self, result: Result) -> None:
        """Count the frames, faces and seconds of one video."""
        self.frames.labels("decoded").inc(result.video.frames_decoded)
        self.frames.labels("analysed").inc(result.video.frames_analysed)
        self.faces.inc(len(result.faces))
        self.video_seconds.inc(result.video.duration_s)
        self.name_model(result.model)

    def name_model(self, model: ModelInfo) -> None:
        """Export the name and version of the model."""
        self._model.info({"name": model.name, "version": model.version, "sha256": model.sha256})

    def serve(self, host: str, port: int) -> None:
        """Serve metrics on a port, in a daemon thread."""
        start_http_server(port, host, self.registry)
