"""A worker process: loads the model once, then serves one queue until it is stopped."""

import logging
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004

from duygu.services.worker.context import Analyze, LiveWork, Renderer, Splitter, VideoParts, WorkerContext
from duygu.services.worker.model_worker import ModelWorker
from duygu.services.worker.webhooks.sender import Sender
from duygu.shared.broker.connections import connect, live_redis_url, problem_of, redis_url, shown
from duygu.shared.config.settings import MB, Settings
from duygu.shared.errors import ConfigurationError
from duygu.shared.inputs.links.fetching import fetch_rules
from duygu.shared.inputs.uploads.store import UploadStore
from duygu.shared.jobs.edits import EditStore
from duygu.shared.jobs.parts import PartStore
from duygu.shared.jobs.queues import QueueName, open_queue
from duygu.shared.jobs.store import JobStore
from duygu.shared.network.webhooks import address_policy
from duygu.shared.runtime.telemetry.opening import open_traces
from duygu.shared.schemas.result import Result
from duygu.shared.storage.opening import open_storage
from duygu.shared.workbench.sheets.exports import ExportStore

if TYPE_CHECKING:
    from duygu.shared.vision.engine import Engine

logger = logging.getLogger(__name__)


def run_worker(settings: Settings, queue: QueueName) -> int:
    """Load what a queue needs and serve it; returns the exit status: 0 after a signal to stop.

    Raises ModelError, and ConfigurationError when Redis does not respond.
    """
    url = redis_url(settings)
    if problem := problem_of(url):
        logger.warning("Redis at %s does not respond; waiting for it: %s", shown(url), problem)
    try:
        return _load_and_serve(settings, queue)
    except (ConnectionError, TimeoutError) as error:
        logger.debug("the connection to Redis failed", exc_info=True)
        hint = "check REDIS_URL" if settings.redis_url else "set REDIS_URL, or run `duygu serve`, which starts one"
        raise ConfigurationError(f"Redis does not respond: {error} Start it, or {hint}") from error


def _load_and_serve(settings: Settings, queue: QueueName) -> int:
    if queue is QueueName.WEBHOOKS:
        return serve(settings, queue, no_analysis)
    from duygu.shared.config.engine import engine_options
    from duygu.shared.vision.decode.video import standby_decoder
    from duygu.shared.vision.engine import load_engine

    engine = load_engine(engine_options(settings), standby_decoder(keep=True) if queue is QueueName.VIDEOS else None)
    if queue is QueueName.VIDEOS:
        renderer, splitter = ResultRenderer(settings), video_splitter(settings, engine)
        return serve(settings, queue, video_analysis(settings, engine), renderer=renderer, splitter=splitter)
    with closing(live_work(settings, engine)) as live, picture_work(settings, engine):
        return serve(settings, queue, no_analysis, live)


def serve(
    settings: Settings,
    queue: QueueName,
    analyze: Analyze,
    live: LiveWork | None = None,
    renderer: Renderer | None = None,
    splitter: Splitter | None = None,
) -> int:
    """Serve a queue; returns the exit status of the process."""
    redis = connect(redis_url(settings))
    tasks = open_queue(redis, queue)
    sender = Sender(settings.webhook_secret, address_policy(settings)) if queue is QueueName.WEBHOOKS else None
    context = WorkerContext(
        JobStore(redis, settings.result_ttl),
        open_storage(settings),
        EditStore(redis),
        analyze,
        live,
        renderer,
        sender=sender,
        uploads=UploadStore(redis, settings.upload_ttl),
        exports=ExportStore(redis, settings.result_ttl),
        video_parts=VideoParts(splitter, PartStore(redis), tasks, settings.job_timeout_s) if splitter else None,
        fetch_rules=fetch_rules(settings) if queue is QueueName.VIDEOS else None,
        min_free_bytes=int(settings.min_free_mb * MB),
        keep_uploads=settings.keep_uploads,
        traces=open_traces(f"duygu-worker-{queue.value}"),
    )
    if settings.metrics_port:
        context.metrics.serve(settings.metrics_host, settings.metrics_port)
    worker = ModelWorker(tasks, context, settings.shutdown_grace_s)
    worker.work(logging_level="WARNING")
    context.traces.close()
    return 0 if worker.stopping else 1


def no_analysis(path: Path, **options: object) -> Result:
    """The analysis in a worker without a model. Raises ConfigurationError."""
    raise ConfigurationError("This worker has no model")


def live_work(settings: Settings, engine: "Engine") -> LiveWork:
    """The drain loop for live sessions, with a loaded engine."""
    from duygu.services.worker.live.drain_loop import DrainLoop

    return DrainLoop(connect(live_redis_url(settings)), engine, settings)


def picture_work(settings: Settings, engine: "Engine") -> ExitStack:
    """Threads that analyse pictures while the context is open, with a loaded engine."""
    from duygu.services.worker.pictures.loop import picture_loops

    with ExitStack() as running:
        for loop in picture_loops(connect(live_redis_url(settings)), engine, settings):
            running.enter_context(loop)
        return running.pop_all()


def video_analysis(settings: Settings, engine: "Engine") -> Analyze:
    """The analysis of video files, with a loaded engine."""
    from duygu.shared.config.engine import decode_limits
    from duygu.shared.vision.analysis import analyze_video

    return partial(analyze_video, engine=engine, limits=decode_limits(settings), in_lists=False)


def video_splitter(settings: Settings, engine: "Engine") -> Splitter:
    """The analysis of long videos in parts, with a loaded engine."""
    from duygu.shared.config.engine import decode_limits
    from duygu.shared.vision.split.splitter import VideoSplitter

    longest_s = None if settings.split_minutes is None else settings.split_minutes * 60
    return VideoSplitter(engine, decode_limits(settings), longest_s)


class ResultRenderer:
    """Renders by duygu.shared.annotated."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def plot(self, result: Result) -> bytes:
        """The timeline as PNG."""
        from duygu.shared.annotated import timeline_png

        return timeline_png(result)

    def annotate(
        self,
        video: Path,
        result: Result,
        target: Path,
        *,
        on_progress: Callable[[float], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Write the annotated video."""
        from duygu.shared.annotated import write_annotated_video
        from duygu.shared.config.engine import decode_limits

        limits = decode_limits(self._settings)
        write_annotated_video(video, result, target, limits, on_progress=on_progress, should_stop=should_stop)

    def blur(
        self,
        video: Path,
        result: Result,
        target: Path,
        *,
        on_progress: Callable[[float], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Write the video with every face covered."""
        from duygu.shared.annotated import write_blurred_video
        from duygu.shared.config.engine import decode_limits, detector_of

        limits, detector = decode_limits(self._settings), detector_of(self._settings)
        write_blurred_video(video, result, target, detector, limits, on_progress=on_progress, should_stop=should_stop)
