"""The program of the conformance suite: the package's whole API, on the standard streams.

The suite plays the plugins. Messages are lists of netstrings, one list a line; `docs/conformance.md` has the commands.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import flipper

_output = threading.Lock()


def tell(*fields: str) -> None:
    data = b",".join(b"%d:%b" % (len(field), field) for field in (field.encode() for field in fields)) + b",\n"
    with _output:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def hear() -> list[str] | None:
    """The next command; `None` at the end."""
    fields: list[str] = []
    stdin = sys.stdin.buffer
    while True:
        digits = b""
        while (byte := stdin.read(1)) != b":":
            if byte in (b"", b"\n") and not digits:
                return None if byte == b"" else fields
            digits += byte
        length = int(digits)
        fields.append(stdin.read(length).decode())
        assert stdin.read(1) == b",", "a netstring ends with a comma"


class Program:
    def __init__(self, options: dict[str, Any], name: str, app_id: str | None) -> None:
        self.options = options
        self.name = name
        self.app_id = app_id
        self.app: flipper.App | None = None
        self.plugins: dict[str, flipper.Plugin] = {}
        self.calls: dict[str, flipper.Call] = {}
        self.lock = threading.Lock()
        self.next_call = 0

    def add(self, id: str, background: str, methods: str) -> None:
        plugin = flipper.Plugin(id, background=background == "1")
        for method in methods.split():
            plugin.call(method)(self.called)
        plugin.on_connect(lambda: tell("connected", id))
        plugin.on_disconnect(lambda: tell("disconnected", id))
        if self.app is not None:
            self.app.add_plugin(plugin)
        elif id in self.plugins:
            raise flipper.DuplicatePlugin(f"a plugin {id} was added before")
        self.plugins[id] = plugin

    def called(self, call: flipper.Call) -> None:
        with self.lock:
            self.next_call += 1
            number = str(self.next_call)
            self.calls[number] = call
        tell("call", number, call.plugin.id, call.method, call.json or "", "1" if call.expects_reply else "0")

    def remove(self, id: str) -> None:
        if self.app is not None:
            self.app.remove_plugin(id)
        elif id not in self.plugins:
            raise flipper.UnknownPlugin(id)
        self.plugins.pop(id, None)

    def start(self) -> None:
        plugins = list(self.plugins.values())
        self.app = flipper.start(self.name, self.app_id, plugins=plugins, observer=tell, **self.options)

    def send(self, id: str, method: str, params: str) -> None:
        self.plugin(id).send_json(method, params or None)

    def respond(self, number: str, outcome: str, json: str) -> None:
        with self.lock:
            call = self.calls.pop(number, None)
        if call is None:
            raise flipper.AlreadyAnswered(number)
        if outcome == "ok":
            call.respond_json(json)
        else:
            call.fail_json(json)

    def report(self, message: str, name: str, stacktrace: str) -> None:
        if self.app is None:
            raise flipper.NotConnected("it was not started")
        self.app.report_error(message, name=name or None, stacktrace=stacktrace or None)

    def waiting(self, id: str) -> None:
        plugin = self.plugin(id)
        tell("waiting", str(plugin.waiting), str(plugin.dropped))

    def stop(self) -> None:
        app, self.app = self.app, None
        if app is None:
            raise flipper.Stopped("it was not started")
        threading.Thread(target=self.end, args=(app,)).start()

    def end(self, app: flipper.App) -> None:
        app.stop()
        tell("stopped")

    def plugin(self, id: str) -> flipper.Plugin:
        if id not in self.plugins:
            raise flipper.UnknownPlugin(id)
        return self.plugins[id]

    def obey(self, command: str, *fields: str) -> None:
        if command not in ("add", "remove", "start", "send", "respond", "report", "waiting", "stop"):
            raise ValueError(f"there is no command {command}")
        getattr(self, command)(*fields)

    def run(self) -> None:
        while (message := hear()) is not None:
            if not message:
                continue
            try:
                self.obey(*message)
            except Exception as error:
                tell("refused", f"{type(error).__name__}: {error}")
            else:
                if message[0] != "waiting":
                    tell("done")
        if self.app is not None:
            self.stop()


def numbers(text: str) -> tuple[int, int]:
    first, second = text.split(",")
    return int(first), int(second)


def main() -> None:
    words = iter(sys.argv[1:])
    name, app_id = "Python Sample", None
    options: dict[str, Any] = {}
    for flag, value in zip(words, words):
        if flag == "--app":
            name = value
        elif flag == "--app-id":
            app_id = value
        elif flag in ("--host", "--directory"):
            options[flag[2:]] = value
        elif flag == "--ports":
            options["ports"] = numbers(value)
        elif flag == "--backoff":
            options["backoff"] = tuple(milliseconds / 1000 for milliseconds in numbers(value))
        elif flag == "--grant":
            options["grant"] = int(value) / 1000
    Program(options, name, app_id).run()


if __name__ == "__main__":
    main()
