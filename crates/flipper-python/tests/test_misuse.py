"""Whatever an app does wrong is an exception that says what, where, and what to do."""

from __future__ import annotations

import datetime
import enum
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import Start
from desk import Desk

import flipper


class Colour(enum.Enum):
    RED = 1


def in_a_circle() -> list[object]:
    circle: list[object] = []
    circle.append(circle)
    return circle


def too_deep() -> list[object]:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    return deep


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"bytes", "bytes are no JSON: where they are text, send value.decode()"),
        ({"a": [bytearray(b"x")]}, "bytearray are no JSON"),
        (datetime.date(2026, 1, 1), "a value of type date is no JSON"),
        (Colour.RED, "a value of type Colour is no JSON"),
        ({1, 2}, "a value of type set is no JSON"),
        (object(), "make it of dicts, lists, texts, numbers, booleans and None"),
        ({(1, 2): 3}, "keys must be str"),
        (float("nan"), "not JSON compliant"),
        ([float("inf")], "not JSON compliant"),
        (in_a_circle(), "Circular reference"),
        (too_deep(), "nested too deeply"),
        (10**5000, "integer string conversion"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_json_is_refused(start: Start, value: object, why: str) -> None:
    plugin = flipper.Plugin("Example")
    start("Python", plugins=[plugin])
    with pytest.raises(flipper.NotJson, match="the params of row: ") as refused:
        plugin.send("row", value)
    assert why in str(refused.value)
    assert plugin.waiting == 0


def test_surrogates_are_no_text(start: Start) -> None:
    plugin = flipper.Plugin("Example")
    app = start("Python", plugins=[plugin])
    # As the name of a file comes that is no UTF-8.
    name = os.fsdecode(b"\xff.txt")
    for misuse in (
        lambda: plugin.send("row", {"name": name}),
        lambda: plugin.send("row", {name: 1}),
        lambda: plugin.send(name, {}),
        lambda: plugin.send_json("row", f'"{name}"'),
        lambda: plugin.method(name)(print),
        lambda: app.remove_plugin(name),
        lambda: flipper.Plugin(name),
        lambda: flipper.start(name),
        lambda: app.report_error(name),
    ):
        with pytest.raises(flipper.InvalidText, match="surrogates, which are no characters"):
            misuse()


@pytest.mark.parametrize("json", ["", "{", "{} {}", "nul", "'a'", "[1,]", "NaN", "\x00"])
def test_json_that_is_none_is_refused(start: Start, json: str) -> None:
    plugin = flipper.Plugin("Example")
    start("Python", plugins=[plugin])
    with pytest.raises(flipper.NotJson, match="the params"):
        plugin.send_json("row", json)


def test_json_goes_out_verbatim(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")

    @plugin.call("echo")
    def echo(call: flipper.Call) -> None:
        assert call.json is not None
        call.respond_json(call.json)

    start("Python", desk, plugins=[plugin])
    desk.init("Python", "Example")
    number = 2**200
    assert desk.call("Python", "Example", "echo", {"number": number, "half": 0.5})["success"]["number"] == number


def test_a_message_beyond_the_limit_is_refused(start: Start) -> None:
    plugin = flipper.Plugin("Example")
    start("Python", plugins=[plugin], limits={"message_bytes": 1000})
    with pytest.raises(flipper.TooLarge) as refused:
        plugin.send("row", "x" * 1000)
    assert refused.value.size > 1000
    assert refused.value.max == 1000


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    for options, why in (
        ({"medium": "pigeon"}, 'medium must be "fs-access", "www" or "none"'),
        ({"medium": "www"}, "needs a pairing"),
        ({"overflow": "all"}, "overflow must be"),
        ({"limits": {"everything": 1}}, 'limits has "everything"; there are message_bytes'),
        ({"backoff": (-1.0, 1.0)}, "backoff is -1, which is no time in seconds"),
        ({"grant": float("nan")}, "grant is NaN"),
        ({"ports": (1, 70_000)}, "ports is (1, 70000): OverflowError"),
        ({"ports": "1,2"}, "ports is '1,2'"),
        ({"handlers": 0}, "handlers is 0"),
        ({"limits": {"plugins": -1}}, "plugins is -1"),
        ({"host": os.fsdecode(b"\xff")}, "host is '\\udcff'"),
        ({"pairing": "https://example.com"}, "pair"),
    ):
        arguments: Any = options
        with pytest.raises(flipper.StartError) as refused:
            flipper.start("Python", directory=tmp_path, **arguments)
        assert why in str(refused.value)
    with pytest.raises(flipper.StartError, match="pairing is no text") as refused:
        flipper.start("Python", directory=tmp_path, pairing=f"flipper://pair?secret=hidden&{os.fsdecode(bytes([255]))}")
    assert "hidden" not in str(refused.value)
    with pytest.raises(flipper.StartError, match="the app's name is empty"):
        flipper.start("", "com.example", directory=tmp_path)
    with pytest.raises(flipper.DuplicatePlugin, match='two plugins have the id "A"'):
        flipper.start("Python", directory=tmp_path, plugins=[flipper.Plugin("A"), flipper.Plugin("A")])


def test_a_plugin_belongs_to_one_app(start: Start, tmp_path: Path) -> None:
    plugin = flipper.Plugin("Example")
    with pytest.raises(flipper.NotAdded, match="pass it to flipper.start"):
        plugin.send("row")
    app = start("Python", plugins=[plugin])
    with pytest.raises(flipper.DuplicatePlugin, match="make another one"):
        start("Other", plugins=[plugin])
    app.stop()
    start("Other", plugins=[plugin])
    plugin.send("row")


def test_a_stopped_app_refuses_everything(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")
    app = start("Python", desk, plugins=[plugin])
    assert app.stop()
    assert app.stop(), "a second stop has nothing to wait for"
    with pytest.raises(flipper.Stopped, match="start another one"):
        plugin.send("row")
    with pytest.raises(flipper.Stopped):
        app.report_error("too late")
    assert app.wait_connected() is False
    assert app.wait_connected(0.1) is False
    assert not plugin.is_connected


def test_errors_do_not_wait_for_a_desktop(start: Start) -> None:
    app = start("Python")
    with pytest.raises(flipper.NotConnected, match="errors do not wait"):
        app.report_error("nobody hears this")


def test_an_answer_after_the_session_is_refused(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")
    calls: list[flipper.Call] = []
    called, left = threading.Event(), threading.Event()

    @plugin.call("hold")
    def hold(call: flipper.Call) -> None:
        calls.append(call)
        called.set()

    plugin.on_disconnect(left.set)
    app = start("Python", desk, plugins=[plugin])
    desk.init("Python", "Example")
    threading.Thread(target=lambda: pytest.raises(Exception, desk.call, "Python", "Example", "hold"), daemon=True).start()
    assert called.wait(60)
    desk.stop()
    assert left.wait(60)
    with pytest.raises(flipper.SessionEnded):
        calls[0].respond({})
    with pytest.raises(flipper.AlreadyAnswered):
        calls[0].respond({})
    app.stop()


def test_a_result_that_is_no_json_may_be_replaced(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")

    @plugin.call("second")
    def second(call: flipper.Call) -> None:
        with pytest.raises(flipper.NotJson, match="the result of second"):
            call.respond(b"bytes")
        call.respond({"tries": 2})

    @plugin.method("never")
    def never(params: object) -> bytes:
        return b"bytes"

    start("Python", desk, plugins=[plugin])
    desk.init("Python", "Example")
    assert desk.call("Python", "Example", "second")["success"] == {"tries": 2}
    assert desk.call("Python", "Example", "never")["error"]["name"] == "NotJson"


def test_a_callback_may_stop_its_app_but_not_wait_for_that(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")
    outcomes: list[object] = []
    done = threading.Event()

    @plugin.call("stop")
    def stop(call: flipper.Call) -> None:
        call.respond({})
        try:
            app.stop()
        except flipper.InCallback as error:
            outcomes.append(error)
        outcomes.append(app.stop(wait=False))
        done.set()

    app = start("Python", desk, plugins=[plugin])
    desk.init("Python", "Example")
    desk.call("Python", "Example", "stop")
    assert done.wait(60)
    assert isinstance(outcomes[0], flipper.InCallback)
    assert app.stop()
    desk.gone("Python")


def test_threads_send_and_stop_at_once(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")
    app = start("Python", desk, plugins=[plugin])
    desk.init("Python", "Example")
    unexpected: list[BaseException] = []
    barrier = threading.Barrier(5)

    def send() -> None:
        barrier.wait()
        try:
            for number in range(100_000):
                plugin.send("row", {"number": number})
        except flipper.Stopped:
            pass
        except BaseException as error:
            unexpected.append(error)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    barrier.wait()
    assert desk.message("Example", "row") is not None
    stopping = [threading.Thread(target=app.stop) for _ in range(2)]
    for thread in [*stopping, *threads]:
        if thread in stopping:
            thread.start()
    for thread in [*stopping, *threads]:
        thread.join()
    assert unexpected == []
    assert app.state == flipper.State.STOPPED


def test_events_beyond_the_limit_are_counted(start: Start) -> None:
    plugin = flipper.Plugin("Example")
    app = start("Python", plugins=[plugin], limits={"buffered_events": 10})
    for number in range(25):
        plugin.send("row", number)
    assert (plugin.waiting, plugin.dropped) == (10, 15)
    assert app.counters.events_dropped == 15


def test_callbacks_that_fail_harm_nobody(desk: Desk, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    plugin = flipper.Plugin("Example")
    second = threading.Event()

    @plugin.on_connect
    def fail() -> None:
        raise RuntimeError("on_connect fails")

    plugin.on_connect(second.set)

    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("and is not even text")

    @plugin.method("unprintable")
    def unprintable(params: object) -> None:
        raise Unprintable

    @plugin.method("exit")
    def exit(params: object) -> None:
        raise SystemExit(3)

    start("Python", desk, plugins=[plugin])
    desk.init("Python", "Example")
    assert second.wait(60)
    assert "a callback of plugin Example failed" in caplog.text
    assert desk.call("Python", "Example", "unprintable")["error"]["name"] == "Unprintable"
    assert desk.call("Python", "Example", "exit")["error"]["name"] == "SystemExit"
