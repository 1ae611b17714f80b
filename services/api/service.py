"""What the handlers work with: made once, shared by all requests."""

from dataclasses import dataclass

from redis import Redis
from rq import Queue

from shared.broker import connect_briefly, redis_url
from shared.config import Settings
from shared.job_store import JobStore
from shared.model_folder import open_model_folder
from shared.queues import QueueName, open_queue
from shared.schemas import ModelDescription
from shared.storage import Storage, open_storage


@dataclass(frozen=True, slots=True)
class Service:
    """The API's connections; none of them is opened before it is needed."""

    settings: Settings
    redis: Redis
    jobs: JobStore
    videos: Queue
    storage: Storage
    model: ModelDescription

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()


def open_service(settings: Settings) -> Service:
    """Everything that the settings name. Raises ModelError when the model folder is missing or damaged."""
    redis = connect_briefly(redis_url(settings))
    return Service(
        settings=settings,
        redis=redis,
        jobs=JobStore(redis, settings.result_ttl),
        videos=open_queue(redis, QueueName.VIDEOS),
        storage=open_storage(settings),
        model=open_model_folder(settings.model).description(),
    )
