"""HTTP requests that an ASGI app answers (FastAPI, Starlette, Django, …), as rows of the desktop's Network plugin.

    app.add_middleware(flipper.asgi.Middleware, network=network)
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from ._http import failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any

    from ._flipper import Body, Exchange, Network

    Message = MutableMapping[str, Any]
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Middleware:
    """Records the HTTP requests of an app and what it answers, as they stream by. All else passes as it is."""

    def __init__(self, app: App, network: Network) -> None:
        self._app = app
        self._network = network

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] != "http" or not self._network.is_recording:
            await self._app(scope, receive, send)
            return
        exchange = self._network.request(scope["method"], _url(scope), scope["headers"])
        if exchange is None:
            await self._app(scope, receive, send)
            return
        recording = _Recording(exchange, receive, send)
        try:
            await self._app(scope, recording.receive, recording.send)
        except BaseException as error:
            failed(recording.body or exchange, error)
            raise
        # Whatever has not ended was not read, or not sent, to its end.
        (recording.body or exchange).cancel()
        recording.sent.cancel()


class _Recording:
    def __init__(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        self._exchange = exchange
        self._receive = receive
        self._send = send
        self.sent = exchange.request_body()
        self.body: Body | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.sent.chunk(message.get("body", b""))
            if not message.get("more_body", False):
                self.sent.end()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            self.body = self._exchange.response(status, _reason(status), message.get("headers", ()))
        elif message["type"] == "http.response.body" and self.body is not None:
            self.body.chunk(message.get("body", b""))
            if not message.get("more_body", False):
                self.body.end()
        await self._send(message)


def _url(scope: Scope) -> str:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"host"), None)
    if host is None:
        server, port = scope.get("server") or ("invalid", None)
        host = server if port is None else f"{server}:{port}"
    path = scope.get("raw_path") or quote(scope["path"]).encode()
    query = scope.get("query_string", b"")
    target = path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
    return f"{scope.get('scheme', 'http')}://{host}{target}"


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
