"""The API's side of the queue of pictures: adds a picture and waits for its reply."""

import asyncio
import secrets
from typing import Any

from redis.asyncio import Redis as AsyncRedis

from duygu.shared.broker import keys
from duygu.shared.errors import NoWorkerError, PictureTimeoutError, QueueFullError
from duygu.shared.inputs.pictures.messages import (
    REPLY_S,
    WAITING,
    WORKERS,
    PictureReply,
    PictureRequest,
    reply_key,
    request_key,
)
from duygu.shared.jobs.heartbeat import alive_since
from duygu.shared.schemas.options import AnalysisOptions
from duygu.shared.schemas.picture import PictureResult

MAX_WAITING_BYTES = 128_000_000
"""Maximum size of all waiting pictures together, which Redis holds in memory."""

RETRY_S = 1
"""Seconds after which a client may retry when the queue is full; it holds a few seconds of work."""

_ADD = """
-- KEYS: workers, waiting pictures, the picture's hash.
-- ARGV: id, options, picture, lowest score of a live worker, most waiting pictures, most bytes, TTL, prefix of hashes.
if redis.call('ZCOUNT', KEYS[1], ARGV[4], '+inf') == 0 then return 'no_worker' end
local count, bytes = 1, #ARGV[3]
for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  local size = redis.call('HSTRLEN', ARGV[8] .. id, 'picture')
  if size > 0 then count, bytes = count + 1, bytes + size end  -- others have expired: nobody waits for them
end
if count > tonumber(ARGV[5]) or bytes > tonumber(ARGV[6]) then return 'full' end
redis.call('HSET', KEYS[3], 'about', ARGV[2], 'picture', ARGV[3])
redis.call('EXPIRE', KEYS[3], ARGV[7])
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[7])
return 'added'
"""


class PictureQueue:
    """Sends pictures to the workers."""

    def __init__(self, redis: AsyncRedis, max_waiting: int) -> None:
        """`max_waiting`: maximum number of pictures that wait for a worker, over all API processes."""
        self._redis = redis
        self._max_waiting = max_waiting
        self._add = redis.register_script(_ADD)

    async def analyze(self, picture: bytes, options: AnalysisOptions) -> PictureResult:
        """Send a picture and wait for its result.

        Raises NoWorkerError, QueueFullError, PictureTimeoutError, and the errors that the worker reports.
        """
        picture_id = secrets.token_urlsafe(12)
        await self._send(picture_id, PictureRequest(options=options), picture)
        try:
            reply = await self._reply(picture_id)
        finally:  # also if the client has disconnected
            await asyncio.shield(self._redis.delete(request_key(picture_id)))
        return PictureReply.read(reply).unwrap()

    async def _send(self, picture_id: str, request: PictureRequest, picture: bytes) -> None:
        names = [keys.workers(WORKERS), WAITING, request_key(picture_id)]
        about = request.model_dump_json(exclude_defaults=True)
        limits = [self._max_waiting, MAX_WAITING_BYTES, int(REPLY_S)]
        outcome = await self._add(names, [picture_id, about, picture, alive_since(), *limits, request_key("")])
        if outcome == b"no_worker":
            raise NoWorkerError
        if outcome == b"full":
            error = QueueFullError("The queue of pictures is full")
            error.retry_after_s = RETRY_S
            raise error

    async def _reply(self, picture_id: str) -> bytes:
        taken: Any = await self._redis.blpop([reply_key(picture_id)], timeout=REPLY_S)
        if taken is None:
            raise PictureTimeoutError(f"No worker has replied within {REPLY_S:g} s")
        return bytes(taken[1])
