"""Receives a multipart upload and streams it to the storage, without holding it in memory."""

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect

from duygu.services.api.http.multipart import FORM, MAX_BOUNDARY_BYTES
from duygu.services.api.videos.multipart_form import Upload, VideoForm
from duygu.shared.config.settings import Settings
from duygu.shared.errors import InvalidRequestError, TooLargeError, TooSlowError
from duygu.shared.storage.base import UPLOAD, Storage
from duygu.shared.storage.measured_writer import MeasuredWriter

MULTIPART_OVERHEAD_BYTES = 65_536
"""Bytes that a form may have besides its file: boundaries, headers, preamble and epilogue."""

MIN_BYTES_PER_S = 10_000
"""Minimum average rate of an upload."""


async def receive_video(request: Request, storage: Storage, job_id: str, settings: Settings) -> Upload:
    """Store the form field `video` as the upload of a job, atomically.

    Raises InvalidRequestError, TooLargeError, TooSlowError, EmptyFileError or NotAVideoError as early as possible.
    """
    boundary = _boundary(request)
    limit = settings.max_upload_bytes
    async with contextmanager_in_threadpool(storage.writer(job_id, UPLOAD)) as file:
        form = VideoForm(boundary, MeasuredWriter(file, limit))
        async for piece in body_pieces(request, limit + MULTIPART_OVERHEAD_BYTES, settings.body_timeout_s, limit):
            await run_in_threadpool(form.feed, piece)
        return form.finish()


def declared_size(request: Request, limit: int) -> int:
    """The `Content-Length` of the request; 0 without one. Raises TooLargeError above the limit."""
    size = int(request.headers.get("content-length", 0))
    if size > limit + MULTIPART_OVERHEAD_BYTES:
        raise TooLargeError.of_upload(limit)
    return size


async def body_pieces(request: Request, most: int, pause_s: float, limit: int | None = None) -> AsyncIterator[bytes]:
    """Yield the body of a request in chunks as it arrives.

    most     maximum number of bytes
    pause_s  maximum pause, in seconds
    limit    of the video within the body, which the error names

    Raises TooLargeError, TooSlowError, and InvalidRequestError when the connection is closed early.
    """
    pieces = aiter(request.stream())
    received, started = 0, time.monotonic()
    while True:
        left_s = pause_s + received / MIN_BYTES_PER_S - (time.monotonic() - started)
        piece = await _next(pieces, min(pause_s, left_s), pause_s)
        if piece is None:
            return
        received += len(piece)
        if received > most:
            raise TooLargeError.of_upload(limit) if limit else TooLargeError(f"The body is larger than {most} bytes")
        yield piece


async def _next(pieces: AsyncIterator[bytes], timeout_s: float, pause_s: float) -> bytes | None:
    try:
        async with asyncio.timeout(timeout_s):
            return await anext(pieces, None)
    except TimeoutError as error:
        raise TooSlowError(
            f"The upload paused for more than {pause_s:g} s or averaged less than {MIN_BYTES_PER_S} bytes per second"
        ) from error
    except ClientDisconnect as error:
        raise InvalidRequestError("The connection was closed before the body was complete") from error


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != FORM.encode() or not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
        raise InvalidRequestError(
            "The `Content-Type` is not multipart/form-data with a boundary; send the video as the form field `video`"
        )
    return boundary
