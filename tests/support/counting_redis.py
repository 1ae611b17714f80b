"""A connection to Redis that counts its round trips."""

from typing import Any, cast

from redis import Redis
from redis.client import Pipeline


class CountingPipeline(Pipeline):
    """Commands that go to Redis together."""

    def __init__(self, redis: "CountingRedis", *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._redis = redis

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send the commands."""
        self._redis.calls.append("pipeline")
        return super().execute(raise_on_error)


class CountingRedis(Redis):
    """Keeps the names of its commands; a pipeline is one of them."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.calls: list[str] = []

    @classmethod
    def connected(cls, url: str) -> "CountingRedis":
        """A connection to a server."""
        return cast(CountingRedis, cls.from_url(url))

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command."""
        self.calls.append(str(args[0]))
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """A pipeline that counts as one round trip."""
        return CountingPipeline(self, self.connection_pool, self.response_callbacks, transaction, shard_hint)
