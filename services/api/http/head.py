"""HEAD requests: the headers of GET without its body (RFC 9110, section 9.3.2)."""

from anyio import CancelScope
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadMiddleware:
    """Handles HEAD for every GET endpoint. The handler is cancelled once the headers are known."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as GET and cancel it once the headers are known."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]  # defined for GET only
        got = {**scope, "method": "GET", "headers": headers}
        with CancelScope() as handling:

            async def send_head(message: Message) -> None:
                if message["type"] == "http.response.start":
                    scope["route"] = got.get("route")  # AccessLogMiddleware counts requests by route
                    await send(message)
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    handling.cancel()

            try:
                await self._app(got, receive, send_head)
            finally:
                scope["route"] = got.get("route")  # also after an unhandled error before the response
        return None
