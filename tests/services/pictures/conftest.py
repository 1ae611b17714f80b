"""Pictures through a real API, a real Redis and real live workers."""

from tests.services.live.conftest import address, live_settings, served, start_live_worker

__all__ = ["address", "live_settings", "served", "start_live_worker"]
