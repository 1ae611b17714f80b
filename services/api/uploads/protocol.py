"""The headers of the tus protocol 1.0.0."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from duygu.shared.errors import ChecksumMismatchError, TooLargeError, TusVersionError, UploadError

ROOM = "/v1/uploads"

VERSION = "1.0.0"

EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum"

CHECKSUMS: dict[str, Callable[[], Any]] = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}

OVERRIDABLE = {"PATCH": "PATCH", "DELETE": "DELETE", "HEAD": "GET"}
"""Methods of `X-HTTP-Method-Override`, and the endpoint that serves each."""

BYTES = "application/offset+octet-stream"

LONGEST_METADATA = 4096

LONGEST_NUMBER = 15
"""Digits of a number of bytes."""


class TusMiddleware:
    """Adds `Tus-Resumable` to every response about uploads, and applies `X-HTTP-Method-Override`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or not scope["path"].startswith(ROOM):
            return await self._app(scope, receive, send)
        if scope["method"] == "POST":
            wanted = Headers(scope=scope).get("X-HTTP-Method-Override", "").upper()
            scope["method"] = OVERRIDABLE.get(wanted, "POST")

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Tus-Resumable"] = VERSION
                if message["status"] == TusVersionError.status:
                    headers["Tus-Version"] = VERSION
            await send(message)

        return await self._app(scope, receive, send_with_version)


@dataclass(slots=True)
class Checksum:
    """The announced checksum of a request, computed from its chunks."""

    expected: bytes
    digest: Any

    def feed(self, piece: bytes) -> None:
        """Process the next chunk."""
        self.digest.update(piece)

    def check(self) -> None:
        """Raise ChecksumMismatchError unless the bytes have the announced checksum."""
        if self.digest.digest() != self.expected:
            raise ChecksumMismatchError


def require_version(request: Request) -> None:
    """Raise TusVersionError unless `Tus-Resumable` names the version of this service."""
    given = request.headers.get("Tus-Resumable")
    if given != VERSION:
        shown = "is missing" if given is None else f"is {given[:20]!r}"
        raise TusVersionError(f"`Tus-Resumable` {shown}; this service supports {VERSION}")


def read_length(request: Request, limit: int) -> int:
    """`Upload-Length`. Raises UploadError, and TooLargeError above `limit`."""
    if "Upload-Defer-Length" in request.headers:
        raise UploadError("`Upload-Defer-Length` is not supported; send `Upload-Length`")
    length = _number(request, "Upload-Length")
    if length > limit:
        raise TooLargeError.of_upload(limit)
    return length


def read_offset(request: Request) -> int:
    """`Upload-Offset`. Raises UploadError."""
    return _number(request, "Upload-Offset")


def read_checksum(request: Request) -> Checksum | None:
    """`Upload-Checksum`; None without. Raises UploadError."""
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    name, _, value = text.partition(" ")
    if name not in CHECKSUMS:
        raise UploadError(f"`Upload-Checksum` has to begin with one of {', '.join(CHECKSUMS)}")
    return Checksum(_base64(value, "Upload-Checksum"), CHECKSUMS[name]())


def read_metadata(request: Request) -> str:
    """`Upload-Metadata`, checked and stored as it is. Raises UploadError."""
    text = request.headers.get("Upload-Metadata", "")
    if len(text) > LONGEST_METADATA:
        raise UploadError(f"`Upload-Metadata` is longer than {LONGEST_METADATA} characters")
    for pair in text.split(",") if text else ():
        key, _, value = pair.strip().partition(" ")
        if not key or not key.isascii():
            raise UploadError("`Upload-Metadata` needs pairs of an ASCII key and a value in base64")
        _base64(value, "Upload-Metadata")
    return text


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER):
        raise UploadError(f"`{name}` is not a number of bytes")
    return int(text)


def _base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UploadError(f"`{name}` has a value that is not base64") from error
