"""Receives bytes of a resumable upload into the storage."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from starlette.requests import ClientDisconnect

from duygu.services.api.service import ServiceContext
from duygu.services.api.uploads.protocol import Checksum
from duygu.services.api.videos.named_video import erase_upload
from duygu.services.api.videos.uploads import MIN_BYTES_PER_S
from duygu.shared.errors import (
    InvalidRequestError,
    NotAVideoError,
    OffsetMismatchError,
    TooSlowError,
    UploadError,
    UploadLockedError,
    UploadNotFoundError,
)
from duygu.shared.inputs.media.file_signature import SignatureCheck
from duygu.shared.inputs.uploads.record import UploadRecord
from duygu.shared.inputs.uploads.store import UploadLock
from duygu.shared.storage.base import Appender

CHECKPOINT_BYTES = 8 * 1024 * 1024
"""Bytes that a process which dies may lose."""

RENEW_S = 1.0
"""Interval between checks whether another request wants the upload, and renewals of the lock."""


async def receive(
    request: Request, service: ServiceContext, upload_id: str, offset: int, checksum: Checksum | None
) -> UploadRecord:
    """Append the body of a request to an upload, behind its first `offset` bytes; the new record.

    What arrived before the connection was lost or another request took over is kept, unless the bytes have a checksum.

    Raises OffsetMismatchError, ChecksumMismatchError, NotAVideoError, UploadLockedError, UploadNotFoundError,
    TooSlowError, and UploadError for more bytes than the upload has.
    """
    async with contextmanager_in_threadpool(service.uploads.locked(upload_id)) as lock:
        record = await run_in_threadpool(service.uploads.require, upload_id)
        if record.job_id or record.offset != offset:
            raise OffsetMismatchError(f"`Upload-Offset` is {offset}, but the upload has {record.offset} bytes")
        try:
            appending = service.storage.append(upload_id, record.state, record.offset)
            async with contextmanager_in_threadpool(appending) as appender:
                receiving = _Receiving(service, lock, appender, record, checksum)
                return await receiving.run(request)
        except NotAVideoError:
            await run_in_threadpool(erase_upload, service, record)
            raise
        except FileNotFoundError as error:
            raise UploadNotFoundError from error


@dataclass(slots=True)
class _Receiving:
    service: ServiceContext
    lock: UploadLock
    appender: Appender
    record: UploadRecord
    checksum: Checksum | None

    async def run(self, request: Request) -> UploadRecord:
        """Append the body."""
        signature = SignatureCheck() if self.record.offset == 0 else None
        received, recorded = self.record.offset, self.record.offset
        try:
            async for piece in self._pieces(request):
                received += len(piece)
                if received > self.record.length:
                    raise UploadError(f"The upload has more than the {self.record.length} bytes of `Upload-Length`")
                await run_in_threadpool(self._write, piece, signature)
                if self.checksum is None and received - recorded >= CHECKPOINT_BYTES:
                    await run_in_threadpool(self._record, *self.appender.checkpoint())
                    recorded = received
        except (InvalidRequestError, TooSlowError, UploadLockedError):
            if self.checksum is None:
                with suppress(UploadLockedError):  # its time to live was over
                    await run_in_threadpool(self._keep)
            raise
        if self.checksum:
            self.checksum.check()
        await run_in_threadpool(self._keep)
        return self.record

    def _write(self, piece: bytes, signature: SignatureCheck | None) -> None:
        if self.checksum:
            self.checksum.feed(piece)
        if signature:
            signature.feed(piece)
        self.appender.write(piece)

    def _keep(self) -> None:
        self._record(*self.appender.keep())
        self.appender.settle()

    def _record(self, offset: int, state: str) -> None:
        self.record = self.service.uploads.advance(self.record, self.lock, offset, state)

    async def _pieces(self, request: Request) -> AsyncIterator[bytes]:
        """The body in chunks; meanwhile the lock is renewed."""
        pieces, pause_s = aiter(request.stream()), self.service.settings.body_timeout_s
        received, started = 0, time.monotonic()
        renewed = started
        while True:
            left_s = pause_s + received / MIN_BYTES_PER_S - (time.monotonic() - started)
            waiting = asyncio.ensure_future(anext(pieces, None))
            until = time.monotonic() + min(left_s, pause_s)
            try:
                while not (await asyncio.wait({waiting}, timeout=RENEW_S))[0]:
                    await run_in_threadpool(self.service.uploads.renew, self.lock)
                    if time.monotonic() > until:
                        raise TooSlowError(
                            f"The upload paused for more than {pause_s:g} s or averaged less than "
                            f"{MIN_BYTES_PER_S} bytes per second"
                        )
                piece = waiting.result()
            except ClientDisconnect as error:
                raise InvalidRequestError("The connection was closed before the body was complete") from error
            finally:
                waiting.cancel()
            if piece is None:
                return
            if time.monotonic() - renewed > RENEW_S:
                await run_in_threadpool(self.service.uploads.renew, self.lock)
                renewed = time.monotonic()
            received += len(piece)
            yield piece
