"""Connections to Redis: the address that the settings name, and a client for each kind of caller."""

from urllib.parse import urlsplit

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from duygu.shared.broker.embedded import IN_MEMORY, socket_path
from duygu.shared.config.settings import Settings

REPLY_S = 2.0
"""The API takes Redis for unavailable when it has not replied after this long."""

MOST_LISTENERS = 500
"""Requests of one API process that may wait for news at the same time; each holds a connection."""

RETRIES = 12
"""With waits that double from 0.05 s up to 2 s: about 15 s for a server to come back."""


def redis_url(settings: Settings) -> str:
    """Where Redis is: the configured server, or the embedded one of this data folder, running or not."""
    return settings.redis_url or f"unix://{socket_path(settings.data_dir)}"


def live_redis_url(settings: Settings) -> str:
    """Where the frames of live sessions wait: a server that keeps nothing on disk, unless the settings name another."""
    if settings.stream_redis_url or settings.redis_url:
        return settings.stream_redis_url or settings.redis_url
    return f"unix://{socket_path(settings.data_dir, IN_MEMORY)}"


def shown(url: str) -> str:
    """The address of a server without user, password and options, for messages."""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]


def problem_of(url: str) -> str:
    """Why a server does not respond within REPLY_S; empty if it does."""
    with connect_briefly(url) as redis:
        try:
            redis.ping()
        except RedisError as error:
            return str(error)
    return ""


def connect(url: str) -> Redis:
    """A connection for a worker, which retries through a restart of the server."""
    retry = Retry(ExponentialWithJitterBackoff(base=0.05, cap=2.0), RETRIES)
    return Redis.from_url(url, retry=retry, retry_on_error=[RedisConnectionError])


def connect_briefly(url: str) -> Redis:
    """A connection for the API, which fails soon rather than let a request wait."""
    return Redis.from_url(url, retry=Retry(NoBackoff(), 1), socket_timeout=REPLY_S, socket_connect_timeout=REPLY_S)


def connect_waiting(url: str, longest_s: float) -> AsyncRedis:
    """A connection for the API with blocking reads of up to `longest_s`."""
    return AsyncRedis.from_url(
        url,
        retry=AsyncRetry(NoBackoff(), 1),
        socket_timeout=longest_s + REPLY_S,
        socket_connect_timeout=REPLY_S,
        max_connections=MOST_LISTENERS,
    )
