"""Analyses single pictures in threads of a live worker, beside its live sessions."""

import logging
import os
import secrets
import threading
import time
from types import TracebackType
from typing import Self

from redis import Redis
from redis.exceptions import RedisError

from duygu.shared.config.engine import picture_decoder
from duygu.shared.config.settings import Settings
from duygu.shared.errors import DuyguError
from duygu.shared.inputs.media.picture_file import check_picture
from duygu.shared.inputs.pictures.messages import PictureReply
from duygu.shared.inputs.pictures.worker_queue import PictureTasks, WaitingPicture
from duygu.shared.jobs.heartbeat import HEARTBEAT_S
from duygu.shared.vision.engine import Engine
from duygu.shared.vision.picture import analyze_picture

logger = logging.getLogger(__name__)

POLL_S = 1.0
"""Longest wait for a picture before the thread looks whether the worker ends."""

THREADS = 2
"""Threads of a worker, each with a process that decodes (ADR 0033). The networks and the decoder release the lock of
the interpreter."""


class PictureLoop:
    """Takes pictures from the queue and sends the replies; one thread, with its own decoding process."""

    def __init__(self, redis: Redis, engine: Engine, settings: Settings) -> None:
        self._tasks = PictureTasks(redis)
        self._engine = engine
        self._max_pixels = settings.picture_max_pixels
        self._decoder = picture_decoder(settings)
        self._name = secrets.token_hex(8)
        self._heartbeat_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)

    def __enter__(self) -> Self:
        """Announce the loop before the worker counts as ready, and start it."""
        try:
            self._send_heartbeat()
        except RedisError as error:
            logger.warning("Redis is unavailable for pictures: %s", error)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Reply to the current picture, and end."""
        self._stopping.set()
        self._thread.join()
        self._decoder.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._step()
            except RedisError as error:
                logger.warning("Redis is unavailable for pictures: %s", error)
                self._stopping.wait(POLL_S)
            except Exception:
                logger.exception("unexpected error in the loop of pictures, which goes on")
                self._stopping.wait(POLL_S)
        try:
            self._tasks.deregister(self._name)
        except RedisError as error:
            logger.warning("the worker could not be deregistered for pictures: %s", error)

    def _step(self) -> None:
        if time.monotonic() >= self._heartbeat_at:
            self._send_heartbeat()
        waiting = self._tasks.take(POLL_S)
        if waiting:
            self._tasks.reply(waiting.picture_id, self._reply_to(waiting))

    def _send_heartbeat(self) -> None:
        self._tasks.send_heartbeat(self._name)
        self._heartbeat_at = time.monotonic() + HEARTBEAT_S

    def _reply_to(self, waiting: WaitingPicture) -> PictureReply:
        try:
            check_picture(waiting.picture, self._max_pixels)
            frame = self._decoder.decode(waiting.picture, min_face=waiting.options.min_face)
            return PictureReply(result=analyze_picture(frame, self._engine, waiting.options))
        except DuyguError as error:
            return PictureReply.of_error(error)
        except Exception:
            logger.exception("internal error while a picture was analysed")
            return PictureReply.of_error(DuyguError())
        finally:
            self._decoder.clear()


def picture_loops(redis: Redis, engine: Engine, settings: Settings) -> list[PictureLoop]:
    """The loops of one worker: as many as it has processors, at most THREADS."""
    return [PictureLoop(redis, engine, settings) for _ in range(min(THREADS, os.cpu_count() or 1))]
