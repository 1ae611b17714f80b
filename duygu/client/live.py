"""Live sessions: pictures go in, and what was seen in each comes out."""

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
    SERVER_MESSAGES,
    Configured,
    FrameDropped,
    FrameError,
    FrameResult,
    Options,
    SessionClosed,
    SessionCreated,
)

Source = int | str | Path | Iterable[Picture]
"""A camera's number, a video file, or pictures from anywhere; these may block until the next one is there."""

LiveMessage = SessionCreated | Configured | FrameResult | FrameDropped | FrameError | SessionClosed

LONGEST_MESSAGE = 4_000_000
"""Bytes; an answer about a crowd has some thousands."""

AHEAD = 256
"""Answers that wait for whoever iterates; then the service is no longer read."""

GOODBYE_S = 2.0
"""Longest wait for the service to answer the end of a connection; it comes late where answers were not read."""

THREAD = "duygu-stream"
"""Name of the thread that a session runs in."""

LOOK_S = 0.2
"""Between two looks whether somebody still iterates, while there is no room."""


async def stream_async(
    source: Source, service: Service | None = None, options: Options | None = None
) -> AsyncIterator[LiveMessage]:
    """Send pictures and yield every message that comes back, `session.closed` last.

    Raises SessionBroken when the service ends the session, what the source raises when it fails, and InvalidStatus of
    websockets when there is no such service at the address. Leaving the loop early ends the session as well.
    """
    service = service or Service()
    async with connect(
        service.socket_url,
        additional_headers=service.headers,
        max_size=LONGEST_MESSAGE,
        compression=None,
        close_timeout=GOODBYE_S,
    ) as socket:
        sending = asyncio.create_task(_send(socket, _pictures(source), options))
        closing = asyncio.create_task(_close_after_failure(sending, socket))
        try:
            async for text in socket:
                yield SERVER_MESSAGES.validate_json(text)
        except ConnectionClosed as error:
            raise (_failure(sending) or _broken(socket)) from error
        finally:
            sending.cancel()
            await asyncio.gather(sending, closing, return_exceptions=True)
        if failure := _failure(sending):
            raise failure
        if socket.close_reason != "done":
            raise _broken(socket)


def stream(source: Source, service: Service | None = None, options: Options | None = None) -> Iterator[LiveMessage]:
    """The same without `async`: the session runs in a thread of its own."""
    answers: queue.Queue[LiveMessage | BaseException | None] = queue.Queue(AHEAD)
    left = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_feed(stream_async(source, service, options), answers, left)),
        name=THREAD,
        daemon=True,
    )
    thread.start()
    try:
        while (answer := answers.get()) is not None:
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        left.set()


async def _feed(
    messages: AsyncIterator[LiveMessage],
    answers: "queue.Queue[LiveMessage | BaseException | None]",
    left: threading.Event,
) -> None:
    last: BaseException | None = None
    try:
        async with aclosing(messages):  # type: ignore[type-var] # it is a generator
            async for message in messages:
                if left.is_set():
                    return
                await _hand_over(message, answers, left)
    except Exception as error:  # noqa: BLE001 - whoever iterates waits for an end, whatever it is
        last = error
    await _hand_over(last, answers, left)


async def _hand_over(
    answer: LiveMessage | BaseException | None,
    answers: "queue.Queue[LiveMessage | BaseException | None]",
    left: threading.Event,
) -> None:
    """Wait for room as long as somebody iterates."""
    while not left.is_set():
        try:
            await asyncio.to_thread(answers.put, answer, timeout=LOOK_S)
        except queue.Full:
            continue
        return


async def _send(socket: ClientConnection, pictures: Iterator[Picture], options: Options | None) -> None:
    if options:
        await socket.send(json.dumps({"type": "session.configure", **options.model_dump(mode="json")}))
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
    """What ended the sending, but for the end of the connection, of which the receiving side knows more."""
    error = None if sending.cancelled() or not sending.done() else sending.exception()
    return None if isinstance(error, ConnectionClosed) else error


def _pictures(source: Source) -> Iterator[Picture]:
    if isinstance(source, int):
        return camera(source)
    return video(Path(source)) if isinstance(source, str | Path) else iter(source)


def _broken(socket: ClientConnection) -> SessionBroken:
    return SessionBroken(socket.close_code, socket.close_reason or "")
