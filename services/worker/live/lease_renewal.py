"""Renews the lease of a live session while a worker takes a step of it."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from redis.exceptions import RedisError

from duygu.shared.live.worker_store import LEASE_S, Claim, SessionLeases

logger = logging.getLogger(__name__)

RENEW_S = LEASE_S / 3
"""Seconds from one renewal to the next."""

LONGEST_STEP_S = 30.0
"""A step that takes longer is presumed stuck: its lease is no longer renewed, and another worker takes the step."""


class LeaseRenewal:
    """A thread that renews the lease of the current step while the block runs."""

    def __init__(self, leases: SessionLeases) -> None:
        self._leases = leases
        self._held: tuple[Claim, float] | None = None  # the claim and when its step began, monotonic seconds
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._ended.clear()
        self._thread = threading.Thread(target=self._renew_until_ended, name="lease-renewal", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    @contextmanager
    def holding(self, claim: Claim) -> Iterator[None]:
        """Renew this claim's lease while the block runs."""
        self._held = claim, time.monotonic()
        try:
            yield
        finally:
            self._held = None

    def _renew_until_ended(self) -> None:
        while not self._ended.wait(RENEW_S):
            held = self._held
            if held and time.monotonic() - held[1] < LONGEST_STEP_S:
                self._renew(held[0])

    def _renew(self, claim: Claim) -> None:
        try:
            self._leases.renew(claim)
        except RedisError as error:
            logger.warning("the lease of a live session could not be renewed: %s", error)
