"""`duygu serve` and `duygu worker`."""

from typing import Any

from duygu.shared.config.settings import Settings
from duygu.shared.jobs.queues import QueueName
from duygu.shared.runtime.telemetry.logs import set_up_logs
from duygu.shared.runtime.unix import require_unix


def add_serve(commands: Any) -> None:
    """Add the command `serve`."""
    serve = commands.add_parser(
        "serve",
        help="run the API, its workers and, if REDIS_URL is empty, an embedded Valkey",
        description="Run the API with the web pages, the workers for videos, live sessions and webhooks and, "
        "if REDIS_URL is empty, an embedded Valkey. Ctrl-C stops all of them.",
    )
    serve.set_defaults(command=_serve)
    serve.add_argument("--host", help="address to listen on (DUYGU_HOST)")
    serve.add_argument("--port", type=int, help="port to listen on; 0: a free port (DUYGU_PORT)")
    serve.add_argument("--workers", type=int, help="number of video workers (DUYGU_WORKERS)")


def _serve(**options: Any) -> int:
    require_unix()
    from duygu.services.serve.supervisor import serve

    given = {name: value for name, value in options.items() if value is not None}
    settings = Settings(**given)
    set_up_logs(settings.log_format, settings.log_level)
    return serve(settings, lambda url: print(f"Duygu listens on {url}", flush=True))  # noqa: T201


def add_worker(commands: Any) -> None:
    """Add the command `worker`."""
    worker = commands.add_parser(
        "worker",
        help="run one worker",
        description="Run one worker for the queue of uploaded videos (videos), live sessions (streams) or webhooks "
        "of the service at REDIS_URL.",
    )
    worker.set_defaults(command=_worker)
    worker.add_argument("queue", choices=[queue.value for queue in QueueName], help="queue to serve")


def _worker(queue: str) -> int:
    require_unix()
    # Imported here, as the image of the API lacks the packages of the worker.
    from duygu.services.worker.main import run_worker

    settings = Settings()
    set_up_logs(settings.log_format, settings.log_level)
    return run_worker(settings, QueueName(queue))
