"""HTTP requests of httpx clients, as rows of the desktop's Network plugin.

    client = httpx.Client(transport=flipper.httpx.Transport(network))
    client = httpx.AsyncClient(transport=flipper.httpx.AsyncTransport(network))

Each hop of a redirect is a row. Mock responses that are set in the desktop are given instead of the server's.
"""

from __future__ import annotations

import httpx

from ._flipper import Body, Exchange, Network
from ._http import failed, passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator


class Transport(httpx.BaseTransport):
    """Records what a client sends and gets through another transport: by default httpx's own, `httpx.HTTPTransport()`.

    A client's `verify`, `cert`, `http2` and `limits` are settings of that transport, so say them there.
    """

    def __init__(self, network: Network, transport: httpx.BaseTransport | None = None) -> None:
        self._network = network
        self._transport = httpx.HTTPTransport() if transport is None else transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request."""
        exchange = _begin(self._network, request)
        if (mock := _mock(self._network, request, exchange)) is not None:
            return mock
        if exchange is None:
            return self._transport.handle_request(request)
        if _streams(request):
            request.stream = _SyncStream(request.stream, exchange.request_body())
        try:
            response = self._transport.handle_request(request)
        except BaseException as error:
            failed(exchange, error)
            raise
        response.stream = _SyncStream(response.stream, _answered(exchange, response))
        return response

    def close(self) -> None:
        """Closes the other transport."""
        self._transport.close()


class AsyncTransport(httpx.AsyncBaseTransport):
    """As `Transport`, for `httpx.AsyncClient`: by default over `httpx.AsyncHTTPTransport()`."""

    def __init__(self, network: Network, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._network = network
        self._transport = httpx.AsyncHTTPTransport() if transport is None else transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request."""
        exchange = _begin(self._network, request)
        if (mock := _mock(self._network, request, exchange)) is not None:
            return mock
        if exchange is None:
            return await self._transport.handle_async_request(request)
        if _streams(request):
            request.stream = _AsyncStream(request.stream, exchange.request_body())
        try:
            response = await self._transport.handle_async_request(request)
        except BaseException as error:
            failed(exchange, error)
            raise
        response.stream = _AsyncStream(response.stream, _answered(exchange, response))
        return response

    async def aclose(self) -> None:
        """Closes the other transport."""
        await self._transport.aclose()


class _SyncStream(httpx.SyncByteStream):
    """Records a body as it streams by."""

    def __init__(self, stream: Iterable[bytes] | AsyncIterable[bytes], body: Body) -> None:
        if not isinstance(stream, httpx.SyncByteStream):
            raise RuntimeError("an async body needs httpx.AsyncClient")
        self._stream = stream
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return passing(self._stream, self._body)

    def close(self) -> None:
        self._body.cancel()
        self._stream.close()


class _AsyncStream(httpx.AsyncByteStream):
    def __init__(self, stream: Iterable[bytes] | AsyncIterable[bytes], body: Body) -> None:
        if not isinstance(stream, httpx.AsyncByteStream):
            raise RuntimeError("a sync body needs httpx.Client")
        self._stream = stream
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                self._body.chunk(piece)
                yield piece
        except BaseException as error:
            failed(self._body, error)
            raise
        self._body.end()

    async def aclose(self) -> None:
        self._body.cancel()
        await self._stream.aclose()


def _begin(network: Network, request: httpx.Request) -> Exchange | None:
    body = None if _streams(request) else request.content
    return network.request(request.method, str(request.url), request.headers.raw, body)


def _streams(request: httpx.Request) -> bool:
    """Whether its body is not there before it is sent."""
    try:
        request.content
    except httpx.RequestNotRead:
        return True
    return False


def _answered(exchange: Exchange, response: httpx.Response) -> Body:
    return exchange.response(response.status_code, response.reason_phrase, response.headers.raw)


def _mock(network: Network, request: httpx.Request, exchange: Exchange | None) -> httpx.Response | None:
    mock = network.mock(request.method, str(request.url))
    if mock is None:
        return None
    status, headers, body = mock
    response = httpx.Response(status, headers=[(k.encode(), v.encode()) for k, v in headers], content=body)
    if exchange is not None:
        exchange.response(status, response.reason_phrase, headers, body, mock=True).end()
    return response
