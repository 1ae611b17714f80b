"""A live session on its WebSocket: reads frames and commands, writes replies, closes the socket."""

import asyncio
import logging
from typing import Any

from fastapi import WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from duygu.services.api.live.hub import Hub
from duygu.services.api.live.metrics import LiveMetrics
from duygu.services.api.live.session import Session, SessionEnd, State
from duygu.services.api.service import ServiceContext
from duygu.shared.errors import BaselineUnsupportedError, DuyguError, IdleError, LiveError, SlowReaderError
from duygu.shared.live.messages import (
    CLIENT_MESSAGES,
    Close,
    CloseCode,
    Configure,
    Configured,
    FrameError,
    SessionClosed,
    SessionCreated,
    SessionOptions,
)
from duygu.shared.model.label_choice import chosen_labels
from duygu.shared.schemas.base import Schema
from duygu.shared.schemas.model import ModelInfo

logger = logging.getLogger(__name__)

MAX_TEXT_CHARACTERS = 65_536
"""Maximum length of a text message."""

MAX_DETAIL_CHARACTERS = 500
"""Maximum length of an error detail, which may quote the message."""

SEND_TIMEOUT_S = 10.0
"""Timeout of one message to the client."""


class SocketSession:
    """A socket and its session: one task reads, one writes, and the first one to end ends both."""

    def __init__(
        self, socket: WebSocket, hub: Hub, session: Session, service: ServiceContext, metrics: LiveMetrics
    ) -> None:
        self._socket = socket
        self._hub = hub
        self._session = session
        self._model = service.model
        self._metrics = metrics
        self._sending = asyncio.Lock()

    async def run(self) -> SessionEnd:
        """Exchange messages until the session ends; returns the reason."""
        try:
            await self._send(self._created())
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read())
                tasks.create_task(self._write())
        except (SessionEnd, WebSocketDisconnect) as error:
            return _session_end(error)
        except ExceptionGroup as group:
            return _session_end(group.exceptions[0])
        raise AssertionError("the reading and writing tasks end only with an exception")

    def _created(self) -> SessionCreated:
        model = ModelInfo(**self._model.model_dump(include=set(ModelInfo.model_fields)))
        session = self._session
        return SessionCreated(session_id=session.session_id, model=model, limits=session.limits)

    async def _read(self) -> None:
        while True:
            await self._session.can_receive.wait()
            message = await self._receive()
            if self._session.state is not State.OPEN:
                continue  # after `session.close` further messages are ignored
            if (picture := message.get("bytes")) is not None:
                if accepted := self._session.receive(picture):
                    await self._hub.offer(self._session, accepted)
            else:
                await self._handle_command(message.get("text") or "")

    async def _receive(self) -> dict[str, Any]:
        idle_s = self._session.limits.idle_timeout_s
        try:
            async with asyncio.timeout(idle_s):
                message = dict(await self._socket.receive())
        except TimeoutError as error:
            raise SessionEnd(CloseCode.IDLE, IdleError(f"No message arrived for {idle_s:g} s")) from error
        if message["type"] == "websocket.disconnect":
            raise SessionEnd(CloseCode.DONE)
        return message

    async def _handle_command(self, text: str) -> None:
        try:
            command = _parse_command(text)
            if isinstance(command, Configure):
                await self._configure(command)
        except (LiveError, BaselineUnsupportedError) as error:
            await self._send(FrameError(code=error.code, detail=_truncated(error.detail), recoverable=True))
            return
        if isinstance(command, Close):
            await self._hub.offer(self._session, self._session.drain())

    async def _configure(self, command: Configure) -> None:
        options = SessionOptions(**command.model_dump(exclude={"type"}))
        if command.labels is not None:
            try:
                labels = list(chosen_labels(command.labels, self._model.labels))
            except ValueError as error:
                raise LiveError(str(error)) from error
            options = options.model_copy(update={"labels": labels})
        if options.baseline is not None and self._model.relative is None:
            raise BaselineUnsupportedError(f"model {self._model.name} has no predictions relative to a baseline")
        self._session.options = options
        await self._send(Configured(**options.model_dump()))

    async def _write(self) -> None:
        session = self._session
        while True:
            await session.outgoing_ready.wait()
            session.outgoing_ready.clear()
            for message in session.outgoing():
                await self._send(message)
                self._metrics.sent(message)
                if isinstance(message, SessionClosed):
                    raise SessionEnd(CloseCode.DONE)
            if session.end:
                raise session.end

    async def _send(self, message: Schema) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S), self._sending:
                await self._socket.send_text(message.model_dump_json())
        except TimeoutError as error:
            raise SessionEnd(CloseCode.SLOW_READER, SlowReaderError()) from error


async def close(socket: WebSocket, end: SessionEnd, metrics: LiveMetrics) -> None:
    """Close the socket with the reason. A client that does not read receives none."""
    metrics.ends.labels(end.reason).inc()
    try:
        async with asyncio.timeout(1.0):
            if end.error and end.code is not CloseCode.SLOW_READER:
                error = FrameError(code=end.error.code, detail=end.error.detail, recoverable=False)
                await socket.send_text(error.model_dump_json())
            await socket.close(end.code, end.reason)
    except (TimeoutError, WebSocketDisconnect, RuntimeError) as error:
        logger.debug("the client disconnected before the close message: %s", error)


def _truncated(detail: str) -> str:
    return detail if len(detail) <= MAX_DETAIL_CHARACTERS else f"{detail[:MAX_DETAIL_CHARACTERS]}…"


def _parse_command(text: str) -> Configure | Close:
    """Parse a text message. Raises LiveError."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise LiveError(f"The message has {len(text)} characters; the limit is {MAX_TEXT_CHARACTERS}")
    try:
        return CLIENT_MESSAGES.validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        problem = fault["msg"].removeprefix("Value error, ")
        raise LiveError(f"{where}: {problem}" if where else problem) from error


def _session_end(error: Exception) -> SessionEnd:
    """The end of the session from the first exception of its tasks."""
    if isinstance(error, SessionEnd):
        return error
    if isinstance(error, WebSocketDisconnect):
        return SessionEnd(CloseCode.DONE)
    logger.error("a live session ended with an unexpected error", exc_info=error)
    return SessionEnd(CloseCode.INTERNAL, DuyguError())
