"""The connections and settings that all requests share."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from rq import Queue

from duygu.services.api.jobs.face_presence import RECENT_RESULTS, FacePresence
from duygu.services.api.lru_cache import LruCache
from duygu.services.api.shutdown import Shutdown
from duygu.shared.broker.connections import connect_briefly, connect_waiting, redis_url
from duygu.shared.config.api_keys import Keys, open_keys
from duygu.shared.config.settings import Settings
from duygu.shared.inputs.links.link import LinkPolicy, link_policy
from duygu.shared.inputs.uploads.store import UploadStore
from duygu.shared.jobs.edits import EditStore
from duygu.shared.jobs.events import BLOCK_S
from duygu.shared.jobs.labels import LabelStore
from duygu.shared.jobs.queues import QueueName, open_queue
from duygu.shared.jobs.store import JobStore
from duygu.shared.model.folder import open_model_folder
from duygu.shared.network.webhooks import AddressPolicy, address_policy
from duygu.shared.runtime.telemetry.opening import open_traces
from duygu.shared.runtime.telemetry.tracing import Traces
from duygu.shared.schemas.model import ModelDescription
from duygu.shared.storage.base import Storage
from duygu.shared.storage.opening import open_storage
from duygu.shared.storage.stored_size import StoredSize
from duygu.shared.workbench.labels.agreement import Agreement
from duygu.shared.workbench.sheets.exports import ExportStore
from duygu.shared.workbench.sheets.store import StudyStore

RECENT_AGREEMENTS = 50
"""Agreements that are remembered; each takes some tens of kilobytes."""


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The connections of the API, each opened on first use."""

    settings: Settings
    redis: Redis
    event_redis: AsyncRedis
    jobs: JobStore
    edits: EditStore
    labels: LabelStore
    uploads: UploadStore
    studies: StudyStore
    study_exports: ExportStore
    videos: Queue
    webhooks: Queue
    storage: Storage
    stored_size: StoredSize
    model: ModelDescription
    keys: Keys
    webhook_policy: AddressPolicy
    link_policy: LinkPolicy
    traces: Traces
    presence: FacePresence = field(default_factory=lambda: LruCache(RECENT_RESULTS))
    agreements: LruCache[Hashable, Agreement] = field(default_factory=lambda: LruCache(RECENT_AGREEMENTS))
    shutdown: Shutdown = field(default_factory=Shutdown)

    @property
    def analysis_fingerprint(self) -> str:
        """Equal for two configurations that give the same result for the same video."""
        settings = self.settings
        threshold = "" if settings.uncertain_below is None else f" {settings.uncertain_below}"
        limits = f"{settings.min_face} {settings.max_faces}"
        return f"{self.model.sha256} {settings.neutral} {settings.engine} {limits}{threshold}"

    async def close(self) -> None:
        """Close the connections."""
        self.traces.close()
        self.redis.close()
        await self.event_redis.aclose()


def open_service(settings: Settings) -> ServiceContext:
    """Create the context from the settings. Raises ModelError or ConfigurationError."""
    url = redis_url(settings)
    redis, storage = connect_briefly(url), open_storage(settings)
    return ServiceContext(
        settings=settings,
        redis=redis,
        event_redis=connect_waiting(url, BLOCK_S),
        jobs=JobStore(redis, settings.result_ttl),
        edits=EditStore(redis),
        labels=LabelStore(redis),
        uploads=UploadStore(redis, settings.upload_ttl),
        studies=StudyStore(redis),
        study_exports=ExportStore(redis),
        videos=open_queue(redis, QueueName.VIDEOS),
        webhooks=open_queue(redis, QueueName.WEBHOOKS),
        storage=storage,
        stored_size=StoredSize(storage),
        model=_describe_model(settings),
        keys=open_keys(settings.keys_file),
        webhook_policy=address_policy(settings),
        link_policy=link_policy(settings),
        traces=open_traces("duygu-api"),
    )


def _describe_model(settings: Settings) -> ModelDescription:
    """The model, with the threshold of the settings in place of its own. Raises ModelError."""
    model = open_model_folder(settings.model).description(settings.neutral)
    if settings.engine == "reference":  # it has no layer for predictions relative to a baseline
        model = model.model_copy(update={"relative": None})
    if settings.uncertain_below is None:
        return model
    return model.model_copy(update={"uncertain_below": settings.uncertain_below, "certain_means": None})
