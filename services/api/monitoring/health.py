"""`/healthz` and `/readyz`: liveness and readiness probes."""

from collections.abc import Callable

from fastapi import APIRouter, Response
from redis.exceptions import RedisError

from duygu.services.api.dependencies import ServiceDep
from duygu.services.api.http.problems import problem_response, problems
from duygu.services.api.service import ServiceContext
from duygu.shared.broker import keys
from duygu.shared.errors import UnavailableError
from duygu.shared.jobs.heartbeat import alive_since
from duygu.shared.jobs.queues import QueueName
from duygu.shared.schemas.service import Alive, Check, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=problems())
async def healthz() -> Alive:
    """Liveness: the process responds. Readiness is reported by `/readyz`."""
    return Alive()


@router.get("/readyz", response_model=Readiness, responses=problems(UnavailableError))
def readyz(service: ServiceDep) -> Readiness | Response:
    """Readiness: Redis, the storage and a worker for every queue are available."""
    checks = [_run_check(name, check, service) for name, check in _applicable_checks(service).items()]
    if all(check.ok for check in checks):
        return Readiness(checks=checks)
    failed = ", ".join(check.name for check in checks if not check.ok)
    error = UnavailableError(f"Failed checks: {failed}")
    return problem_response(error, checks=[check.model_dump() for check in checks])


def _redis(service: ServiceContext) -> None:
    service.redis.ping()


def _storage(service: ServiceContext) -> None:
    service.storage.check()


def _worker(queue: QueueName) -> Callable[[ServiceContext], None]:
    def check(service: ServiceContext) -> None:
        if not service.redis.zcount(keys.workers(queue), alive_since(), "+inf"):
            raise UnavailableError(f"no worker serves the queue {queue.value}")

    return check


CHECKS: dict[str, Callable[[ServiceContext], None]] = {
    "redis": _redis,
    "storage": _storage,
    **{f"worker:{queue.value}": _worker(queue) for queue in QueueName},
}
"""Readiness checks by name. A failed check raises RedisError, OSError or UnavailableError."""


def _applicable_checks(service: ServiceContext) -> dict[str, Callable[[ServiceContext], None]]:
    """The checks that apply: a webhook worker is required only if webhooks are enabled."""
    without = set() if service.settings.webhooks else {f"worker:{QueueName.WEBHOOKS.value}"}
    return {name: check for name, check in CHECKS.items() if name not in without}


def _run_check(name: str, check: Callable[[ServiceContext], None], service: ServiceContext) -> Check:
    try:
        check(service)
    except UnavailableError as error:
        return Check(name=name, ok=False, detail=error.detail)
    except (RedisError, OSError) as error:
        return Check(name=name, ok=False, detail=type(error).__name__)
    return Check(name=name, ok=True)
