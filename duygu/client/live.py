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
from shared.stream_frames import pack
from shared.stream_messages import (
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


async def stream_async(
    source: Source, service: Service | None = None, options: Options | None = None
) -> AsyncIterator[LiveMessage]:
    """Send pictures and yield every message that comes back, `session.closed` last.

    Raises SessionBroken when the service ends the session. Leaving the loop early ends it as well.
    """
    service = service or Service()
    async with connect(
        service.socket_url, additional_headers=service.headers, max_size=LONGEST_MESSAGE, compression=None
    ) as socket:
        sending = asyncio.create_task(_send(socket, _pictures(source), options))
        try:
            async for text in socket:
                yield SERVER_MESSAGES.validate_json(text)
        except ConnectionClosed as error:
            raise _broken(socket) from error
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if socket.close_reason != "done":
            raise _broken(socket)


def stream(source: Source, service: Service | None = None, options: Options | None = None) -> Iterator[LiveMessage]:
    """The same without `async`: the session runs in a thread of its own."""
    answers: queue.Queue[LiveMessage | BaseException | None] = queue.Queue(AHEAD)
    left = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_feed(stream_async(source, service, options), answers, left)), daemon=True
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
                await asyncio.to_thread(answers.put, message)
    except (SessionBroken, ConnectionClosed, OSError) as error:
        last = error
    if not left.is_set():
        await asyncio.to_thread(answers.put, last)


async def _send(socket: ClientConnection, pictures: Iterator[Picture], options: Options | None) -> None:
    if options:
        await socket.send(json.dumps({"type": "session.configure", **options.model_dump(mode="json")}))
    number = 0
    while (picture := await asyncio.to_thread(next, pictures, None)) is not None:
        number += 1
        await socket.send(pack(picture.data, number, picture.captured_at))
    await socket.send(json.dumps({"type": "session.close"}))


def _pictures(source: Source) -> Iterator[Picture]:
    if isinstance(source, int):
        return camera(source)
    return video(Path(source)) if isinstance(source, str | Path) else iter(source)


def _broken(socket: ClientConnection) -> SessionBroken:
    return SessionBroken(socket.close_code, socket.close_reason or "")
