"""The body of a request with pictures: received into memory within limits, never written to disk."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from duygu.services.api.videos.multipart_form import MAX_OPTION_BYTES, Preamble
from duygu.services.api.videos.uploads import MAX_BOUNDARY_BYTES, MIN_BYTES_PER_S
from duygu.shared.config.settings import MB
from duygu.shared.errors import (
    EmptyFileError,
    InvalidRequestError,
    NotAPictureError,
    QueueFullError,
    TooLargeError,
    TooManyPicturesError,
    TooSlowError,
    UnknownParameterError,
)

FIELD = "picture"

FORM = "multipart/form-data"

UNDECLARED = frozenset({"", "application/octet-stream", "application/x-www-form-urlencoded"})
"""Content types of bodies that are taken for a picture besides `image/*`; the last is what curl sends by default."""

MAX_BODIES_BYTES = 128_000_000
"""Maximum size of all bodies together that one process holds in memory."""


@dataclass(slots=True)
class MemoryBudget:
    """Bytes of request bodies that a process holds."""

    limit: int = MAX_BODIES_BYTES
    used: int = 0

    def take(self, size: int) -> None:
        """Add bytes. Raises QueueFullError above the limit."""
        if self.used + size > self.limit:
            error = QueueFullError("Too many pictures are being received")
            error.retry_after_s = 1
            raise error
        self.used += size

    @contextmanager
    def reservation(self) -> Iterator["Reservation"]:
        """Bytes that are returned at the end of the block."""
        reservation = Reservation(self)
        try:
            yield reservation
        finally:
            self.used -= reservation.size


@dataclass(slots=True)
class Reservation:
    """The part of a MemoryBudget that one request uses."""

    budget: MemoryBudget
    size: int = 0

    def add(self, size: int) -> None:
        """Take more bytes. Raises QueueFullError."""
        self.budget.take(size)
        self.size += size


@dataclass(slots=True)
class PictureForm:
    """The pictures of a body, and the texts of its form fields by name."""

    pictures: list[bytes] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)


async def receive(request: Request, limit: int, pause_s: float, reservation: Reservation) -> bytes:
    """The body. Raises TooLargeError, TooSlowError, QueueFullError or InvalidRequestError."""
    too_large = TooLargeError(f"The request is larger than {limit / MB:g} MB, the limit of DUYGU_PICTURES_MAX_MB")
    if int(request.headers.get("content-length", 0)) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(pause_s) as timeout:
            started = asyncio.get_running_loop().time()
            async for piece in request.stream():
                reservation.add(len(piece))
                body += piece
                if len(body) > limit:
                    raise too_large
                timeout.reschedule(started + pause_s + len(body) / MIN_BYTES_PER_S)
    except TimeoutError as error:
        raise TooSlowError(
            f"The request took longer than {pause_s:g} s and averaged less than {MIN_BYTES_PER_S} bytes per second"
        ) from error
    except ClientDisconnect as error:
        raise InvalidRequestError("The connection was closed before the body was complete") from error
    return bytes(body)


def read_body(body: bytes, content_type: str, max_pictures: int, options: frozenset[str]) -> PictureForm:
    """The pictures of a body: those of the form, or the body itself.

    options  names of the form fields besides `picture`

    Raises NotAPictureError for another content type, EmptyFileError, TooManyPicturesError, UnknownParameterError or
    InvalidRequestError.
    """
    kind, parameters = parse_options_header(content_type)
    declared = kind.decode("latin-1").strip().lower()
    if declared == FORM:
        return _read_form(body, parameters.get(b"boundary", b""), max_pictures, options)
    if declared not in UNDECLARED and not declared.startswith("image/"):
        raise NotAPictureError(
            f"The `Content-Type` is {declared[:60]}; send {FORM} with the field `{FIELD}`, or the bytes of a picture "
            "with its own type"
        )
    if not body:
        raise EmptyFileError
    return PictureForm([body])


def _read_form(body: bytes, boundary: bytes, max_pictures: int, options: frozenset[str]) -> PictureForm:
    if not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
        raise InvalidRequestError("The `Content-Type` has no boundary")
    reader = _FormReader(boundary, max_pictures, options)
    found = reader.read(body)
    if not found.pictures:
        raise InvalidRequestError(f"The form has no field `{FIELD}`")
    return found


class _FormReader:
    """Collects the parts of a multipart form."""

    def __init__(self, boundary: bytes, max_pictures: int, options: frozenset[str]) -> None:
        self._found = PictureForm()
        self._boundary, self._max_pictures, self._options = boundary, max_pictures, options
        self._header, self._disposition, self._name = b"", b"", ""
        self._part = bytearray()
        self._ended = False

    def read(self, body: bytes) -> PictureForm:
        """Parse a complete body."""
        parser = MultipartParser(
            self._boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_begin": self._header_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )
        parts = Preamble(self._boundary).skip(body)
        if not parts:
            raise InvalidRequestError("The body contains no boundary as declared in `Content-Type`")
        try:
            parser.write(parts)
        except FormParserError as error:
            raise InvalidRequestError("The body is not a valid multipart form") from error
        if not self._ended:
            raise InvalidRequestError("The body ends before the final boundary of the form")
        return self._found

    def _part_begin(self) -> None:
        self._disposition, self._part = b"", bytearray()

    def _header_begin(self) -> None:
        self._header = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition += data[start:end]

    def _headers_finished(self) -> None:
        _, parameters = parse_options_header(self._disposition)
        self._name = parameters.get(b"name", b"").decode(errors="replace")
        if self._name == FIELD:
            if len(self._found.pictures) >= self._max_pictures:
                raise TooManyPicturesError(f"The request has more than {self._max_pictures} pictures, the limit")
        elif self._name not in self._options:
            raise UnknownParameterError("form field", self._name or "(no name)", [FIELD, *self._options])

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._part += data[start:end]
        if self._name != FIELD and len(self._part) > MAX_OPTION_BYTES:
            raise InvalidRequestError(f"The form field `{self._name}` is longer than {MAX_OPTION_BYTES} bytes")

    def _part_end(self) -> None:
        if self._name == FIELD:
            self._found.pictures.append(bytes(self._part))
        else:
            self._found.fields.setdefault(self._name, []).append(self._part.decode(errors="replace"))

    def _end(self) -> None:
        self._ended = True
