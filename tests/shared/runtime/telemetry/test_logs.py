"""The format of log lines."""

import json
import logging
import subprocess
import sys

from duygu.shared.paths import ROOT
from duygu.shared.runtime.telemetry.logs import JsonFormatter, TextFormatter, about


def formatted(message: str, **facts: object) -> dict[str, object]:
    """Format one line as JSON and parse it."""
    record = logging.LogRecord("duygu", logging.INFO, "", 0, message, None, None)
    record.facts = facts
    return dict(json.loads(JsonFormatter().format(record)))


def test_a_line_is_an_object_with_its_context() -> None:
    """A JSON line has the ids of its request and job, and later lines do not."""
    with about(request_id="r"), about(job_id="j"):
        line = formatted("günaydın\n", seconds=1.5)
    assert line["message"] == "günaydın\n"
    assert (line["level"], line["logger"], line["request_id"], line["job_id"], line["seconds"]) == (
        "info",
        "duygu",
        "r",
        "j",
        1.5,
    )
    assert "job_id" not in formatted("later")


def test_a_line_for_people_ends_with_its_context() -> None:
    """A text line ends with its context, before the traceback."""
    record = logging.LogRecord("duygu", logging.ERROR, "", 0, "broken", None, (ValueError, ValueError("x"), None))
    with about(request_id="r"):
        first, *traceback = TextFormatter("%(message)s").format(record).splitlines()
    assert first == "broken [request_id=r]"
    assert traceback == ["ValueError: x"]


def test_an_error_has_its_traceback_in_the_same_line() -> None:
    """A JSON line contains its traceback; no entry spans several lines."""
    program = (
        "import logging; from duygu.shared.runtime.telemetry.logs import set_up_logs; set_up_logs('json', 'info')\n"
        "logging.getLogger('x').debug('no'); logging.getLogger('x').info('yes')\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: logging.getLogger('x').exception('broken')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    yes, broken = [json.loads(line) for line in done.stderr.splitlines()]
    assert yes["message"] == "yes"
    assert "ZeroDivisionError" in broken["traceback"]


def test_requests_of_the_client_are_logged_for_debugging_only() -> None:
    """httpx logs each request with its URL, which would drown the progress of a command; its warnings are shown."""
    program = (
        "import logging, sys; from duygu.shared.runtime.telemetry.logs import set_up_logs\n"
        "set_up_logs('text', sys.argv[1])\n"
        "logging.getLogger('httpx').info('GET /v1/jobs'); logging.getLogger('httpx').warning('slow')\n"
    )
    for level, expected in (("info", ["slow"]), ("debug", ["GET /v1/jobs", "slow"])):
        command = [sys.executable, "-c", program, level]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert [line.split(": ", 1)[1] for line in done.stderr.splitlines()] == expected
