"""Receiving a video: the body of a request goes piece by piece to storage, and is never whole in memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from duygu.services.api.videos.file_signature import HEAD_BYTES, surely_no_video
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

FORM_BYTES = 65_536
"""What the form may add to its file: boundaries, headers, preamble and epilogue."""


SLOWEST = 10_000
"""Bytes a second that an upload has to come with, all in all."""

LONGEST_BOUNDARY = 70
"""Bytes, by RFC 2046."""

LONGEST_PREAMBLE = 16_384
"""Bytes within which the first boundary has to come; RFC 2046 gives a preamble no bound."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A video that has arrived whole."""

    size: int  # bytes
    sha256: str


async def receive_video(request: Request, storage: Storage, job_id: str, settings: Settings) -> Upload:
    """Store the file of a multipart form's field `video` as the upload of a job, whole or not at all.

    Raises InvalidRequestError, TooLargeError, TooSlowError, EmptyFileError, or NotAVideoError as soon as it is clear.
    """
    boundary = _boundary(request)
    limit = settings.max_upload_bytes
    async with contextmanager_in_threadpool(storage.writer(job_id, UPLOAD)) as file:
        form = VideoForm(boundary, MeasuredWriter(file, limit))
        await _feed(form, request, limit, settings.body_timeout_s)
        return form.finish()


def stated_size(request: Request, limit: int) -> int:
    """Bytes of the body as the client states them; 0 where it does not. Raises TooLargeError beyond the limit."""
    size = int(request.headers.get("content-length", 0))
    if size > limit + FORM_BYTES:
        raise TooLargeError.of_upload(limit)
    return size


class Preamble:
    """What comes before the first boundary of a multipart body, which RFC 2046 tells receivers to ignore."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\n--" + boundary
        self._held = b"\n"  # the first boundary may be at the very beginning, where a line begins as well
        self._length = 0

    def skip(self, piece: bytes) -> bytes:
        """The next piece of the body, without the part of it that belongs to the preamble.

        Raises InvalidRequestError when the preamble is longer than LONGEST_PREAMBLE.
        """
        held = self._held + piece
        start = held.find(self._delimiter)
        if start >= 0:
            return held[start + 1 :]
        self._length += len(piece)
        if self._length > LONGEST_PREAMBLE:
            raise InvalidRequestError(
                f"The first {LONGEST_PREAMBLE} bytes of the body contain no boundary: that of `Content-Type` is missing"
            )
        self._held = held[-len(self._delimiter) :]
        return b""


class VideoForm:
    """A multipart form that is fed piece by piece; the content of its video goes to a writer.

    A preamble before the first part and an epilogue behind the last one are ignored.
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
        """Take the next piece of the body."""
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
        """The body has ended: check that it was a whole form with one video."""
        if self._preamble:
            raise InvalidRequestError("The body contains no boundary: that of `Content-Type` is missing")
        if not self._ended:
            raise InvalidRequestError("The body ends before the final boundary of the form")
        if not self._videos:
            raise InvalidRequestError("The form has no field `video`")
        if not self._writer.size:
            raise EmptyFileError
        self._look(whole=True)
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
                self._look(whole=False)

    def _end(self) -> None:
        self._ended = True

    def _look(self, *, whole: bool) -> None:
        """Refuse what is no video; of JPEG only the whole file tells whether it is a photograph."""
        may_go_on = self._head.startswith(JPEG) and not whole
        if surely_no_video(self._head) and not self._pictures.several and not may_go_on:
            raise NotAVideoError


async def _feed(form: VideoForm, request: Request, limit: int, pause_s: float) -> None:
    pieces = aiter(request.stream())
    received, started = 0, time.monotonic()
    while True:
        left_s = pause_s + received / SLOWEST - (time.monotonic() - started)
        piece = await _next(pieces, min(pause_s, left_s))
        if piece is None:
            return
        received += len(piece)
        if received > limit + FORM_BYTES:
            raise TooLargeError.of_upload(limit)
        await run_in_threadpool(form.feed, piece)


async def _next(pieces: AsyncIterator[bytes], patience_s: float) -> bytes | None:
    try:
        async with asyncio.timeout(patience_s):
            return await anext(pieces, None)
    except TimeoutError as error:
        raise TooSlowError(
            f"The upload paused for too long or was slower than {SLOWEST} bytes per second (DUYGU_BODY_TIMEOUT_S)"
        ) from error
    except ClientDisconnect as error:
        raise InvalidRequestError("The connection was closed before the body was complete") from error


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= LONGEST_BOUNDARY:
        raise InvalidRequestError(
            "The `Content-Type` is not multipart/form-data with a boundary; send the video as the form field `video`"
        )
    return boundary
