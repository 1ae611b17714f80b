"""A real worker process whose analysis follows a script in the upload.

Run `python -m tests.support.workers.scripted_worker QUEUE`.

Heartbeats are more frequent than in production, so that tests detect a dead worker soon.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from duygu.services.worker import main, model_worker
from duygu.shared.config.settings import Settings
from duygu.shared.errors import CancelledError
from duygu.shared.jobs import queues
from duygu.shared.jobs.queues import QueueName
from duygu.shared.schemas.model import ModelInfo
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.result import Result, VideoInfo, Window
from duygu.shared.vision.progress import Progress

MARK = b"\0\0\0\x18ftypscripted"
"""Start of an upload, in binary so that the API accepts it."""

STEP_S = 0.05


@dataclass(frozen=True)
class Script:
    """The behaviour of an analysis, which the upload contains."""

    duration_s: float = 0.1
    """Duration of the analysis."""
    deaths: int = 0
    """Number of times that it kills its worker with SIGKILL, half way through."""
    hungry: bool = False
    """Whether it runs out of memory half way through."""

    def upload(self) -> bytes:
        """Return the bytes to upload."""
        return MARK + json.dumps(asdict(self)).encode()


def analyze(
    path: Path,
    *,
    options: AnalysisOptions,
    job_id: str,
    on_progress: Callable[[Progress], None],
    on_window: Callable[[int, Window], None],
    should_stop: Callable[[], bool],
) -> Result:
    """Follow the script of the upload; every tenth step reports a window."""
    script = Script(**json.loads(path.read_bytes().removeprefix(MARK)))
    steps = max(round(script.duration_s / STEP_S), 2)
    for done in range(1, steps + 1):
        if should_stop():
            raise CancelledError
        time.sleep(STEP_S)
        on_progress(Progress(done / steps, done * STEP_S, steps * STEP_S, done, done))
        if done % 10 == 0:
            on_window(1, _window(done * STEP_S))
        if done == steps // 2:
            _misfortune(script, path)
    return _result(job_id, steps)


def _misfortune(script: Script, path: Path) -> None:
    if script.hungry:
        raise MemoryError
    deaths = path.with_name("deaths")
    died = len(deaths.read_text()) if deaths.exists() else 0
    if died < script.deaths:
        deaths.write_text("x" * (died + 1))
        os.kill(os.getpid(), signal.SIGKILL)


def _window(end_s: float) -> Window:
    start_s = round(end_s - 10 * STEP_S, 3)
    return Window(
        start_s=start_s,
        end_s=round(end_s, 3),
        emotion="neutral",
        confidence=1.0,
        probabilities={"neutral": 1.0},
        uncertain=False,
    )


def _result(job_id: str, steps: int) -> Result:
    model = ModelInfo(name="scripted", version="1", sha256="0" * 64, labels=["neutral"])
    seconds = steps * STEP_S
    video = VideoInfo(duration_s=seconds, width=64, height=64, rotation=0, frames_decoded=steps, frames_analysed=steps)
    return Result(job_id=job_id, model=model, video=video, faces=[])


if __name__ == "__main__":
    model_worker.HEARTBEAT_S = 1  # type: ignore[attr-defined]
    model_worker.JOB_TTL_S = 2
    model_worker.MAINTENANCE_S = 2
    model_worker.SWEEP_S = 1
    queues.STORAGE_PAUSES_S[:] = [1]
    queues.WEBHOOK_PAUSES_S = [1] * len(queues.WEBHOOK_PAUSES_S)
    sys.exit(main.serve(Settings(), QueueName(sys.argv[1]), analyze))
