"""The error with a code for each exception that ends a task."""

import pytest
from rq.timeouts import JobTimeoutException

from duygu.services.worker.failures import FAILURES, error_of
from duygu.shared.errors import StorageFullError


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (StorageFullError(), "storage_full"),
        (MemoryError(), "out_of_memory"),
        (JobTimeoutException(), "timed_out"),
    ],
)
def test_a_failure_has_a_code(failure: Exception, code: str) -> None:
    """An error of the product keeps its code; too little memory and too much time have their own."""
    assert isinstance(failure, FAILURES)
    assert error_of(failure).code == code
