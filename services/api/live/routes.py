"""`/v1/stream`: the socket for live video. docs/live.md describes what goes through it."""

import asyncio
import logging
from typing import Any

from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from duygu.services.api.http.site import Site
from duygu.services.api.live.hub import Hub
from duygu.services.api.live.metrics import LiveMetrics
from duygu.services.api.live.session import Session, SessionEnd, State
from duygu.services.api.service import Service
from duygu.shared.api_keys import Caller, Scope
from duygu.shared.errors import (
    DuyguError,
    ForbiddenError,
    IdleError,
    SlowReaderError,
    StreamError,
    TooManySessionsError,
    UpgradeRequiredError,
)
from duygu.shared.live.messages import (
    CLIENT_MESSAGES,
    Close,
    CloseCode,
    Configure,
    Configured,
    FrameError,
    Options,
    SessionClosed,
    SessionCreated,
)
from duygu.shared.model.label_choice import chosen_labels
from duygu.shared.schemas import ModelInfo, Schema

logger = logging.getLogger(__name__)

router = APIRouter()

SUBPROTOCOL = "duygu"
KEY_SUBPROTOCOL = "duygu.key."
"""Browsers cannot send an Authorization header: they offer the subprotocols `duygu` and `duygu.key.` + key."""

MOST_TEXT = 65_536
"""Characters of a text message."""

MOST_DETAIL = 500
"""Characters that are sent of what is wrong with a text message, since it may quote the message."""

READS_WITHIN_S = 10.0
"""A client that takes no answer for so long does not read."""


@router.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    """One live session."""
    service: Service = socket.app.state.service
    hub: Hub = socket.app.state.hub
    live: LiveMetrics = socket.app.state.metrics.live
    offered = [name.strip() for name in socket.headers.get("sec-websocket-protocol", "").split(",")]
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    try:
        _same_site(socket)
        caller = _caller(service, socket, offered)
        session = await hub.begin(caller)
    except DuyguError as error:
        code = CloseCode.TOO_MANY_SESSIONS if isinstance(error, TooManySessionsError) else _close_code(error)
        await _say_goodbye(socket, SessionEnd(code, error), live)
        return
    try:
        with live.sessions.track_inprogress():
            end = await Conversation(socket, hub, session, service, live).run()
        await _say_goodbye(socket, end, live)
    finally:
        await hub.end(session)


@router.get("/v1/stream", include_in_schema=False)
def no_stream() -> None:
    """Raises UpgradeRequiredError: it is no page."""
    raise UpgradeRequiredError


class Conversation:
    """A socket and its session: one task reads, one writes, and whichever ends first ends both."""

    def __init__(self, socket: WebSocket, hub: Hub, session: Session, service: Service, metrics: LiveMetrics) -> None:
        self._socket = socket
        self._hub = hub
        self._session = session
        self._model = service.model
        self._metrics = metrics
        self._sending = asyncio.Lock()

    async def run(self) -> SessionEnd:
        """Talk until the end; returns why it ended."""
        try:
            await self._send(self._created())
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read())
                tasks.create_task(self._write())
        except (SessionEnd, WebSocketDisconnect) as error:
            return _end(error)
        except ExceptionGroup as group:
            return _end(group.exceptions[0])
        raise AssertionError("reading and writing end only with an exception")

    def _created(self) -> SessionCreated:
        model = ModelInfo(**self._model.model_dump(include=set(ModelInfo.model_fields)))
        session = self._session
        return SessionCreated(session_id=session.session_id, model=model, limits=session.limits)

    async def _read(self) -> None:
        while True:
            await self._session.room.wait()
            message = await self._receive()
            if self._session.state is not State.OPEN:
                continue  # the client asked for the end and may not have noticed that it comes
            if (picture := message.get("bytes")) is not None:
                if accepted := self._session.receive(picture):
                    await self._hub.offer(self._session, accepted)
            else:
                await self._obey(message.get("text") or "")

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

    async def _obey(self, text: str) -> None:
        try:
            order = _order(text)
            if isinstance(order, Configure):
                await self._configure(order)
        except StreamError as error:
            await self._send(FrameError(code=error.code, detail=_shortened(error.detail), recoverable=True))
            return
        if isinstance(order, Close):
            await self._hub.offer(self._session, self._session.drain())

    async def _configure(self, order: Configure) -> None:
        options = Options(**order.model_dump(exclude={"type"}))
        if order.labels is not None:
            try:
                labels = list(chosen_labels(order.labels, self._model.labels))
            except ValueError as error:
                raise StreamError(str(error)) from error
            options = options.model_copy(update={"labels": labels})
        self._session.options = options
        await self._send(Configured(**options.model_dump()))

    async def _write(self) -> None:
        session = self._session
        while True:
            await session.news.wait()
            session.news.clear()
            for message in session.outgoing():
                await self._send(message)
                self._metrics.sent(message)
                if isinstance(message, SessionClosed):
                    raise SessionEnd(CloseCode.DONE)
            if session.end:
                raise session.end

    async def _send(self, message: Schema) -> None:
        try:
            async with asyncio.timeout(READS_WITHIN_S), self._sending:
                await self._socket.send_text(message.model_dump_json())
        except TimeoutError as error:
            raise SessionEnd(CloseCode.SLOW_READER, SlowReaderError()) from error


async def _say_goodbye(socket: WebSocket, end: SessionEnd, metrics: LiveMetrics) -> None:
    """Close the socket, saying why; where the client does not read, it does not get to know."""
    metrics.ends.labels(end.reason).inc()
    try:
        async with asyncio.timeout(1.0):
            if end.error and end.code is not CloseCode.SLOW_READER:
                error = FrameError(code=end.error.code, detail=end.error.detail, recoverable=False)
                await socket.send_text(error.model_dump_json())
            await socket.close(end.code, end.reason)
    except (TimeoutError, WebSocketDisconnect, RuntimeError) as error:
        logger.debug("a client left before it was told why: %s", error)


def _shortened(detail: str) -> str:
    return detail if len(detail) <= MOST_DETAIL else f"{detail[:MOST_DETAIL]}…"


def _order(text: str) -> Configure | Close:
    """What a text message asks for. Raises StreamError."""
    if len(text) > MOST_TEXT:
        raise StreamError(f"The message has {len(text)} characters; the limit is {MOST_TEXT}")
    try:
        return CLIENT_MESSAGES.validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise StreamError(f"{where}: {fault['msg']}" if where else fault["msg"]) from error


def _caller(service: Service, socket: WebSocket, offered: list[str]) -> Caller:
    """Who opens the session. Raises UnauthorizedError or ForbiddenError."""
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    keys = [name.removeprefix(KEY_SUBPROTOCOL) for name in offered if name.startswith(KEY_SUBPROTOCOL)]
    caller = service.keys.caller(token if scheme.lower() == "bearer" else next(iter(keys), None))
    caller.require(Scope.SUBMIT)
    return caller


def _same_site(socket: WebSocket) -> None:
    """Refuse pages of other sites, which browsers let open sockets to anywhere.

    Raises HostNotAllowedError or ForbiddenError.
    """
    site: Site = socket.app.state.site
    site.check_host(socket)
    if not site.is_own_page(socket):
        raise ForbiddenError("A page of another site may not open a live session")


def _close_code(error: DuyguError) -> CloseCode:
    return CloseCode.TRY_AGAIN if error.status == 503 else CloseCode.REFUSED


def _end(error: Exception) -> SessionEnd:
    """Why a conversation is over, from what was raised first in it."""
    if isinstance(error, SessionEnd):
        return error
    if isinstance(error, WebSocketDisconnect):
        return SessionEnd(CloseCode.DONE)
    logger.error("a live session ended for a reason that lies with us", exc_info=error)
    return SessionEnd(CloseCode.INTERNAL, DuyguError())
