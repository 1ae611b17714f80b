"""`duygu label`: analyse a video and open the page for labelling it by hand."""

import os
import signal
import sys
import threading
import time
import webbrowser
from pathlib import Path
from typing import Any

import httpx

from duygu.services.commands.stdout import write_stdout
from duygu.services.serve.supervisor import serve
from duygu.shared.config.settings import Settings
from duygu.shared.errors import ConfigurationError, DuyguError, from_code
from duygu.shared.runtime.telemetry.logs import set_up_logs

EXIT_OK, EXIT_FAILED = 0, 1

POLL_S = 0.5
"""Interval between two requests for the state of the job."""

RESPONSE_TIMEOUT_S = 60.0


def run(video: Path, settings: Settings, *, service: str | None = None, browser: bool = True) -> int:
    """Submit a video and open the page for its labels; the exit status.

    service  URL of a running service; None runs one until a signal arrives, on a free port

    Raises ConfigurationError for a file that does not exist and where another service uses the data folder.
    """
    if not video.is_file():
        raise ConfigurationError(f"{video}: the file does not exist")
    if service:
        return _open(video, service, browser=browser)
    private = {"host": "127.0.0.1", "port": 0, "keys_file": None}
    own = settings.model_copy(update={**private, "keep": "on", "keep_uploads": True, "stream_workers": 0})
    set_up_logs(own.log_format, "warning")
    failed = threading.Event()

    def announce(url: str) -> None:
        threading.Thread(target=open_page, args=(url,), name="label", daemon=True).start()

    def open_page(url: str) -> None:
        if _open(video, url, browser=browser) != EXIT_OK:
            failed.set()
            os.kill(os.getpid(), signal.SIGTERM)  # ends `serve`

    try:
        return serve(own, announce)
    except SystemExit:
        return EXIT_FAILED if failed.is_set() else EXIT_OK


def _open(video: Path, service: str, *, browser: bool) -> int:
    """Submit a video, print the address of its page and open it; the exit status."""
    _print(f"analysing {video.name} …")
    try:
        with httpx.Client(base_url=service, timeout=RESPONSE_TIMEOUT_S) as client:
            job = _ended_job(client, video)
    except DuyguError as error:
        _print(f"duygu: {video}: {error.code}: {error.detail}")
        return EXIT_FAILED
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _print(f"duygu: {service} does not respond: {error}")
        return EXIT_FAILED
    address = f"{service.rstrip('/')}/label#job/{job['job_id']}"
    write_stdout(f"{address}\n")
    if browser:
        webbrowser.open(address)
    return EXIT_OK


def _ended_job(client: httpx.Client, video: Path) -> dict[str, Any]:
    """The job of a video, or an earlier one of the same file, once it has succeeded. Raises the error of a failure."""
    with video.open("rb") as file:
        job = _body_of(client.post("/v1/videos", params={"reuse": "true"}, files={"video": (video.name, file)}))
    while job["ended_at"] is None:
        time.sleep(POLL_S)
        job = _body_of(client.get(f"/v1/jobs/{job['job_id']}"))
    if job["error"]:
        raise from_code(job["error"]["code"], job["error"]["detail"])
    return job


def _body_of(response: httpx.Response) -> dict[str, Any]:
    """The body of a response. Raises the error of a problem."""
    body: dict[str, Any] = response.json()
    if response.is_error:
        raise from_code(body["code"], body["detail"])
    return body


def _print(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
