"""Receives a multipart upload and streams it to the storage, without holding it in memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from duygu.services.api.videos.file_signature import HEAD_BYTES, is_not_video
from duygu.shared.config import Settings
from duygu.shared.errors import (
    EmptyFileError,
    InvalidRequestError,
    NotAVideoError,
    TooLargeError,
    TooSlowError,
    UnknownParameterError,
)
from duygu.shared.media.motion_jpeg import JPEG, JpegRun
from duygu.shared.storage.base import UPLOAD, Storage
from duygu.shared.storage.measured_writer import MeasuredWriter

FIELD = b"video"

MULTIPART_OVERHEAD_BYTES = 65_536
"""Bytes that a form may have besides its file: boundaries, headers, preamble and epilogue."""


MIN_BYTES_PER_S = 10_000
"""Minimum average rate of an upload."""

MAX_BOUNDARY_BYTES = 70
"""Maximum length of a boundary (RFC 2046)."""

MAX_PREAMBLE_BYTES = 16_384
"""Maximum length of the preamble, which RFC 2046 does not limit."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A completely received video."""

    size: int  # bytes
    sha256: str


async def receive_video(request: Request, storage: Storage, job_id: str, settings: Settings) -> Upload:
    """Store the form field `video` as the upload of a job, atomically.

    Raises InvalidRequestError, TooLargeError, TooSlowError, EmptyFileError or NotAVideoError as early as possible.
    """
    boundary = _boundary(request)
    limit = settings.max_upload_bytes
    async with contextmanager_in_threadpool(storage.writer(job_id, UPLOAD)) as file:
        form = VideoForm(boundary, MeasuredWriter(file, limit))
        await _feed(form, request, limit, settings.body_timeout_s)
        return form.finish()


def declared_size(request: Request, limit: int) -> int:
    """The `Content-Length` of the request; 0 without one. Raises TooLargeError above the limit."""
    size = int(request.headers.get("content-length", 0))
    if size > limit + MULTIPART_OVERHEAD_BYTES:
        raise TooLargeError.of_upload(limit)
    return size


class Preamble:
    """Skips the bytes before the first boundary of a multipart body, as RFC 2046 requires."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\n--" + boundary
        self._held = b"\n"  # the boundary may be at the start of the body
        self._length = 0

    def skip(self, piece: bytes) -> bytes:
        """Remove the preamble from the next piece of the body.

        Raises InvalidRequestError when the preamble is longer than MAX_PREAMBLE_BYTES.
        """
        held = self._held + piece
        start = held.find(self._delimiter)
        if start >= 0:
            return held[start + 1 :]
        self._length += len(piece)
        if self._length > MAX_PREAMBLE_BYTES:
            raise InvalidRequestError(
                f"The first {MAX_PREAMBLE_BYTES} bytes of the body contain no boundary as declared in `Content-Type`"
            )
        self._held = held[-len(self._delimiter) :]
        return b""


class VideoForm:
    """An incremental parser of the multipart form that writes the video to a file.

    The preamble before the first part and the epilogue after the last one are ignored.
    """

    def __init__(self, boundary: bytes, writer: MeasuredWriter) -> None:
        self._writer = writer
        self._head = b""
        self._pictures = JpegRun()
        self._disposition = b""
        self._header = b""
        self._preamble: Preamble | None = Preamble(boundary)
        self._videos = 0
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_begin": self._header_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_end": self._end,
            },
        )

    def feed(self, piece: bytes) -> None:
        """Parse the next piece of the body."""
        if self._preamble:
            piece = self._preamble.skip(piece)
            if not piece:
                return
            self._preamble = None
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise InvalidRequestError("The body is not a valid multipart form") from error

    def finish(self) -> Upload:
        """Check at the end of the body that the form is complete and has one video."""
        if self._preamble:
            raise InvalidRequestError("The body contains no boundary as declared in `Content-Type`")
        if not self._ended:
            raise InvalidRequestError("The body ends before the final boundary of the form")
        if not self._videos:
            raise InvalidRequestError("The form has no field `video`")
        if not self._writer.size:
            raise EmptyFileError
        self._check_signature(whole=True)
        return Upload(self._writer.size, self._writer.sha256)

    def _part_begin(self) -> None:
        self._disposition = b""

    def _header_begin(self) -> None:
        self._header = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition += data[start:end]

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"")
        if name != FIELD:
            raise UnknownParameterError("form field", name.decode(errors="replace") or "(no name)", [FIELD.decode()])
        self._videos += 1
        if self._videos > 1:
            raise InvalidRequestError("The form has more than one field `video`; send one video per request")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        self._writer.write(piece)
        self._pictures.feed(piece)
        if len(self._head) < HEAD_BYTES:
            self._head += piece[: HEAD_BYTES - len(self._head)]
            if len(self._head) == HEAD_BYTES:
                self._check_signature(whole=False)

    def _end(self) -> None:
        self._ended = True

    def _check_signature(self, *, whole: bool) -> None:
        """Reject a file that is not a video. A JPEG can be judged only once it is whole: it may be Motion JPEG."""
        may_go_on = self._head.startswith(JPEG) and not whole
        if is_not_video(self._head) and not self._pictures.several and not may_go_on:
            raise NotAVideoError


async def _feed(form: VideoForm, request: Request, limit: int, pause_s: float) -> None:
    pieces = aiter(request.stream())
    received, started = 0, time.monotonic()
    while True:
        left_s = pause_s + received / MIN_BYTES_PER_S - (time.monotonic() - started)
        piece = await _next(pieces, min(pause_s, left_s), pause_s)
        if piece is None:
            return
        received += len(piece)
        if received > limit + MULTIPART_OVERHEAD_BYTES:
            raise TooLargeError.of_upload(limit)
        await run_in_threadpool(form.feed, piece)


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
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
        raise InvalidRequestError(
            "The `Content-Type` is not multipart/form-data with a boundary; send the video as the form field `video`"
        )
    return boundary
