"""Responses with a stored file or one byte range of it (RFC 9110, sections 13 and 14)."""

import re
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Annotated

from fastapi import Header, Response
from fastapi.responses import StreamingResponse

from duygu.services.api.http.etags import matches
from duygu.shared.errors import RangeNotSatisfiableError
from duygu.shared.storage.base import Storage

ONE_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of a file from `start` to `stop`, exclusive."""

    start: int
    stop: int


class Conditions:
    """The range and the preconditions of a request, from its headers."""

    def __init__(
        self,
        byte_range: Annotated[
            str | None, Header(alias="Range", description="one byte range of a plot or video, such as `bytes=0-1023`")
        ] = None,
        if_range: Annotated[
            str | None, Header(description="`ETag` or `Last-Modified` of the file to which the range applies")
        ] = None,
        if_none_match: Annotated[
            str | None, Header(description="`ETag` of a plot or video that the client has")
        ] = None,
    ) -> None:
        self.byte_range = byte_range
        self.if_range = if_range
        self.if_none_match = if_none_match


def file_response(
    storage: Storage, job_id: str, name: str, media_type: str, conditions: Conditions, headers: dict[str, str]
) -> Response:
    """Stream a stored file, or the requested range of it.

    Raises RangeNotSatisfiableError, and the errors of the storage.
    """
    about = storage.stat(job_id, name)
    etag = f'"{round(about.written_at * 1000):x}-{about.size:x}"'
    modified = formatdate(about.written_at, usegmt=True)
    headers = {**headers, "Accept-Ranges": "bytes", "ETag": etag, "Last-Modified": modified}
    if matches(conditions.if_none_match, etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    part = None
    if conditions.if_range in (None, etag, modified):
        part = part_of(conditions.byte_range, about.size)
    if part:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{about.size}"
    sent = part or Part(0, about.size)
    headers["Content-Length"] = str(sent.stop - sent.start)
    return StreamingResponse(
        storage.pieces(job_id, name, sent.start, sent.stop),
        HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK,
        headers,
        media_type,
    )


def part_of(byte_range: str | None, size: int) -> Part | None:
    """The range of a `Range` header; None for the whole file.

    An unknown unit and multiple ranges select the whole file, as RFC 9110 permits. Raises RangeNotSatisfiableError.
    """
    found = ONE_RANGE.fullmatch((byte_range or "").replace(" ", ""))
    if not found or not (found[1] or found[2]):
        return None
    if found[1]:
        start = int(found[1])
        stop = min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    else:
        start, stop = max(size - int(found[2]), 0), size
    if start >= stop:
        raise RangeNotSatisfiableError(size)
    return Part(start, stop)
