"""Plugins: methods that the desktop calls, and events that the app sends."""

from __future__ import annotations

from weakref import ref

from . import _json
from ._errors import DuplicatePlugin, Error, MethodError, NotAdded, SessionEnded
from ._flipper import Connection, PluginCore, Responder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from ._app import App

    Method = TypeVar("Method", bound=Callable[[Any], Any])
    CallMethod = TypeVar("CallMethod", bound=Callable[["Call"], Any])
    Callback = TypeVar("Callback", bound=Callable[[], Any])


class Call:
    """The desktop calls a method. Answer it with `respond` or `fail`: once, at any time, from any thread or task.

    One that is forgotten answers with an error of the name `NoAnswer`.
    """

    __slots__ = ("_responder", "json", "method", "plugin")

    #: The plugin that is called.
    plugin: Plugin
    #: The method.
    method: str
    #: The params as the desktop has written them; numbers are verbatim here. `None` where it has sent none.
    json: str | None

    def __init__(self, plugin: Plugin, method: str, json: str | None, responder: Responder) -> None:
        self.plugin = plugin
        self.method = method
        self.json = json
        self._responder = responder

    @property
    def params(self) -> Any:
        """The params as Python's values. Missing ones, and `null`, are an empty dict."""
        return _json.loads(self.json)

    @property
    def expects_reply(self) -> bool:
        """Whether the desktop waits for an answer. An error is sent in any case."""
        return self._responder.expects_reply

    @property
    def is_answered(self) -> bool:
        """Whether it was answered."""
        return self._responder.is_answered

    def respond(self, result: object = None) -> None:
        """Answers with a result: any value that JSON has. `None` is sent as `{}`.

        Prefer dicts: the official desktop never completes a call that is answered with `False`, `0` or an empty text.

        Raises `NotJson` (the call can then still be answered), `AlreadyAnswered`, `SessionEnded`.
        """
        self.respond_json("{}" if result is None else _json.dumps(result, f"the result of {self.method}"))

    def respond_json(self, json: str) -> None:
        """Answers with JSON as it is. Raises as `respond` does."""
        self._responder.success(json)

    def fail(self, error: BaseException | str, *, name: str | None = None, stacktrace: str | None = None) -> None:
        """Answers with an error: an exception, with its type as name and its traceback, or a message.

        Raises `AlreadyAnswered`, `SessionEnded`.
        """
        if isinstance(error, BaseException):
            message, its_name, its_stacktrace = _described(error)
            self._responder.error(message, name or its_name, stacktrace or its_stacktrace)
        else:
            self._responder.error(error, name, stacktrace)

    def fail_json(self, json: str) -> None:
        """Answers with an error that is JSON already, an object with `message`, `name` and `stacktrace`."""
        self._responder.error_json(json)

    def __repr__(self) -> str:
        return f"<Call of {self.plugin.id}.{self.method}>"


class Plugin:
    """One side of a plugin: the part in the app. A desktop shows the other side under the same id.

    A plugin with `background` is initialised as soon as the app connects; others only while somebody looks at them.

    Callbacks are plain functions or `async def`. Plain ones run on a thread of Flipper's and should return soon; async ones
    run on the event loop of the app (see `flipper.start`).
    """

    def __init__(self, id: str, *, background: bool = False) -> None:
        self._core = PluginCore(id, background)
        # The app holds the plugin; otherwise an app that nobody else holds would never stop.
        self._app: ref[App] | None = None
        self._connection: Connection | None = None
        self._handlers: dict[str, Callable[[Call], None]] = {}
        self._on_connect: list[Callable[[], Any]] = []
        self._on_disconnect: list[Callable[[], Any]] = []

    @property
    def id(self) -> str:
        """The name that both ends know the plugin by."""
        return self._core.id

    @property
    def background(self) -> bool:
        """Whether the desktop initialises the plugin as soon as the app connects."""
        return self._core.background

    def method(self, name: str) -> Callable[[Method], Method]:
        """Makes the function that follows a method: it is called with the params, and what it returns is the answer.

        An exception is the answer, too: its text, its type as the name, its traceback. `MethodError` says all of it itself.
        """

        def add(function: Method) -> Method:
            self._add(name, _answering(function))
            return function

        return add

    def call(self, name: str) -> Callable[[CallMethod], CallMethod]:
        """As `method`, for a function that gets the `Call` and answers it itself, perhaps later."""

        def add(function: CallMethod) -> CallMethod:
            self._add(name, _handing_over(function))
            return function

        return add

    def on_connect(self, callback: Callback) -> Callback:
        """Calls `callback()` whenever a desktop has initialised the plugin: send then whatever it needs to begin with."""
        self._on_connect.append(callback)
        return callback

    def on_disconnect(self, callback: Callback) -> Callback:
        """Calls `callback()` whenever the desktop has left the plugin, or is gone."""
        self._on_disconnect.append(callback)
        return callback

    def send(self, event: str, params: object = None) -> None:
        """Sends an event, from any thread or task. It never blocks: events wait, within limits, while no desktop has
        initialised the plugin.

        Raises `NotJson`, `InvalidText`, `TooLarge`, `NotAdded`, `UnknownPlugin`, `Stopped`.
        """
        connection = self._connection or self._connected_to()
        connection.send(event, None if params is None else _json.dumps(params, f"the params of {event}"))

    def send_json(self, event: str, json: str | None) -> None:
        """As `send`, for params that are JSON already."""
        self._connected_to().send(event, json)

    @property
    def is_connected(self) -> bool:
        """Whether a desktop has initialised the plugin."""
        return self._connection is not None and self._connection.is_connected

    @property
    def waiting(self) -> int:
        """How many events wait to be sent."""
        return 0 if self._connection is None else self._connection.waiting

    @property
    def dropped(self) -> int:
        """How many events were dropped because too many waited. The desktop is told, too."""
        return 0 if self._connection is None else self._connection.dropped

    @property
    def is_flushed(self) -> bool:
        """Whether everything that was sent so far has left the app."""
        return self._connection is not None and self._connection.is_flushed

    def __repr__(self) -> str:
        return f"<Plugin {self.id}>"

    def _add(self, name: str, handler: Callable[[Call], None]) -> None:
        self._core.add_method(name)
        self._handlers[name] = handler

    def _connected_to(self) -> Connection:
        if self._connection is None:
            raise NotAdded(f"plugin {self.id} was not added to an app yet: pass it to flipper.start, or to app.add_plugin")
        return self._connection

    def _settle(self, app: App) -> None:
        """The plugin is about to be added to an app."""
        former = None if self._app is None else self._app()
        if former is not None and not former._is_over:
            raise DuplicatePlugin(f"plugin {self.id} belongs to {former!r} already; make another one for this app")
        self._app = ref(app)

    def _added(self, connection: Connection) -> None:
        self._connection = connection

    def _connected(self) -> None:
        for callback in self._on_connect:
            self._run(callback)

    def _disconnected(self) -> None:
        for callback in self._on_disconnect:
            self._run(callback)

    def _run(self, callback: Callable[[], Any]) -> None:
        try:
            result = callback()
            if _is_awaitable(result):
                self._spawn(result)
        except Exception:
            _log().exception("a callback of plugin %s failed", self.id)

    def _called(self, method: str, json: str | None, responder: Responder) -> None:
        call = Call(self, method, json, responder)
        try:
            self._handlers[method](call)
        except BaseException as error:
            _fail(call, error)

    def _spawn(self, awaitable: Awaitable[Any], call: Call | None = None, *, answers: bool = False) -> None:
        """Awaits something on the app's loop. What comes of it `answers` the call; an error does so in any case."""
        app = None if self._app is None else self._app()
        loop = None if app is None else app._loop
        if loop is None or loop.is_closed():
            if hasattr(awaitable, "close"):
                awaitable.close()
            why = "has no event loop: start it in a coroutine, or give flipper.start a loop"
            raise Error(f"plugin {self.id} has an async callback, but the app {why if loop is None else 'has closed its loop'}")
        from asyncio import run_coroutine_threadsafe

        async def run() -> None:
            try:
                result = await awaitable
                if call is not None and answers:
                    call.respond(result)
            except BaseException as error:
                if call is None:
                    _log().exception("a callback of plugin %s failed", self.id)
                else:
                    _fail(call, error)
                if not isinstance(error, Exception):
                    raise

        run_coroutine_threadsafe(run(), loop)


def _answering(function: Callable[[Any], Any]) -> Callable[[Call], None]:
    def handle(call: Call) -> None:
        try:
            params = call.params
        except (ValueError, RecursionError) as error:
            call.fail(f"the params of {call.method} are not understood: {error}", name="InvalidParams")
            return
        result = function(params)
        if _is_awaitable(result):
            call.plugin._spawn(result, call, answers=True)
        else:
            call.respond(result)

    return handle


def _handing_over(function: Callable[[Call], Any]) -> Callable[[Call], None]:
    def handle(call: Call) -> None:
        result = function(call)
        if _is_awaitable(result):
            call.plugin._spawn(result, call)

    return handle


def _is_awaitable(result: object) -> bool:
    return hasattr(type(result), "__await__")


def _fail(call: Call, error: BaseException) -> None:
    """Answers with an exception. Where the call has its answer, or its session is over, the app's log has it."""
    if call.is_answered:
        if not isinstance(error, SessionEnded):
            _log().error("a method failed after it had answered: %r", call, exc_info=error)
        return
    try:
        call.fail(error)
    except Error as not_answered:
        _log().debug("%r was not answered: %s", call, not_answered)


def report_error(connection: Connection, error: BaseException | str, name: str | None, stacktrace: str | None) -> None:
    """Tells the desktop of an error outside any call."""
    if isinstance(error, BaseException):
        error, its_name, its_stacktrace = _described(error)
        name, stacktrace = name or its_name, stacktrace or its_stacktrace
    connection.report_error(error, name, stacktrace)


def _described(error: BaseException) -> tuple[str, str, str | None]:
    """The message, the name and the stack trace of an exception, as any desktop can read them."""
    if isinstance(error, MethodError):
        return _readable(error.message), _readable(error.name), error.stacktrace and _readable(error.stacktrace)
    from traceback import format_exception

    stacktrace = "".join(format_exception(type(error), error, error.__traceback__))
    try:
        message = str(error)
    except Exception:
        message = "an error that cannot be written as text"
    return _readable(message or type(error).__name__), type(error).__name__, _readable(stacktrace)


def _readable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _log() -> Any:
    from logging import getLogger

    return getLogger("flipper")
