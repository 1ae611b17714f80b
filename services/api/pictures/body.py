"""The body of a request with pictures: received into memory within limits, never written to disk."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect

from duygu.services.api.http.multipart import FORM, MAX_BOUNDARY_BYTES, MultipartForm
from duygu.services.api.videos.uploads import MIN_BYTES_PER_S
from duygu.shared.config.settings import MB
from duygu.shared.errors import (
    EmptyFileError,
    InvalidRequestError,
    NotAPictureError,
    QueueFullError,
    TooLargeError,
    TooManyPicturesError,
    TooSlowError,
)

FIELD = "picture"

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
    form = _Pictures(boundary, max_pictures, options)
    form.feed(body)
    form.require_end()
    return PictureForm([bytes(picture) for picture in form.pictures], form.options)


class _Pictures(MultipartForm):
    """A form with pictures, which are held in memory."""

    def __init__(self, boundary: bytes, max_pictures: int, options: frozenset[str]) -> None:
        super().__init__(boundary, FIELD, options)
        self.pictures: list[bytearray] = []
        self._max_pictures = max_pictures

    def file_began(self, number: int) -> None:
        """Begin the next picture. Raises TooManyPicturesError."""
        if number > self._max_pictures:
            raise TooManyPicturesError(f"The request has more than {self._max_pictures} pictures, the limit")
        self.pictures.append(bytearray())

    def file_data(self, piece: bytes) -> None:
        """Append to the picture."""
        self.pictures[-1] += piece

    def option_ended(self, name: str) -> None:
        """Accept it: the options are checked together with those of the query."""
