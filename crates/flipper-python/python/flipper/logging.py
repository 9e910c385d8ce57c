"""What the app logs, as rows of the plugin `rust-logs` in the desktop.

    handler = flipper.logging.Handler()
    logging.getLogger().addHandler(handler)
    app = flipper.start("My App", plugins=[handler.plugin])
"""

from __future__ import annotations

import itertools
import logging
import threading
import time

from . import _json
from ._errors import Error, InvalidText, MethodError, TooLarge
from ._flipper import Connection
from ._plugin import Plugin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The id that both ends know the plugin by.
ID = "rust-logs"

#: What every record has, and what formatters add to it.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_LEVELS = {
    "trace": 1,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "off": logging.CRITICAL + 1_000,
}

#: The largest integer up to which a JavaScript number holds every one.
_MAX_SAFE = 2**53 - 1


class Handler(logging.Handler):
    """Shows records in the desktop. Its `plugin` goes to `flipper.start`; what is logged before is not recorded.

    - `filter` says what is recorded until the desktop chooses otherwise, in the form of Rust's `RUST_LOG`: a level, and levels
      of loggers, as in `info,my_app.db=debug,urllib3=off`. A logger's own level counts as well: what it does not let through
      reaches no handler.
    - `waiting` is how many records, and how many bytes of them, wait until a desktop comes: the first ones.
    - `text_limit` is how many characters of a message, or of a field, are shown.

    Records of the logger `flipper` are never shown, nor what is logged while a record is being made.
    """

    def __init__(
        self,
        level: int | str = logging.NOTSET,
        *,
        filter: str = "info",
        waiting: tuple[int, int] = (1_000, 512 << 10),
        text_limit: int = 16 << 10,
    ) -> None:
        super().__init__(level)
        self._default = _Directives(filter)
        self._directives = self._default
        self._waiting = waiting
        self._text_limit = text_limit
        self._ids = itertools.count(1)
        self._at_work = threading.local()
        #: Whether a record would get anywhere.
        self._is_open = False
        self._is_connected = False
        self._waiting_events = 0
        self._waiting_bytes = 0
        self._skipped = 0
        self._closed_at = 0
        self.plugin: Plugin = _LogsPlugin(self)

    @property
    def directives(self) -> str:
        """What is recorded. Set another text to record something else from now on; an empty one brings back the default.

        Raises `ValueError` for one that is not understood.
        """
        return str(self._directives)

    @directives.setter
    def directives(self, directives: str) -> None:
        self._directives = _Directives(directives) if directives.strip() else self._default

    @property
    def skipped(self) -> int:
        """How many records no desktop will see, because none was there and no more could wait."""
        return self._skipped

    def handle(self, record: logging.LogRecord) -> bool:
        """Shows a record, unless nobody would see it. Nothing is locked: threads may log side by side."""
        if not self._is_open:
            self._skipped += 1
            return False
        if record.levelno < self._directives.level(record.name) or getattr(self._at_work, "yes", False):
            return False
        if not self.filter(record):
            return False
        self._at_work.yes = True
        try:
            self.emit(record)
        except Exception:
            self.handleError(record)
        finally:
            self._at_work.yes = False
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Sends a record."""
        self._send(_json.dumps(self._row(record), "the record"))

    def _row(self, record: logging.LogRecord) -> dict[str, object]:
        fields = {name: self._value(value) for name, value in vars(record).items() if name not in _STANDARD}
        level = _level(record.levelno)
        if record.levelname not in (level, "WARNING"):
            fields["levelname"] = record.levelname
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = self._text((self.formatter or _FORMATTER).formatException(record.exc_info))
        if record.stack_info:
            fields["stack"] = self._text(record.stack_info)
        where = record.module if record.funcName in (None, "<module>") else f"{record.module}.{record.funcName}"
        return {
            "id": next(self._ids),
            "time": int(record.created * 1000),
            "level": level,
            "target": record.name,
            "message": self._text(record.getMessage()),
            "fields": fields,
            "spans": [],
            "file": record.pathname,
            "line": record.lineno,
            "module": where,
            "thread": record.threadName or "",
        }

    def _value(self, value: object) -> object:
        """A field as the desktop shows it: numbers that JavaScript would round are texts, and so is whatever JSON has not."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int(value) if -_MAX_SAFE <= value <= _MAX_SAFE else str(value)
        if isinstance(value, float):
            return value if value - value == 0 else str(value)
        return self._text(value if isinstance(value, str) else repr(value))

    def _text(self, text: str) -> str:
        left_out = len(text) - self._text_limit
        return text if left_out <= 0 else f"{text[: self._text_limit]}… ({left_out} more characters)"

    def _send(self, row: str) -> None:
        if not self._is_connected and not self._has_room(len(row)):
            self._skipped += 1
            return
        try:
            try:
                self.plugin.send_json("log", row)
            except InvalidText:
                self.plugin.send_json("log", row.encode("utf-8", "replace").decode())
        except TooLarge:
            self._skipped += 1
            raise
        except Error:
            # The app has stopped, or has no such plugin any more: nothing gets anywhere.
            self._is_open = False

    def _has_room(self, size: int) -> bool:
        """Takes the room that a row needs while nobody looks. Threads that do so at once may take a little more."""
        events, bytes = self._waiting_events + 1, self._waiting_bytes + size
        if events <= self._waiting[0] and bytes <= self._waiting[1]:
            self._waiting_events, self._waiting_bytes = events, bytes
            return True
        self._closed_at = int(time.time() * 1000)
        self._is_open = self._is_connected
        return False

    def _added(self) -> None:
        self._is_open = True

    def _connected(self) -> None:
        self._is_connected = self._is_open = True
        closed_at, self._closed_at = self._closed_at, 0
        if closed_at:
            now = int(time.time() * 1000)
            message = (
                f"the events of {(now - closed_at) // 1000} s are missing here: no desktop was there, and there was no more room "
                "for events that wait"
            )
            gap = {"id": next(self._ids), "time": now, "level": "WARN", "target": ID, "message": message}
            self._send(_json.dumps({**gap, "fields": {"from": closed_at, "until": now}, "spans": []}, "the gap"))

    def _disconnected(self) -> None:
        self._waiting_events = self._waiting_bytes = 0
        self._is_connected, self._is_open = False, True


class _LogsPlugin(Plugin):
    def __init__(self, handler: Handler) -> None:
        super().__init__(ID, background=True)
        self._handler = handler
        self.on_connect(handler._connected)
        self.on_disconnect(handler._disconnected)

        def answer() -> dict[str, str]:
            return {"filter": handler.directives, "default": str(handler._default)}

        @self.method("getFilter")
        def get_filter(params: object) -> dict[str, str]:
            return answer()

        @self.method("setFilter")
        def set_filter(params: Any) -> dict[str, str]:
            directives = params.get("filter") if isinstance(params, dict) else None
            if not isinstance(directives, str):
                raise MethodError('the params of setFilter are {"filter": TEXT}', name="InvalidParams")
            try:
                handler.directives = directives
            except ValueError as error:
                raise MethodError(str(error), name="InvalidFilter") from None
            return answer()

    def _added(self, connection: Connection) -> None:
        super()._added(connection)
        self._handler._added()


class _Directives:
    """From which level on the records of which loggers are recorded."""

    def __init__(self, text: str) -> None:
        if len(text) > 4096:
            raise ValueError(f"the filter has {len(text)} characters, 4096 are allowed")
        self._text = ",".join(part.strip() for part in text.split(",") if part.strip())
        self._of: dict[str, int] = {"": _LEVELS["error"]}
        for directive in filter(None, self._text.split(",")):
            logger, separator, level = directive.rpartition("=")
            if level.lower() not in _LEVELS or (separator and not logger.strip()):
                raise ValueError(
                    f"the directive `{directive[:200]}` is not understood: directives look like `info` or `my_app.db=debug`,"
                    f" and levels are {', '.join(_LEVELS)}"
                )
            # Rust's names have `::` where Python's have dots.
            self._of[logger.strip().replace("::", ".")] = _LEVELS[level.lower()]
        self._known: dict[str, int] = {}

    def level(self, logger: str) -> int:
        """From which level on this logger's records are recorded."""
        level = self._known.get(logger)
        if level is None:
            level = self._known[logger] = self._find(logger)
        return level

    def _find(self, logger: str) -> int:
        if logger.partition(".")[0] == "flipper":
            # Sending a record must not make records.
            return logging.CRITICAL + 1_000_000
        while logger and logger not in self._of:
            logger = logger.rpartition(".")[0]
        return self._of[logger]

    def __str__(self) -> str:
        return self._text


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "ERROR"
    if number >= logging.WARNING:
        return "WARN"
    if number >= logging.INFO:
        return "INFO"
    return "DEBUG" if number >= logging.DEBUG else "TRACE"


_FORMATTER = logging.Formatter()
