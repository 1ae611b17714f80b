"""A service that may fetch from this machine."""

from collections.abc import Iterator

import httpx
import pytest

from duygu.shared.config.settings import Settings
from tests.services.conftest import serving


@pytest.fixture
def link_settings(service_settings: Settings) -> Settings:
    """Settings that trust the addresses of this machine."""
    return service_settings.model_copy(update={"link_networks": "127.0.0.0/8"})


@pytest.fixture
def link_api(link_settings: Settings) -> Iterator[httpx.Client]:
    """A client of an API with these settings."""
    with serving(link_settings) as client:
        yield client
