"""Security headers."""

import httpx
import pytest


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/v1/jobs", "/v1/jobs/x"])
def test_every_response_has_them(api: httpx.Client, path: str) -> None:
    """Every response has the security headers, which forbid inline and third-party content."""
    headers = api.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert (headers.get("Cache-Control") == "no-store") == path.startswith("/v1/")
    assert "Server" not in headers


@pytest.mark.parametrize(
    "path",
    ["/", "/healthz", "/v1/jobs", "/v1/model", "/openapi.json", "/static/images/mark.svg", "/nothing", "/v1/jobs/x"],
)
def test_head_has_the_headers_of_get(api: httpx.Client, path: str) -> None:
    """HEAD gives the status and headers of GET without the body."""
    head, got = api.head(path), api.get(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    changing = {"date", "x-request-id"}
    assert {*head.headers.items()} ^ {*got.headers.items()} <= {
        (name, value) for response in (head, got) for name, value in response.headers.items() if name in changing
    }


def test_head_ignores_ranges(api: httpx.Client) -> None:
    """HEAD ignores range requests."""
    assert api.get("/", headers={"Range": "bytes=0-9"}).status_code == 206
    assert api.head("/", headers={"Range": "bytes=0-9"}).status_code == 200


def test_head_is_refused_where_get_is(api: httpx.Client) -> None:
    """A wrong method gives 405, and `Allow` lists GET and HEAD."""
    response = api.head("/v1/videos")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert api.put("/v1/model").headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path", ["/", "/upload", "/camera", "/api", "/docs/reading-the-result", "/static/js/pages/index.js"]
)
def test_a_cached_page_is_not_sent_again(api: httpx.Client, path: str) -> None:
    """Browsers revalidate a page and its modules at each visit and download them only when they have changed."""
    page = api.get(path)
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-cache")
    again = api.get(path, headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["Cache-Control"]) == (304, b"", "no-cache")
    assert api.get(path, headers={"If-None-Match": '"another"'}).content == page.content
