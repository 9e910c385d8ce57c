"""HTTP requests that a WSGI app answers (Flask, Django, …), as rows of the desktop's Network plugin.

    app.wsgi_app = flipper.wsgi.Middleware(app.wsgi_app, network)
"""

from __future__ import annotations

from urllib.parse import quote

from ._http import failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from ._flipper import Body, Exchange, Network

    Environ = dict[str, Any]
    StartResponse = Callable[..., Any]
    App = Callable[[Environ, StartResponse], Iterable[bytes]]


class Middleware:
    """Records the requests of an app and what it answers, as they stream by."""

    def __init__(self, app: App, network: Network) -> None:
        self._app = app
        self._network = network

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request."""
        if not self._network.is_recording:
            return self._app(environ, start_response)
        exchange = self._network.request(environ["REQUEST_METHOD"], _url(environ), list(_headers(environ)))
        if exchange is None:
            return self._app(environ, start_response)
        recording = _Recording(exchange, environ, start_response)
        try:
            return recording.of(self._app(environ, recording.start_response))
        except BaseException as error:
            recording.failed(error)
            raise


class _Recording:
    """One request and its response, which is what the server iterates over."""

    def __init__(self, exchange: Exchange, environ: Environ, start_response: StartResponse) -> None:
        self._exchange = exchange
        self._start_response = start_response
        self._sent = exchange.request_body()
        self._head: tuple[str, list[tuple[str, str]]] = ("200 OK", [])
        self._body: Body | None = None
        self._pieces: Iterable[bytes] = ()
        length = environ.get("CONTENT_LENGTH") or "0"
        environ["wsgi.input"] = _Input(environ["wsgi.input"], self._sent, int(length) if length.isdigit() else None)

    def of(self, pieces: Iterable[bytes]) -> _Recording:
        self._pieces = pieces
        return self

    def start_response(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
        write = self._start_response(status, headers, *exc_info)
        # As long as nothing was sent, an app may still change its mind.
        self._head = (status, list(headers))

        def record(piece: bytes) -> object:
            self._answered().chunk(piece)
            return write(piece)

        return record

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._pieces:
                self._answered().chunk(piece)
                yield piece
        except BaseException as error:
            self.failed(error)
            raise
        self._answered().end()

    def close(self) -> None:
        """The server has sent all of it, or gives up."""
        self._sent.cancel()
        (self._body or self._exchange).cancel()
        if hasattr(self._pieces, "close"):
            self._pieces.close()

    def failed(self, error: BaseException) -> None:
        failed(self._body or self._exchange, error)

    def _answered(self) -> Body:
        if self._body is None:
            status, _, reason = self._head[0].partition(" ")
            self._body = self._exchange.response(int(status) if status.isdigit() else 0, reason, self._head[1])
        return self._body


class _Input:
    """The body of a request, as the app reads it."""

    def __init__(self, input: Any, body: Body, length: int | None) -> None:
        self._input = input
        self._body = body
        self._length = length
        self._seen = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._input, name)

    def read(self, *args: Any) -> bytes:
        return self._record(self._input.read(*args))

    def readline(self, *args: Any) -> bytes:
        return self._record(self._input.readline(*args))

    def readlines(self, *args: Any) -> list[bytes]:
        return [self._record(line) for line in self._input.readlines(*args)]

    def __iter__(self) -> Iterator[bytes]:
        for line in self._input:
            yield self._record(line)

    def _record(self, piece: bytes) -> bytes:
        self._body.chunk(piece)
        self._seen += len(piece)
        if self._seen == self._length or not piece:
            self._body.end()
        return piece


def _url(environ: Environ) -> str:
    host = environ.get("HTTP_HOST") or f"{environ.get('SERVER_NAME', 'invalid')}:{environ.get('SERVER_PORT', '80')}"
    path = quote(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), safe="/;=,%:@!$&'()*+~", encoding="latin-1", errors="replace")
    query = environ.get("QUERY_STRING")
    return f"{environ.get('wsgi.url_scheme', 'http')}://{host}{path}{f'?{query}' if query else ''}"


def _headers(environ: Environ) -> Iterator[tuple[str, bytes]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            name = name[5:]
        elif name not in ("CONTENT_TYPE", "CONTENT_LENGTH") or not value:
            continue
        yield name.replace("_", "-").title(), value.encode("latin-1", "replace")
