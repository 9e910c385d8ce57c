"""Desktops for the tests, ours and the official one: both speak the official UI socket."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

WORKSPACE = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", WORKSPACE / "target"))
OFFICIAL = WORKSPACE / "crates/flipper-conformance/node_modules/flipper-server"

#: It bounds a hang, and says nothing about speed.
PATIENCE = 60.0


class Desk:
    """A desktop that runs, with an eye on all that apps send it."""

    def __init__(self, process: subprocess.Popen[str], ports: tuple[int, int], url: str) -> None:
        self.process = process
        #: For exchanges, and for sessions.
        self.ports = ports
        self._open = ExitStack()
        self._socket = self._open.enter_context(connect(url, max_size=None, ping_interval=None, proxy=None))
        self._changed = threading.Condition()
        self._answers: dict[int, Any] = {}
        self._events: list[tuple[str, Any]] = []
        self._is_over = False
        self._ids = itertools.count(1)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def exec(self, command: str, *args: object) -> Any:
        """Has the desktop carry out a command."""
        number = next(self._ids)
        self._socket.send(json.dumps({"event": "exec", "payload": {"id": number, "command": command, "args": args}}))
        kind, answer = self._wait(lambda: self._answers.pop(number, None), command)
        if kind == "exec-response-error":
            raise RuntimeError(f"{command}: {answer}")
        return answer

    def client(self, app: str) -> str:
        """The id of the app's client, once it is connected."""

        def find() -> str | None:
            return next((client["id"] for client in self.exec("client-list") if client["query"]["app"] == app), None)

        while (id := find()) is None:
            # An event of a client that has gone is taken as well, hence the loop.
            self.event("client-connected", lambda data: data["query"]["app"] == app)
        return id

    def gone(self, app: str) -> None:
        """Waits until no such app is connected."""
        while any(client["query"]["app"] == app for client in self.exec("client-list")):
            self.event("client-disconnected", lambda data: data.get("client", {}).get("query", {}).get("app", app) == app)

    def event(self, name: str, wanted: Callable[[Any], bool] = lambda data: True) -> Any:
        """Takes an event, once it is there."""

        def find() -> Any:
            for at, (event, data) in enumerate(self._events):
                if event == name and wanted(data):
                    del self._events[at]
                    return (data,)
            return None

        return self._wait(find, name)[0]

    def request(self, app: str, method: str, params: object = None) -> Any:
        """Asks an app something, and waits for its answer: all of it."""
        message = {"id": next(self._ids), "method": method}
        if params is not None:
            message["params"] = params
        return self.exec("client-request-response", self.client(app), message)

    def init(self, app: str, plugin: str) -> None:
        """Initialises a plugin. The call that follows finds it initialised."""
        client = self.client(app)
        while plugin not in self.request(app, "getPlugins")["success"]["plugins"]:
            time.sleep(0.01)
        self.exec("client-request", client, {"method": "init", "params": {"plugin": plugin}})

    def deinit(self, app: str, plugin: str) -> None:
        self.exec("client-request", self.client(app), {"method": "deinit", "params": {"plugin": plugin}})

    def call(self, app: str, plugin: str, method: str, params: object = None) -> Any:
        """Calls a method, and returns the answer: an object with `success` or `error`."""
        execute: dict[str, object] = {"api": plugin, "method": method}
        if params is not None:
            execute["params"] = params
        return self.request(app, "execute", execute)

    def message(self, plugin: str, method: str) -> Any:
        """Takes the params of an event of a plugin, once one is there."""

        def is_it(data: Any) -> bool:
            params = json.loads(data["message"]).get("params") or {}
            return bool(params.get("api") == plugin and params.get("method") == method)

        return json.loads(self.event("client-message", is_it)["message"])["params"].get("params")

    def error(self) -> Any:
        """Takes an error that an app reported, once one is there."""
        found = self.event("client-message", lambda data: "error" in json.loads(data["message"]))
        return json.loads(found["message"])["error"]

    def stop(self) -> None:
        """Kills the desktop: its connections end, and nothing is said on them."""
        self._open.close()
        self.process.kill()
        self.process.wait()

    def _read(self) -> None:
        try:
            for text in self._socket:
                frame = json.loads(text)
                payload = frame["payload"]
                with self._changed:
                    if frame["event"] in ("exec-response", "exec-response-error"):
                        self._answers[payload["id"]] = (frame["event"], payload.get("data"))
                    elif frame["event"] == "server-event":
                        self._events.append((payload["event"], payload.get("data")))
                    self._changed.notify_all()
        except Exception:  # noqa: BLE001 - whatever it was, nothing more comes
            pass
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _wait(self, found: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while (answer := found()) is None:
                left = deadline - time.monotonic()
                if self._is_over or left <= 0:
                    raise TimeoutError(f"{what} did not come; there was {self._events}")
                self._changed.wait(left)
        return answer


def start_ours(folder: Path, *flags: str) -> Desk:
    """Starts our desktop, which initialises no plugin by itself."""
    command = [str(TARGET / "debug/flipper"), "desktop", "--json", "--state-dir", str(folder), "--ports", "0,0"]
    command += ["--ui-port", "0", "--no-browser", "--no-android", "--no-idb", "--init", "none", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    started = json.loads(process.stdout.readline())
    # Whatever else it tells must not fill the pipe.
    threading.Thread(target=process.stdout.read, daemon=True).start()
    token = (folder / "desktop/token").read_text().strip()
    ports = started["ports"]
    return Desk(process, (ports["insecure"], ports["secure"]), f"ws://127.0.0.1:{ports['ui']}/?token={token}")


def start_official(folder: Path) -> Desk:
    """Starts the official desktop, with a home directory and ports of its own."""
    package = folder / "package"
    _link(OFFICIAL, package)
    # Its log is turned over after 1 MiB, upon which it dies: where it cannot be opened, it does without.
    (package / "static").mkdir(exist_ok=True)
    (package / "static/flipper-server-log.out").mkdir()
    _link(OFFICIAL / "static", package / "static")
    (folder / "run").mkdir()
    (folder / "home/.flipper").mkdir(parents=True)
    insecure, secure, ui, browser, old_insecure, old_secure = _free_ports(6)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        # Relative: a path that is too long would be replaced by one that all desktops share.
        "XDG_RUNTIME_DIR": "run",
        "FLIPPER_ALT_PORTS": f"{insecure},{secure}",
        "FLIPPER_PORTS": f"{old_insecure},{old_secure}",
        "FLIPPER_BROWSER_PORT": str(browser),
    }
    settings = json.dumps({"enableAndroid": False, "enableIOS": False, "showWelcomeAtStartup": False})
    command = ["node", "--preserve-symlinks", "--preserve-symlinks-main", "package/server.js", "--open=false"]
    command += ["--launcherSettings=false", "--failFast", "--port", str(ui), "--settingsString", settings]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    output = []
    for line in process.stdout:
        output.append(line)
        if "Flipper server started and listening at port" in line:
            break
    else:
        raise RuntimeError(f"the official desktop did not start: {''.join(output)}")
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return Desk(process, (insecure, secure), f"ws://localhost:{ui}/")


def _link(source: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for entry in source.iterdir():
        if not (folder / entry.name).exists() and entry.name != "static":
            (folder / entry.name).symlink_to(entry)


def _free_ports(count: int) -> list[int]:
    """Ports below those that the system gives away by itself, so that they stay free."""
    base = 12_000 + os.getpid() % 700 * 10
    while True:
        sockets = []
        try:
            for port in range(base, base + count):
                listener = socket.socket(socket.AF_INET6)
                sockets.append(listener)
                listener.bind(("::", port))
            return list(range(base, base + count))
        except OSError:
            base += 10
        finally:
            for listener in sockets:
                listener.close()


def official_is_skipped() -> str | None:
    """Why tests with the official desktop are left out, if they are. In CI they never are."""
    reason = os.environ.get("FLIPPER_SKIP_OFFICIAL")
    if reason is None:
        return None
    assert os.environ.get("CI", "") in ("", "0", "false"), "tests with official peers always run in CI"
    assert reason.strip(), "FLIPPER_SKIP_OFFICIAL gives no reason"
    return f"skipped by FLIPPER_SKIP_OFFICIAL: {reason}"
