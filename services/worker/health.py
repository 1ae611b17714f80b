"""`python -m duygu.services.worker.health QUEUE`: the health check of a worker's container."""

import socket
import sys

from redis import Redis

from duygu.shared.broker import keys
from duygu.shared.broker.connections import connect, redis_url
from duygu.shared.config.settings import settings
from duygu.shared.jobs.heartbeat import alive_since


def lives_here(redis: Redis, queue: str, hostname: str) -> bool:
    """Whether a worker on this host has sent a recent heartbeat for the queue."""
    sent_at = redis.zscore(keys.hosts(queue), hostname)
    return sent_at is not None and sent_at >= alive_since()


def main() -> int:
    """Exit status for the queue named on the command line: 0 with a live worker, 1 without."""
    with connect(redis_url(settings())) as redis:
        return 0 if lives_here(redis, sys.argv[1], socket.gethostname()) else 1


if __name__ == "__main__":
    sys.exit(main())
