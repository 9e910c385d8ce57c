"""An app's Flipper: from its start to its end."""

from __future__ import annotations

import enum
import sys
import threading

from . import _flipper
from ._errors import DuplicatePlugin
from ._flipper import Counters, Network
from ._plugin import Plugin, report_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Literal


class State(str, enum.Enum):
    """Where an app stands with its desktop."""

    #: Not started, or stopped.
    STOPPED = "stopped"
    #: Reading the stored keys and certificates.
    PREPARING = "preparing"
    #: Having certificates issued.
    EXCHANGING = "exchanging certificates"
    #: On the way to a session.
    CONNECTING = "connecting"
    #: In a session.
    CONNECTED = "connected"
    #: In a session with a desktop that leaves pings unanswered.
    UNRESPONSIVE = "connected, but the desktop does not respond"
    #: After a failure, before the next attempt.
    WAITING = "waiting to try again"
    #: Closing the connection: before a new one, or for good.
    CLOSING = "closing"

    def __str__(self) -> str:
        return self.value


def start(
    name: str,
    app_id: str | None = None,
    *,
    plugins: Iterable[Plugin | Network] = (),
    observer: Callable[[str, str], None] | None = None,
    loop: AbstractEventLoop | None = None,
    host: str | None = None,
    ports: tuple[int, int] | None = None,
    directory: str | os.PathLike[str] | None = None,
    os: str | None = None,
    device: str | None = None,
    device_id: str | None = None,
    medium: Literal["fs-access", "www", "none"] | None = None,
    pairing: str | None = None,
    backoff: tuple[float, float] | None = None,
    grant: float | None = None,
    event_pause: float | None = None,
    overflow: Literal["oldest", "newest"] | None = None,
    limits: dict[str, int] | None = None,
    handlers: int | None = None,
) -> App:
    """Starts Flipper for the app of this name, and returns at once. From then on it looks for a desktop, by itself, until it
    is stopped.

    `app_id` is the app's bundle id in reverse-DNS form; by default it is made of the name: `python.my-app` for `My App`.

    - `plugins` are those to begin with.
    - `observer(kind, text)` is told of every `"state"`, `"step"`, `"failed"` and `"misbehaved"`, on a thread of Flipper's.
    - `loop` is the event loop that async callbacks run on: by default the one that runs where this is called.
    - `host` and `ports` (of the exchange, and of sessions) say where the desktop is: by default this machine, and what the
      variable `FLIPPER_ALT_PORTS` says, else 9089 and 9088.
    - `directory` is the app's private directory for keys and certificates: by default in `~/.flipper/apps`.
    - `os`, `device` and `device_id` are what the desktop shows of the machine.
    - `medium` is how certificates reach the app, `pairing` the link that `flipper pair` prints for another machine.
    - `backoff` are the first and the longest wait between attempts, `grant` is how long the desktop's certificates are waited
      for, `event_pause` how long pauses between bursts of events are at least: all of them in seconds.
    - `limits` bounds what waits, and `overflow` says which event goes when there are too many: see the documentation.
    - `handlers` is how many threads call plugins back: by default one, and then everything comes one after the other.

    Raises `StartError`, `InvalidText`, `DuplicatePlugin`. Neither the network nor the disk is ever a reason.
    """
    options: dict[str, object] = {
        "host": host,
        "ports": ports,
        "directory": directory,
        "os": os,
        "device": device,
        "device_id": device_id,
        "medium": medium,
        "pairing": pairing,
        "backoff": backoff,
        "grant": grant,
        "event_pause": event_pause,
        "overflow": overflow,
        "limits": limits,
        "handlers": handlers,
    }
    return App(name, _app_id(name) if app_id is None else app_id, options, list(plugins), observer, loop)


class App:
    """An app's Flipper, made by `start`. It stops when nobody holds it any more.

    It is a context manager, plain and async: at the end of the block it is stopped, and has stopped.
    """

    def __init__(
        self,
        name: str,
        app_id: str,
        options: dict[str, object],
        plugins: list[Plugin | Network],
        observer: Callable[[str, str], None] | None,
        loop: AbstractEventLoop | None,
    ) -> None:
        self._name = name
        self._app_id = app_id
        self._loop = loop or _running_loop()
        self._waiters = _Waiters()
        self._core: _flipper.App | None = None
        self._plugins: dict[str, Plugin] = {}
        for plugin in plugins:
            self._settle(plugin)
        self._core = _flipper.App(name, app_id, options, [_added(plugin) for plugin in plugins], observer)

    @property
    def name(self) -> str:
        """The name that people see."""
        return self._name

    @property
    def app_id(self) -> str:
        """The app's bundle id."""
        return self._app_id

    @property
    def state(self) -> State:
        """Where the app stands with its desktop."""
        return State(self._running.state)

    @property
    def is_connected(self) -> bool:
        """Whether there is a session with a desktop."""
        return self._running.is_connected

    @property
    def last_failure(self) -> str | None:
        """What failed last, also when it is over: what happened, where, and what to do."""
        return self._running.last_failure

    @property
    def counters(self) -> Counters:
        """What was lost, refused or ignored so far."""
        return self._running.counters()

    def wait_connected(self, timeout: float | None = None) -> bool:
        """Waits, for so many seconds at most, until there is a session with a desktop. Says whether there is one: there never
        will be once Flipper has stopped. Other threads run meanwhile."""
        return self._running.wait_connected(timeout)

    async def connected(self) -> bool:
        """As `wait_connected`, without blocking the event loop. `asyncio.wait_for` bounds it."""
        from asyncio import get_running_loop

        loop = get_running_loop()
        self._loop = self._loop or loop
        future = loop.create_future()
        self._waiters.add(future, self._running)
        try:
            # It may have come before anybody waited.
            if self.is_connected or self._is_over:
                return self.is_connected
            return bool(await future)
        finally:
            self._waiters.discard(future)

    def add_plugin(self, plugin: Plugin | Network) -> None:
        """Adds a plugin. A desktop that is connected asks for the plugins anew.

        Raises `DuplicatePlugin`, `Error` where there are too many, `Stopped`.
        """
        running = self._running
        if isinstance(plugin, Plugin) and plugin.id in self._plugins:
            raise DuplicatePlugin(f"{self!r} has a plugin {plugin.id} already")
        self._settle(plugin)
        try:
            running.add_plugin(_added(plugin))
        except BaseException:
            self._forget(plugin)
            raise

    def remove_plugin(self, plugin: Plugin | Network | str) -> None:
        """Removes a plugin. Its calls that are not answered yet are answered with an error.

        Raises `UnknownPlugin`.
        """
        id = plugin if isinstance(plugin, str) else "Network" if isinstance(plugin, Network) else plugin.id
        self._running.remove_plugin(id)
        if id in self._plugins:
            self._forget(self._plugins[id])

    def report_error(self, error: BaseException | str, *, name: str | None = None, stacktrace: str | None = None) -> None:
        """Tells the desktop of an error outside any call: an exception, with its type as name and its traceback, or a message.

        Raises `NotConnected` when no desktop is there: errors do not wait.
        """
        report_error(self._running.connection(""), error, name, stacktrace)

    def stop(self, *, wait: bool = True, timeout: float | None = None) -> bool:
        """Stops: sends what is queued, closes the connection, and never comes back.

        With `wait` it returns when everything has ended and every callback has returned, or after so many seconds. Says
        whether that is so. In async code use `aclose`.

        Raises `InCallback` where a callback of the same app would wait for itself; it stops all the same.
        """
        if wait:
            return self._running.wait_stopped(timeout)
        self._running.stop()
        return self._is_over

    async def aclose(self) -> None:
        """Stops, and waits until everything has ended, without blocking the event loop."""
        from asyncio import get_running_loop

        running = self._running
        running.stop()
        await get_running_loop().run_in_executor(None, running.wait_stopped)

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> App:
        self._loop = self._loop or _running_loop()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<App {self._name}: {'not started' if self._core is None else self.state}>"

    @property
    def _running(self) -> _flipper.App:
        assert self._core is not None
        return self._core

    @property
    def _is_over(self) -> bool:
        return self._core is None or self._core.state == State.STOPPED.value

    def _settle(self, plugin: Plugin | Network) -> None:
        if isinstance(plugin, Plugin):
            plugin._settle(self)
            self._plugins[plugin.id] = plugin

    def _forget(self, plugin: Plugin | Network) -> None:
        if isinstance(plugin, Plugin):
            plugin._app = None
            self._plugins.pop(plugin.id, None)


class _Waiters:
    """Who waits for a session in async code. One thread waits for all of them, from when the first one comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: set[Future[bool]] = set()
        self._is_watched = False

    def add(self, future: Future[bool], app: _flipper.App) -> None:
        with self._lock:
            self._futures.add(future)
            if self._is_watched:
                return
            self._is_watched = True
        threading.Thread(target=self._watch, args=(app.watch(),), name="flipper-watch", daemon=True).start()

    def discard(self, future: Future[bool]) -> None:
        with self._lock:
            self._futures.discard(future)

    def _watch(self, watch: _flipper.Watch) -> None:
        while (state := watch.changed()) is not None:
            if state in (State.CONNECTED.value, State.UNRESPONSIVE.value):
                self._settle(True)
            elif state == State.STOPPED.value:
                self._settle(False)
        self._settle(False)

    def _settle(self, connected: bool) -> None:
        with self._lock:
            futures = list(self._futures)
        for future in futures:
            try:
                future.get_loop().call_soon_threadsafe(_set_result, future, connected)
            except RuntimeError:
                # The loop was closed, and nobody waits any more.
                self.discard(future)


def _set_result(future: Future[bool], connected: bool) -> None:
    if not future.done():
        future.set_result(connected)


def _added(plugin: Plugin | Network) -> Network | tuple[_flipper.PluginCore, Plugin]:
    return (plugin._core, plugin) if isinstance(plugin, Plugin) else plugin


def _running_loop() -> AbstractEventLoop | None:
    # Where nobody has imported asyncio no loop runs, and it takes long to import.
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        loop: AbstractEventLoop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop


def _app_id(name: str) -> str:
    """An id that stays the same as long as the name does, and that a certificate has room for."""
    words = "-".join("".join(c.lower() if c.isascii() and c.isalnum() else " " for c in name).split())
    is_whole = len(words) <= 46 and all(c.isascii() or not c.isalnum() for c in name)
    if words and is_whole:
        return f"python.{words}"
    from zlib import crc32

    digits = f"{crc32(name.encode('utf-8', 'surrogatepass')):08x}"
    return f"python.{words[:46].rstrip('-')}-{digits}" if words else f"python.{digits}"
