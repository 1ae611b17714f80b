"""A service with a live worker, and streams that tests cut."""

from tests.services.live.conftest import address, live_settings, served, start_live_worker

__all__ = ["address", "live_settings", "served", "start_live_worker"]
