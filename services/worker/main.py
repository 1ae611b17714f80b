"""A worker process: load the model once, then serve one queue until told to stop."""

import logging
from collections.abc import Callable
from pathlib import Path

from services.worker.model_worker import ModelWorker
from services.worker.workplace import Analyze, Progress, Workplace
from shared.broker import connect, redis_url
from shared.config import Settings
from shared.job_store import JobStore
from shared.queues import QueueName, open_queue
from shared.schemas import Result, Window
from shared.storage import open_storage

logger = logging.getLogger(__name__)


def run_worker(settings: Settings, queue: QueueName) -> int:
    """Serve a queue; returns the exit status of the process: 0 when it ended because it was asked to."""
    return serve(settings, queue, video_analysis(settings))


def serve(settings: Settings, queue: QueueName, analyze: Analyze) -> int:
    """Serve a queue with an analysis that is ready to run; returns the exit status of the process."""
    redis = connect(redis_url(settings))
    place = Workplace(JobStore(redis, settings.result_ttl), open_storage(settings), analyze)
    if settings.metrics_port:
        place.metrics.serve(settings.metrics_host, settings.metrics_port)
    worker = ModelWorker(open_queue(redis, queue), place, settings.shutdown_grace_s)
    worker.work(logging_level="WARNING")
    return 0 if worker.stopping else 1


def video_analysis(settings: Settings) -> Analyze:
    """The analysis of video files with the engine that the settings name. Raises ModelError."""
    from shared.vision.engine import load_engine
    from shared.vision.video import analyze_video

    engine = load_engine(settings)

    def analyze(
        path: Path,
        *,
        job_id: str,
        on_progress: Callable[[Progress], None],
        on_window: Callable[[int, Window], None],
        should_stop: Callable[[], bool],
    ) -> Result:
        return analyze_video(
            path,
            engine,
            settings,
            job_id=job_id,
            on_progress=on_progress,
            on_window=on_window,
            should_stop=should_stop,
        )

    return analyze
