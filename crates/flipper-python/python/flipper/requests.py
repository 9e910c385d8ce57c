"""HTTP requests of requests' sessions, as rows of the desktop's Network plugin.

    session = flipper.requests.record(requests.Session(), network)

Each hop of a redirect is a row. Mock responses that are set in the desktop are given instead of the server's.
"""

from __future__ import annotations

import io

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from ._flipper import Body, Exchange, Network
from ._http import failed, passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeVar

    Session = TypeVar("Session", bound=requests.Session)


def record(session: Session, network: Network) -> Session:
    """Has everything recorded that a session sends and gets, through the adapters that it has by now, and returns it."""
    for prefix, adapter in list(session.adapters.items()):
        session.mount(prefix, Adapter(network, adapter))
    return session


class Adapter(BaseAdapter):
    """Records what is sent and got through another adapter: by default requests' own, `HTTPAdapter()`."""

    def __init__(self, network: Network, adapter: BaseAdapter | None = None) -> None:
        super().__init__()
        self._network = network
        self._adapter = HTTPAdapter() if adapter is None else adapter

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Sends a request."""
        method, url, sent = request.method or "", request.url or "", request.body
        known = sent.encode() if isinstance(sent, str) else sent if isinstance(sent, bytes) else None
        exchange = self._network.request(method, url, list(request.headers.items()), known)
        if (mock := self._network.mock(method, url)) is not None:
            return _mocked(request, mock, exchange)
        if exchange is None:
            return self._adapter.send(request, *args, **kwargs)
        if sent is not None and known is None:
            body: Any = sent
            recorder = exchange.request_body()
            request.body = _File(body, recorder) if hasattr(body, "read") else passing(body, recorder)  # type: ignore[assignment]
        try:
            response = self._adapter.send(request, *args, **kwargs)
        except BaseException as error:
            failed(exchange, error)
            raise
        # What requests hands on is decoded by then.
        answered = exchange.response(response.status_code, response.reason or "", _headers(response), decoded=True)
        response.raw = _Raw(response.raw, answered)
        return response

    def close(self) -> None:
        """Closes the other adapter."""
        self._adapter.close()


class _Passing:
    """Something that is used as before, but for what is recorded of it."""

    def __init__(self, inner: Any, body: Body) -> None:
        self._inner = inner
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        try:
            piece: bytes = self._inner.read(*args, **kwargs)
        except BaseException as error:
            failed(self._body, error)
            raise
        size = args[0] if args else kwargs.get("amt", -1)
        self._body.chunk(piece if isinstance(piece, bytes) else str(piece).encode())
        if size is None or size < 0 or (size > 0 and not piece):
            self._body.end()
        return piece


class _File(_Passing):
    """The body of a request that is read from a file."""

    def __iter__(self) -> Iterator[bytes]:
        return passing(self._inner, self._body)


class _Raw(_Passing):
    """The body of a response."""

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        return passing(self._inner.stream(*args, **kwargs), self._body)

    def __iter__(self) -> Iterator[bytes]:
        return passing(self._inner, self._body)

    def release_conn(self) -> None:
        self._body.cancel()
        self._inner.release_conn()

    def close(self) -> None:
        self._body.cancel()
        self._inner.close()


def _headers(response: requests.Response) -> list[tuple[str, str]]:
    """Each header as often as it came."""
    headers = getattr(response.raw, "headers", None)
    return list((response.headers if headers is None else headers).items())


def _mocked(
    request: requests.PreparedRequest, mock: tuple[int, list[tuple[str, str]], bytes], exchange: Exchange | None
) -> requests.Response:
    status, headers, body = mock
    raw = HTTPResponse(io.BytesIO(body), HTTPHeaderDict(headers), status, preload_content=False)
    if exchange is not None:
        exchange.response(status, "", headers, body, mock=True).end()
    response: requests.Response = HTTPAdapter().build_response(request, raw)
    return response
