"""Renews the leases of live sessions while a worker takes steps of them."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from redis.exceptions import RedisError

from duygu.shared.live.worker_store import LEASE_S, Claim, SessionLeases

logger = logging.getLogger(__name__)

RENEW_S = LEASE_S / 3
"""Seconds from one renewal to the next."""

LONGEST_STEP_S = 30.0
"""A step that takes longer is presumed stuck: no lease is renewed any more, and other workers take the steps."""


class LeaseRenewal:
    """A thread that renews the leases of the claims that a worker holds while the block runs."""

    def __init__(self, leases: SessionLeases) -> None:
        self._leases = leases
        self._held: tuple[Claim, ...] = ()
        self._began = 0.0  # when the current step began, monotonic seconds
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
    def holding(self, claims: Sequence[Claim]) -> Iterator[None]:
        """Renew the leases of these claims while the block runs."""
        self.begin_step()
        self._held = tuple(claims)
        try:
            yield
        finally:
            self._held = ()

    def begin_step(self) -> None:
        """Note that another step begins."""
        self._began = time.monotonic()

    def _renew_until_ended(self) -> None:
        while not self._ended.wait(RENEW_S):
            if time.monotonic() - self._began < LONGEST_STEP_S:
                for claim in self._held:
                    self._renew(claim)

    def _renew(self, claim: Claim) -> None:
        try:
            self._leases.renew(claim)
        except RedisError as error:
            logger.warning("the lease of a live session could not be renewed: %s", error)
