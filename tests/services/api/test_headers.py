"""Headers for the safety of people's browsers."""

import httpx
import pytest


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/v1/jobs", "/v1/jobs/x"])
def test_every_answer_has_them(api: httpx.Client, path: str) -> None:
    """Good answers and problems alike; nothing inline and nothing from elsewhere may run in a page."""
    headers = api.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert (headers.get("Cache-Control") == "no-store") == path.startswith("/v1/")
    assert "Server" not in headers
