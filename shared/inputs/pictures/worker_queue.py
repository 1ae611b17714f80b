"""A worker's side of the queue of pictures: takes a picture and sends its reply."""

from dataclasses import dataclass
from typing import Any

from redis import Redis

from duygu.shared.inputs.pictures.messages import WAITING, WORKERS, PictureReply, PictureRequest, reply_key, request_key
from duygu.shared.jobs.heartbeat import deregister, send_heartbeat
from duygu.shared.schemas.options import AnalysisOptions

REPLY_S = 10
"""Time to live of a reply, which the API takes at once."""


@dataclass(frozen=True, slots=True)
class WaitingPicture:
    """A picture that a worker has taken."""

    picture_id: str
    options: AnalysisOptions
    picture: bytes


class PictureTasks:
    """Takes pictures from the queue and replies to them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def take(self, timeout_s: float) -> WaitingPicture | None:
        """Take the oldest picture, and delete it from Redis; None if there was none, or if its client is gone."""
        taken: Any = self._redis.blpop([WAITING], timeout=timeout_s)
        if taken is None:
            return None
        picture_id = taken[1].decode()
        with self._redis.pipeline() as pipeline:
            pipeline.hgetall(request_key(picture_id))
            pipeline.delete(request_key(picture_id))
            found: dict[bytes, bytes] = pipeline.execute()[0]
        if not found:
            return None
        return WaitingPicture(picture_id, PictureRequest.read(found[b"about"]).options, found[b"picture"])

    def reply(self, picture_id: str, reply: PictureReply) -> None:
        """Send the reply."""
        with self._redis.pipeline() as pipeline:
            pipeline.rpush(reply_key(picture_id), reply.model_dump_json())
            pipeline.expire(reply_key(picture_id), REPLY_S)
            pipeline.execute()

    def send_heartbeat(self, worker: str) -> None:
        """Announce a worker that serves pictures."""
        send_heartbeat(self._redis, WORKERS, worker)

    def deregister(self, worker: str) -> None:
        """Remove a worker that ends."""
        deregister(self._redis, WORKERS, worker)
