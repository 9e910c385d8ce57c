"""An app, its plugins and a desktop."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from conftest import Start
from desk import Desk

import flipper


def test_a_plugin_answers_calls_and_sends_events(any_desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example", background=True)

    @plugin.method("reverse")
    def reverse(params: dict[str, str]) -> dict[str, str]:
        return {"word": params["word"][::-1]}

    connected = threading.Event()
    plugin.on_connect(connected.set)
    app = start("Python", any_desk, plugins=[plugin])
    plugin.send("early", {"number": 10**30})

    assert app.wait_connected(60)
    assert app.state == "connected"
    background = any_desk.request("Python", "getBackgroundPlugins")
    assert background["success"]["plugins"] == ["Example"]
    any_desk.init("Python", "Example")
    assert any_desk.call("Python", "Example", "reverse", {"word": "Flipper"})["success"] == {"word": "reppilF"}
    assert connected.wait(60)
    plugin.send("row", {"title": "grüße 🐍", "numbers": [1, 2.5, True, None]})
    assert any_desk.message("Example", "early") == {"number": 10**30}
    assert any_desk.message("Example", "row") == {"title": "grüße 🐍", "numbers": [1, 2.5, True, None]}

    assert app.stop()
    assert app.state == flipper.State.STOPPED
    any_desk.gone("Python")


def test_what_a_method_raises_is_the_answer(any_desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")

    @plugin.method("divide")
    def divide(params: dict[str, int]) -> float:
        return params["a"] / params["b"]

    @plugin.method("refuse")
    def refuse(params: object) -> None:
        raise flipper.MethodError("not today", name="Refused", stacktrace="here")

    start("Python", any_desk, plugins=[plugin])
    any_desk.init("Python", "Example")

    error = any_desk.call("Python", "Example", "divide", {"a": 1, "b": 0})["error"]
    assert (error["message"], error["name"]) == ("division by zero", "ZeroDivisionError")
    assert 'return params["a"] / params["b"]' in error["stacktrace"]
    error = any_desk.call("Python", "Example", "divide")["error"]
    assert (error["message"], error["name"]) == ("'a'", "KeyError")
    error = any_desk.call("Python", "Example", "refuse")["error"]
    assert error == {"message": "not today", "name": "Refused", "stacktrace": "here"}
    error = any_desk.call("Python", "Example", "unknown")["error"]
    assert "unknown" in error["message"]


def test_a_call_may_be_answered_later_and_by_another_thread(desk: Desk, start: Start) -> None:
    plugin = flipper.Plugin("Example")
    answers: list[str] = []

    @plugin.call("later")
    def later(call: flipper.Call) -> None:
        assert call.expects_reply
        assert call.json == '{"number":1.10}' or call.json is not None

        def answer() -> None:
            call.respond({"params": call.params})
            with pytest.raises(flipper.AlreadyAnswered):
                call.respond({})
            with pytest.raises(flipper.AlreadyAnswered):
                call.fail("too late")
            answers.append("once")

        thread = threading.Thread(target=answer)
        thread.start()
        thread.join()

    @plugin.call("never")
    def never(call: flipper.Call) -> None:
        pass

    start("Python", desk, plugins=[plugin])
    desk.init("Python", "Example")
    assert desk.call("Python", "Example", "later", {"a": [1]})["success"] == {"params": {"a": [1]}}
    assert answers == ["once"]
    assert desk.call("Python", "Example", "never")["error"]["name"] == "NoAnswer"


def test_plugins_come_and_go(desk: Desk, start: Start) -> None:
    first, second = flipper.Plugin("First"), flipper.Plugin("Second")
    app = start("Python", desk, plugins=[first])
    left = threading.Event()
    second.on_disconnect(left.set)
    app.add_plugin(second)
    with pytest.raises(flipper.DuplicatePlugin):
        app.add_plugin(flipper.Plugin("Second"))
    desk.init("Python", "Second")
    app.remove_plugin(first)
    with pytest.raises(flipper.UnknownPlugin):
        app.remove_plugin("First")
    with pytest.raises(flipper.UnknownPlugin):
        first.send("row")
    desk.deinit("Python", "Second")
    assert left.wait(60)
    assert desk.request("Python", "getPlugins")["success"]["plugins"] == ["Second"]
    # One that was removed may be added again.
    app.add_plugin(first)
    first.send("row")


def test_errors_are_reported(any_desk: Desk, start: Start) -> None:
    app = start("Python", any_desk)
    assert app.wait_connected(60)
    any_desk.client("Python")
    try:
        raise LookupError("nothing is there")
    except LookupError as error:
        app.report_error(error)
    reported = any_desk.error()
    assert (reported["message"], reported["name"]) == ("nothing is there", "LookupError")
    assert "LookupError: nothing is there" in reported["stacktrace"]


def test_an_observer_is_told_of_the_way(desk: Desk, start: Start) -> None:
    told: list[tuple[str, str]] = []
    connected = threading.Event()

    def observe(kind: str, text: str) -> None:
        told.append((kind, text))
        if text == "connected":
            connected.set()

    app = start("Python", desk, observer=observe)
    assert connected.wait(60)
    app.stop()
    assert ("state", "exchanging certificates") in told
    assert [text for kind, text in told if kind == "state"][-1] == "stopped"
    assert {kind for kind, _ in told} <= {"state", "step", "failed", "misbehaved"}
    assert any(kind == "step" for kind, _ in told)


def test_without_a_desktop_it_says_what_failed(start: Start) -> None:
    app = start("Python")
    assert app.wait_connected(0) is False
    failed = threading.Event()
    other = start("Other", observer=lambda kind, text: failed.set() if kind == "failed" else None)
    assert failed.wait(60)
    assert other.last_failure is not None
    assert "nobody listens there; start the desktop" in other.last_failure
    assert not app.is_connected


def test_an_app_that_nobody_holds_stops(desk: Desk, start: Start, tmp_path: Any) -> None:
    plugin, network = flipper.Plugin("Example"), flipper.Network()
    plugin.method("echo")(lambda params: params)
    options: dict[str, Any] = {"ports": desk.ports, "host": "127.0.0.1", "directory": tmp_path / "forgotten"}
    app = flipper.start("Forgotten", plugins=[plugin, network], **options)
    assert app.wait_connected(60)
    del app
    desk.gone("Forgotten")
