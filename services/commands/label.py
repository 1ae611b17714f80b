"""`duygu label`: analyse a video and open the page for labelling it by hand."""

import asyncio
import os
import signal
import sys
import threading
import webbrowser
from pathlib import Path

import httpx

from duygu.client.service import Service
from duygu.client.uploads import submit_async
from duygu.services.serve.supervisor import serve
from duygu.shared.config import Settings
from duygu.shared.errors import ConfigurationError, DuyguError
from duygu.shared.telemetry.logs import set_up_logs

EXIT_OK, EXIT_FAILED = 0, 1


def run(video: Path, settings: Settings, *, service: str | None = None, browser: bool = True) -> int:
    """Submit a video and open the page for its labels; the exit status.

    service  URL of a running service; None runs one until a signal arrives, on a free port

    Raises ConfigurationError for a file that does not exist and where another service uses the data folder.
    """
    if not video.is_file():
        raise ConfigurationError(f"{video}: the file does not exist")
    if service:
        return _open(video, Service(service), browser=browser)
    own = settings.model_copy(update={"port": 0, "keep": "on", "keep_uploads": True, "stream_workers": 0})
    set_up_logs(own.log_format, "warning")
    failed = threading.Event()

    def announce(url: str) -> None:
        threading.Thread(target=open_page, args=(url,), name="label", daemon=True).start()

    def open_page(url: str) -> None:
        if _open(video, Service(url), browser=browser) != EXIT_OK:
            failed.set()
            os.kill(os.getpid(), signal.SIGTERM)  # ends `serve`

    try:
        return serve(own, announce)
    except SystemExit:
        return EXIT_FAILED if failed.is_set() else EXIT_OK


def _open(video: Path, service: Service, *, browser: bool) -> int:
    """Submit a video, print the address of its page and open it; the exit status."""
    _print(f"analysing {video.name} …")
    try:
        job = asyncio.run(submit_async(video, service, reuse=True))
    except DuyguError as error:
        _print(f"duygu: {video}: {error.code}: {error.detail}")
        return EXIT_FAILED
    except httpx.HTTPError as error:
        _print(f"duygu: {service.url} does not answer: {error}")
        return EXIT_FAILED
    address = f"{service.url}/label#job/{job['job_id']}"
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    if browser:
        webbrowser.open(address)
    return EXIT_OK


def _print(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
