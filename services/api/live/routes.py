"""`/v1/stream`: the WebSocket of live sessions. docs/live.md describes the protocol."""

from fastapi import APIRouter, WebSocket

from duygu.services.api.http.same_site import SitePolicy
from duygu.services.api.live.hub import Hub
from duygu.services.api.live.metrics import LiveMetrics
from duygu.services.api.live.session import SessionEnd
from duygu.services.api.live.socket_session import SocketSession, close
from duygu.services.api.service import ServiceContext
from duygu.shared.config.api_keys import Caller, Scope
from duygu.shared.errors import DuyguError, ForbiddenError, TooManySessionsError, UpgradeRequiredError
from duygu.shared.live.messages import CloseCode

router = APIRouter()

SUBPROTOCOL = "duygu"
KEY_SUBPROTOCOL = "duygu.key."
"""Browsers cannot set an Authorization header: they offer the subprotocols `duygu` and `duygu.key.` + key."""


@router.websocket("/v1/stream")
async def live_session(socket: WebSocket) -> None:
    """Run one live session."""
    service: ServiceContext = socket.app.state.service
    hub: Hub = socket.app.state.hub
    live: LiveMetrics = socket.app.state.metrics.live
    offered = [name.strip() for name in socket.headers.get("sec-websocket-protocol", "").split(",")]
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    try:
        _require_same_site(socket)
        caller = _caller(service, socket, offered)
        session = await hub.begin(caller)
    except DuyguError as error:
        code = CloseCode.TOO_MANY_SESSIONS if isinstance(error, TooManySessionsError) else _close_code(error)
        await close(socket, SessionEnd(code, error), live)
        return
    try:
        with live.sessions.track_inprogress():
            end = await SocketSession(socket, hub, session, service, live).run()
        await close(socket, end, live)
    finally:
        await hub.end(session)


@router.get("/v1/stream", include_in_schema=False)
def reject_plain_http() -> None:
    """Reject a plain HTTP request. Raises UpgradeRequiredError."""
    raise UpgradeRequiredError


def _caller(service: ServiceContext, socket: WebSocket, offered: list[str]) -> Caller:
    """Authenticate the client. Raises UnauthorizedError or ForbiddenError."""
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    keys = [name.removeprefix(KEY_SUBPROTOCOL) for name in offered if name.startswith(KEY_SUBPROTOCOL)]
    caller = service.keys.caller(token if scheme.lower() == "bearer" else next(iter(keys), None))
    caller.require(Scope.SUBMIT)
    return caller


def _require_same_site(socket: WebSocket) -> None:
    """Reject pages of other sites: browsers do not apply the same-origin policy to WebSockets.

    Raises HostNotAllowedError or ForbiddenError.
    """
    policy: SitePolicy = socket.app.state.site_policy
    policy.check_host(socket)
    if not policy.is_same_site(socket):
        raise ForbiddenError("A page of another site may not open a live session")


def _close_code(error: DuyguError) -> CloseCode:
    return CloseCode.TRY_AGAIN if error.status == 503 else CloseCode.REFUSED
