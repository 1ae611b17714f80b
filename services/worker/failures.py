"""The exceptions that end a task with an error of its job, and that error."""

from rq.timeouts import JobTimeoutException

from duygu.shared.errors import DuyguError, JobTimeoutError, OutOfMemoryError

FAILURES = (DuyguError, MemoryError, JobTimeoutException)
"""Exceptions that a task expects; any other one is internal, and logged."""


def error_of(failure: Exception) -> DuyguError:
    """The error with a code for one of FAILURES."""
    if isinstance(failure, DuyguError):
        return failure
    return OutOfMemoryError() if isinstance(failure, MemoryError) else JobTimeoutError()
