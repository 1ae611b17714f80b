"""Uploads in parts by the tus protocol, which continue where they were interrupted."""

import asyncio
import time
from pathlib import Path

import httpx

from duygu.client.responses import FIRST_PAUSE_S, MAX_PAUSE_S, RETRY_S, checked_response, with_retries
from duygu.shared.errors import (
    MethodNotAllowedError,
    NotFoundError,
    OffsetMismatchError,
    UnavailableError,
    UploadLockedError,
)

LARGE_BYTES = 20_000_000
"""A file above this size is sent in parts."""

PART_BYTES = 16 * 1024 * 1024
"""Bytes of a part; proxies limit a request to 100 MB or less."""

TUS = {"Tus-Resumable": "1.0.0"}

TRANSIENT = (UnavailableError, UploadLockedError, OffsetMismatchError, httpx.TransportError)
"""Errors after which the upload continues from what has arrived."""


def is_large(path: Path) -> bool:
    """Whether a file is sent in parts."""
    return path.stat().st_size > LARGE_BYTES


async def upload_in_parts(client: httpx.AsyncClient, path: Path) -> str | None:
    """Upload a file; the id of the upload, or None if the service is of a version without such uploads.

    Raises the last error when no byte arrives for RETRY_S.
    """
    size = path.stat().st_size
    try:
        created = await with_retries(
            lambda: client.post("/v1/uploads", headers={**TUS, "Upload-Length": str(size)}), reached=False
        )
    except (NotFoundError, MethodNotAllowedError):
        return None
    address = created.headers["location"]
    await _send(client, path, address, size)
    return str(address.rpartition("/")[2])


async def _send(client: httpx.AsyncClient, path: Path, address: str, size: int) -> None:
    offset, progressed, pause_s = 0, time.monotonic(), FIRST_PAUSE_S
    while offset < size:
        before = offset
        try:
            offset = await _send_part(client, path, address, offset)
        except TRANSIENT:
            if time.monotonic() - progressed >= RETRY_S:
                raise
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, MAX_PAUSE_S)
            offset = await _arrived(client, address)
        if offset > before:
            progressed, pause_s = time.monotonic(), FIRST_PAUSE_S


async def _send_part(client: httpx.AsyncClient, path: Path, address: str, offset: int) -> int:
    """Send the next part; the number of bytes that have arrived."""
    with path.open("rb") as file:
        file.seek(offset)
        content = await asyncio.to_thread(file.read, PART_BYTES)
    headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    response = checked_response(await client.patch(address, content=content, headers=headers))
    return int(response.headers["upload-offset"])


async def _arrived(client: httpx.AsyncClient, address: str) -> int:
    return int((await with_retries(lambda: client.get(address))).json()["offset"])
