"""Whether a running service responds, and whether it is ready."""

import json
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from duygu.services.diagnosis.findings import CheckFailedError

RESPONSE_S = 10.0

MOST_BYTES = 100_000
"""Of a response that is read; a page of something else may be long."""


def check_service(url: str, key: str | None = None) -> str:
    """Ask a service whether it is ready and accepts the API key. Raises CheckFailedError."""
    if not url.startswith(("http://", "https://")):
        raise CheckFailedError(f"{url!r} is no address of a service", "use an address such as http://127.0.0.1:8000")
    for path in ("/readyz", "/v1/model"):
        if _object(_get(url, path, key)) is None:
            raise CheckFailedError(f"{url} is not a Duygu service", "check host and port: something else listens there")
    return f"{url} is ready"


def is_duygu(url: str) -> bool:
    """Whether a service of this kind responds at an address, ready or not; no API key is needed."""
    try:
        with urlopen(url.rstrip("/") + "/readyz", timeout=RESPONSE_S) as response:  # noqa: S310 - an own address
            body = response.read(MOST_BYTES)
    except HTTPError as error:
        body = error.read(MOST_BYTES)
    except (HTTPException, OSError, ValueError):
        return False
    return isinstance((_object(body) or {}).get("checks"), list)


def _get(url: str, path: str, key: str | None) -> bytes:
    request = Request(url.rstrip("/") + path, headers={"Authorization": f"Bearer {key}"} if key else {})  # noqa: S310
    try:
        with urlopen(request, timeout=RESPONSE_S) as response:  # noqa: S310 - checked above
            return bytes(response.read(MOST_BYTES))
    except HTTPError as error:
        detail = _detail(error.read(MOST_BYTES)) or f"status {error.code}"
        raise CheckFailedError(f"{url}: {detail}", _hint(error.code)) from error
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        text = getattr(reason, "strerror", None) or str(reason)
        raise CheckFailedError(f"{url}: {text}", "start it with `duygu serve`, or check host and port") from error


def _hint(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return "set DUYGU_API_KEY to a key of the service: `duygu keys add` creates one"
    if status == HTTPStatus.NOT_FOUND:
        return "check host and port: something else listens there"
    return "start the missing workers, and run `duygu doctor` beside the service"


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _detail(body: bytes) -> str:
    found = _object(body) or {}
    return str(found.get("detail") or found.get("title") or "")
