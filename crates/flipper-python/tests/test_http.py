"""HTTP traffic in the desktop's Network plugin."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import requests
import werkzeug.test
from conftest import Start
from desk import Desk

import flipper
import flipper.asgi
import flipper.httpx
import flipper.requests
import flipper.wsgi


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/hello")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/gzip":
            self.answer(gzip.compress(b"zipped"), ("Content-Encoding", "gzip"))
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"short")
            self.close_connection = True
        elif self.path == "/stream":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (b"one", b"two"):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.answer(b"Hello")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(body[::-1])

    def answer(self, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(200)
        for name, value in (("Content-Type", "text/plain"), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def network(desk: Desk, start: Start) -> flipper.Network:
    network = flipper.Network()
    start("Python", desk, plugins=[network])
    desk.init("Python", "Network")
    # The answer comes after the plugin was initialised.
    desk.call("Python", "Network", "mockResponses", {"routes": []})
    return network


def body(row: Any) -> bytes:
    return base64.b64decode(row["data"] or "")


def headers(row: Any) -> dict[str, str]:
    return {header["key"].lower(): header["value"] for header in row["headers"]}


def rows(desk: Desk, count: int = 1) -> tuple[Any, Any]:
    """The request and the response of an exchange."""
    for _ in range(count):
        request = desk.message("Network", "newRequest")
    response = desk.message("Network", "newResponse")
    assert request["id"] == response["id"]
    return request, response


class Clients:
    """The clients that are tested, one like the other."""

    def __init__(self, kind: str, network: flipper.Network) -> None:
        self.kind = kind
        self.network = network

    def request(self, method: str, url: str, content: Any = None, **options: Any) -> tuple[int, bytes]:
        if self.kind == "requests":
            with flipper.requests.record(requests.Session(), self.network) as session:
                got = session.request(method, url, data=content, **options)
                return got.status_code, got.content
        if self.kind == "httpx":
            with httpx.Client(transport=flipper.httpx.Transport(self.network), follow_redirects=True) as client:
                response = client.request(method, url, content=content, **options)
                return response.status_code, response.content
        return asyncio.run(self.send(method, url, content, options))

    async def send(self, method: str, url: str, content: Any, options: dict[str, Any]) -> tuple[int, bytes]:
        if content is not None and not isinstance(content, bytes):
            content = later(content)
        transport = flipper.httpx.AsyncTransport(self.network)
        async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
            response = await client.request(method, url, content=content, **options)
            return response.status_code, response.content


async def later(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.fixture(params=["requests", "httpx", "httpx, async"])
def clients(request: pytest.FixtureRequest, network: flipper.Network) -> Clients:
    return Clients(request.param, network)


def test_a_request_and_its_response_are_a_row(clients: Clients, desk: Desk, url: str) -> None:
    secret = {"Authorization": "Bearer secret", "X-Shown": "yes"}
    assert clients.request("POST", f"{url}/reverse?token=secret&a=1", b"Flipper", headers=secret) == (200, b"reppilF")
    request, response = rows(desk)
    assert (request["method"], request["url"]) == ("POST", f"{url}/reverse?token=REDACTED&a=1")
    assert body(request) == b"Flipper"
    assert (headers(request)["authorization"], headers(request)["x-shown"]) == ("REDACTED", "yes")
    assert (response["status"], response["reason"], body(response)) == (200, "OK", b"reppilF")
    assert headers(response)["content-type"] == "text/plain"


def test_bodies_are_recorded_as_they_stream(clients: Clients, desk: Desk, url: str) -> None:
    assert clients.request("GET", f"{url}/stream") == (200, b"onetwo")
    assert body(rows(desk)[1]) == b"onetwo"
    assert clients.request("POST", f"{url}/", (piece for piece in (b"Fli", b"pper"))) == (200, b"reppilF")
    # It is shown when it goes out, and again when all of it has.
    request, response = rows(desk, 2)
    assert (body(request), body(response)) == (b"Flipper", b"reppilF")


def test_a_compressed_body_is_shown_as_what_it_is(clients: Clients, desk: Desk, url: str) -> None:
    assert clients.request("GET", f"{url}/gzip") == (200, b"zipped")
    _, response = rows(desk)
    encoding = headers(response).get("content-encoding")
    assert (gzip.decompress(body(response)) if encoding == "gzip" else body(response)) == b"zipped"


def test_each_hop_is_a_row(clients: Clients, desk: Desk, url: str) -> None:
    assert clients.request("GET", f"{url}/moved") == (200, b"Hello")
    assert [rows(desk)[1]["status"] for _ in range(2)] == [302, 200]


def test_what_fails_is_shown_as_failed(clients: Clients, desk: Desk, url: str) -> None:
    with pytest.raises(Exception, match=r"."):
        clients.request("GET", "http://127.0.0.1:1/nobody")
    _, response = rows(desk)
    assert response["status"] == -1
    assert "Connect" in response["reason"]
    with pytest.raises(Exception, match=r"."):
        clients.request("GET", f"{url}/short")
    _, response = rows(desk)
    assert response["status"] == -1
    # urllib3 holds it back.
    assert clients.kind == "requests" or body(response) == b"short"


def test_mock_responses_are_given_instead(clients: Clients, desk: Desk) -> None:
    route: dict[str, object] = {"requestUrl": "/teapot", "method": "GET", "data": "short and stout", "status": "418"}
    route |= {"headers": [{"key": "X-Mock", "value": "yes"}], "enabled": True}
    desk.call("Python", "Network", "mockResponses", {"routes": [route]})
    assert clients.request("GET", "http://nowhere.invalid/teapot") == (418, b"short and stout")
    _, response = rows(desk)
    assert (response["status"], body(response), response["isMock"]) == (418, b"short and stout", True)


def test_without_a_desktop_requests_go_on(start: Start, url: str) -> None:
    network = flipper.Network(waiting=(0, 0))
    start("Python", plugins=[network])
    assert not network.is_recording
    for kind in ("requests", "httpx", "httpx, async"):
        assert Clients(kind, network).request("POST", f"{url}/", b"abc") == (200, b"cba")
    assert network.skipped == 3


def test_a_response_that_is_not_read_says_so(desk: Desk, network: flipper.Network, url: str) -> None:
    with httpx.Client(transport=flipper.httpx.Transport(network)) as client, client.stream("GET", f"{url}/stream") as got:
        assert got.status_code == 200
    _, response = rows(desk)
    assert "the rest was not read" in headers(response)["x-flipper-body-cut"] or body(response) == b""
    with flipper.requests.record(requests.Session(), network) as session:
        session.get(f"{url}/stream", stream=True).close()
    assert rows(desk)[1]["status"] == 200


def test_a_file_is_recorded_as_it_is_sent(desk: Desk, network: flipper.Network, url: str) -> None:
    session = flipper.requests.record(requests.Session(), network)
    assert session.post(f"{url}/", data=io.BytesIO(b"from a file")).content == b"elif a morf"
    requests_shown = [desk.message("Network", "newRequest"), desk.message("Network", "newRequest")]
    assert body(requests_shown[-1]) == b"from a file"


def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/fail":
        raise LookupError("no such thing")
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("201 Created", [("Content-Type", "text/plain"), ("Set-Cookie", "secret")])
    return iter([b"got ", body])


def test_a_wsgi_app_is_recorded(desk: Desk, network: flipper.Network) -> None:
    app = flipper.wsgi.Middleware(wsgi_app, network)
    client = werkzeug.test.Client(app)
    response = client.post("/orders/grüße?token=secret", base_url="http://shop.test", data=b"tea")
    assert (response.status_code, response.data) == (201, b"got tea")
    request, answer = rows(desk, 2)
    assert request["url"] == "http://shop.test/orders/gr%C3%BC%C3%9Fe?token=REDACTED"
    assert body(request) == b"tea"
    assert (answer["status"], answer["reason"], body(answer)) == (201, "Created", b"got tea")
    assert headers(answer)["set-cookie"] == "REDACTED"
    with pytest.raises(LookupError):
        client.get("/fail")
    assert rows(desk)[1]["reason"] == "LookupError: no such thing"


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/fail":
        raise LookupError("no such thing")
    message = await receive()
    await send({"type": "http.response.start", "status": 201, "headers": [(b"set-cookie", b"secret"), (b"x-a", b"1")]})
    await send({"type": "http.response.body", "body": b"got ", "more_body": True})
    await send({"type": "http.response.body", "body": bytearray(message["body"])})


def test_an_asgi_app_is_recorded(desk: Desk, network: flipper.Network) -> None:
    async def main() -> None:
        transport = httpx.ASGITransport(flipper.asgi.Middleware(asgi_app, network))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            response = await client.post("/orders?token=secret", content=b"tea")
            assert (response.status_code, response.content) == (201, b"got tea")
            with pytest.raises(LookupError):
                await client.get("/fail")

    asyncio.run(main())
    first = desk.message("Network", "newRequest")
    assert first["url"] == "http://shop.test/orders?token=REDACTED"
    request, answer = rows(desk)
    assert body(request) == b"tea"
    assert (answer["status"], answer["reason"], body(answer)) == (201, "Created", b"got tea")
    assert headers(answer)["set-cookie"] == "REDACTED"
    assert rows(desk)[1]["reason"] == "LookupError: no such thing"


def test_a_stream_passes_while_it_is_recorded(desk: Desk, network: flipper.Network) -> None:
    passed: list[bytes] = []

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for number in range(3):
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": True})
            assert passed[-1] == b"%d" % number
        raise asyncio.CancelledError

    async def main() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            passed.append(message.get("body", b""))

        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "server": ("a", 80)}
        with pytest.raises(asyncio.CancelledError):
            await flipper.asgi.Middleware(endless, network)(scope, receive, send)

    asyncio.run(main())
    shown = [rows(desk)[1]]
    while "not read" not in headers(shown[-1]).get("x-flipper-body-cut", ""):
        shown.append(desk.message("Network", "newResponse"))
    assert body(shown[-1]) == b"012"


def test_what_is_odd_harms_no_app(desk: Desk, network: flipper.Network) -> None:
    exchange = network.request("GET\udc80", "http://a.test/\udc80", [("a", "\udc80"), (b"b", b"\xff"), ("c", 3), None], "text")  # type: ignore[list-item, arg-type]
    assert exchange is not None
    answered = exchange.response(70_000, "\udc80", 5, memoryview(b"view"))  # type: ignore[arg-type]
    answered.chunk(object())  # type: ignore[arg-type]
    answered.end()
    answered.end()
    answered.chunk(b"late")
    exchange.fail("late")
    _, response = rows(desk)
    assert body(response) == b"view"
