"""Logs as text or as JSON, each line with the ids of its request and its job."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["text", "json"]

_context: ContextVar[dict[str, str]] = ContextVar("log_context", default={})  # noqa: B039 - replaced, never mutated

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def about(**what: str) -> Iterator[None]:
    """Add fields, such as `job_id`, to everything that is logged within the block."""
    token = _context.set({**_context.get(), **what})
    try:
        yield
    finally:
        _context.reset(token)


class TextFormatter(logging.Formatter):
    """Lines of text that end with the ids of the request and the job."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        """The first line of a record, before its traceback."""
        ids = " ".join(f"{name}={value}" for name, value in _context.get().items())
        return f"{super().formatMessage(record)} [{ids}]" if ids else super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record with its time, its context and, where there is one, its traceback."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_context.get(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def set_up_logs(log_format: LogFormat, level: str) -> None:
    """Configure the root logger to write to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter(TEXT))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    if level.upper() != "DEBUG":
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # the command prints its own address
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request with its whole URL
