"""The service and its surroundings: Redis, storage, workers, model, configuration."""

from duygu.shared.errors.base import DuyguError

MINUTE_S = 60


class UnavailableError(DuyguError):
    """Redis or the storage is unreachable or does not accept writes."""

    code = "unavailable"
    title = "The service is temporarily unavailable"
    status = 503
    retry_after_s = 5


class EraseFailedError(UnavailableError):
    """Files of a job could not be deleted after several attempts."""

    code = "erase_failed"
    title = "The job could not be erased completely; try again"


class StorageFullError(DuyguError):
    """The storage has too little free space for another upload."""

    code = "storage_full"
    title = "The storage has too little free space for another upload"
    status = 503
    retry_after_s = MINUTE_S


class NoWorkerError(UnavailableError):
    """No live worker runs, which serves live sessions and pictures."""

    code = "no_worker"
    title = "No worker for live sessions and pictures is available"


class StorageAwayError(DuyguError):
    """The worker could not reach the bucket, although the job was deferred and retried."""

    code = "storage_away"
    title = "The storage was unreachable for an hour"


class ModelError(DuyguError):
    """The model folder is missing, damaged or incompatible. The process does not start."""

    code = "bad_model"
    title = "The model cannot be loaded"


class ConfigurationError(DuyguError):
    """The settings contradict each other or name something that does not exist."""

    code = "bad_configuration"
    title = "The configuration is invalid"
