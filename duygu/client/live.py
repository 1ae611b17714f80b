"""Client of live sessions: sends pictures and yields the messages of the service."""

import asyncio
import json
import queue
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from duygu.client.pictures import Picture, camera, video
from duygu.client.service import Service, SessionBroken
from duygu.shared.live.header import pack
from duygu.shared.live.messages import (
    Configured,
    FrameDropped,
    FrameError,
    FrameResult,
    SessionClosed,
    SessionCreated,
    SessionOptions,
    read_message,
)

Source = int | str | Path | Iterable[Picture]
"""A camera number, a video file, or an iterable of pictures, which may block until the next one is available."""

LiveMessage = SessionCreated | Configured | FrameResult | FrameDropped | FrameError | SessionClosed

MAX_MESSAGE_BYTES = 4_000_000
"""Maximum size of a message from the service; a result with many faces has a few kilobytes."""

MAX_QUEUED_MESSAGES = 256
"""Maximum number of buffered messages. Beyond it, the socket is not read until one is consumed."""

CLOSE_TIMEOUT_S = 2.0
"""Timeout of the closing handshake, which may be late if messages were not read."""

THREAD_NAME = "duygu-stream"
"""Name of the thread of a session."""

POLL_S = 0.2
"""Interval between checks whether the iterator was closed, while the buffer is full."""


async def stream_async(
    source: Source, service: Service | None = None, options: SessionOptions | None = None
) -> AsyncIterator[LiveMessage]:
    """Send pictures and yield every message of the service, `session.closed` last.

    Raises SessionBroken when the service ends the session, the exception of a failed source, and
    websockets.InvalidStatus when the address is not a Duygu service. Leaving the loop ends the session.
    """
    service = service or Service()
    async with connect(
        service.socket_url,
        additional_headers=service.headers,
        max_size=MAX_MESSAGE_BYTES,
        compression=None,
        close_timeout=CLOSE_TIMEOUT_S,
    ) as socket:
        sending = asyncio.create_task(_send(socket, _pictures(source), options))
        closing = asyncio.create_task(_close_after_failure(sending, socket))
        try:
            async for text in socket:
                yield read_message(text)
        except ConnectionClosed as error:
            raise (_failure(sending) or _broken(socket)) from error
        finally:
            sending.cancel()
            await asyncio.gather(sending, closing, return_exceptions=True)
        if failure := _failure(sending):
            raise failure
        if socket.close_reason != "done":
            raise _broken(socket)


def stream(
    source: Source, service: Service | None = None, options: SessionOptions | None = None
) -> Iterator[LiveMessage]:
    """Like `stream_async`, without `async`: the session runs in its own thread."""
    buffer: queue.Queue[LiveMessage | BaseException | None] = queue.Queue(MAX_QUEUED_MESSAGES)
    closed = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_feed(stream_async(source, service, options), buffer, closed)),
        name=THREAD_NAME,
        daemon=True,
    )
    thread.start()
    try:
        while (message := buffer.get()) is not None:
            if isinstance(message, BaseException):
                raise message
            yield message
    finally:
        closed.set()


async def _feed(
    messages: AsyncIterator[LiveMessage],
    buffer: "queue.Queue[LiveMessage | BaseException | None]",
    closed: threading.Event,
) -> None:
    last: BaseException | None = None
    try:
        async with aclosing(messages):  # type: ignore[type-var] # it is a generator
            async for message in messages:
                if closed.is_set():
                    return
                await _enqueue(message, buffer, closed)
    except Exception as error:  # noqa: BLE001 - the consumer has to receive any exception
        last = error
    await _enqueue(last, buffer, closed)


async def _enqueue(
    message: LiveMessage | BaseException | None,
    buffer: "queue.Queue[LiveMessage | BaseException | None]",
    closed: threading.Event,
) -> None:
    """Put a message into the buffer, waiting for space until the iterator is closed."""
    while not closed.is_set():
        try:
            await asyncio.to_thread(buffer.put, message, timeout=POLL_S)
        except queue.Full:
            continue
        return


async def _send(socket: ClientConnection, pictures: Iterator[Picture], options: SessionOptions | None) -> None:
    if options:
        chosen = options.model_dump(mode="json", exclude_none=True)  # an older service rejects options that it lacks
        await socket.send(json.dumps({"type": "session.configure", **chosen}))
    number = 0
    while (picture := await asyncio.to_thread(next, pictures, None)) is not None:
        number += 1
        await socket.send(pack(picture.data, number, picture.captured_at))
    await socket.send(json.dumps({"type": "session.close"}))


async def _close_after_failure(sending: "asyncio.Task[None]", socket: ClientConnection) -> None:
    await asyncio.wait([sending])
    if _failure(sending):
        await socket.close()


def _failure(sending: "asyncio.Task[None]") -> BaseException | None:
    """The exception of the sending task, except a closed connection, which the receiving side reports."""
    error = None if sending.cancelled() or not sending.done() else sending.exception()
    return None if isinstance(error, ConnectionClosed) else error


def _pictures(source: Source) -> Iterator[Picture]:
    if isinstance(source, int):
        return camera(source)
    return video(Path(source)) if isinstance(source, str | Path) else iter(source)


def _broken(socket: ClientConnection) -> SessionBroken:
    return SessionBroken(socket.close_code, socket.close_reason or "")
