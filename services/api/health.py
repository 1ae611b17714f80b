"""`/healthz` and `/readyz`: for those who watch the service."""

from collections.abc import Callable

from fastapi import APIRouter, Response
from redis.exceptions import RedisError

from duygu.services.api.dependencies import TheService
from duygu.services.api.http.problems import problem_response, problems
from duygu.services.api.service import Service
from duygu.shared.broker import keys
from duygu.shared.errors import UnavailableError
from duygu.shared.jobs.heartbeat import heard_since
from duygu.shared.jobs.queues import QueueName
from duygu.shared.schemas import Alive, Check, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=problems())
async def healthz() -> Alive:
    """The process answers. Whether it can take work is another question: `/readyz`."""
    return Alive()


@router.get("/readyz", response_model=Readiness, responses=problems(UnavailableError))
def readyz(service: TheService) -> Readiness | Response:
    """An upload would be analysed: Redis, the storage and a worker for each queue are there."""
    checks = [_outcome(name, check, service) for name, check in _needed(service).items()]
    if all(check.ok for check in checks):
        return Readiness(checks=checks)
    failed = ", ".join(check.name for check in checks if not check.ok)
    error = UnavailableError(f"Failed checks: {failed}")
    return problem_response(error, checks=[check.model_dump() for check in checks])


def _redis(service: Service) -> None:
    service.redis.ping()


def _storage(service: Service) -> None:
    service.storage.check()


def _worker(queue: QueueName) -> Callable[[Service], None]:
    def check(service: Service) -> None:
        if not service.redis.zcount(keys.workers(queue), heard_since(), "+inf"):
            raise UnavailableError(f"no worker serves the queue {queue.value}")

    return check


CHECKS: dict[str, Callable[[Service], None]] = {
    "redis": _redis,
    "storage": _storage,
    **{f"worker:{queue.value}": _worker(queue) for queue in QueueName},
}
"""What the service cannot do without, by name. A check that fails raises RedisError, OSError or UnavailableError."""


def _needed(service: Service) -> dict[str, Callable[[Service], None]]:
    """The checks that apply: nobody has to deliver webhooks where there are none."""
    without = set() if service.settings.webhooks else {f"worker:{QueueName.WEBHOOKS.value}"}
    return {name: check for name, check in CHECKS.items() if name not in without}


def _outcome(name: str, check: Callable[[Service], None], service: Service) -> Check:
    try:
        check(service)
    except UnavailableError as error:
        return Check(name=name, ok=False, detail=error.detail)
    except (RedisError, OSError) as error:
        return Check(name=name, ok=False, detail=type(error).__name__)
    return Check(name=name, ok=True)
