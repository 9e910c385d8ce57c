"""Flipper for Python apps: plugins, logs and HTTP traffic in the Flipper desktop.

    import flipper

    example = flipper.Plugin("Example", background=True)

    @example.method("reverse")
    def reverse(params):
        return {"word": params["word"][::-1]}

    with flipper.start("My App", plugins=[example]) as app:
        app.wait_connected()
        example.send("row", {"id": 1, "title": "Hello"})

`flipper.logging` shows what the app logs; `flipper.httpx`, `flipper.requests`, `flipper.asgi` and `flipper.wsgi` show its HTTP
traffic. Nothing of them is imported with this.
"""

from __future__ import annotations

import atexit
import os

from ._app import App, State, start
from ._errors import (
    AlreadyAnswered,
    DuplicatePlugin,
    Error,
    Forked,
    InCallback,
    InvalidText,
    MethodError,
    NotAdded,
    NotConnected,
    NotJson,
    SessionEnded,
    StartError,
    Stopped,
    TooLarge,
    UnknownPlugin,
)
from ._flipper import Body, Counters, Exchange, Network, __version__, forked, stop_all
from ._plugin import Call, Plugin

__all__ = [
    "AlreadyAnswered",
    "App",
    "Body",
    "Call",
    "Counters",
    "DuplicatePlugin",
    "Error",
    "Exchange",
    "Forked",
    "InCallback",
    "InvalidText",
    "MethodError",
    "Network",
    "NotAdded",
    "NotConnected",
    "NotJson",
    "Plugin",
    "SessionEnded",
    "StartError",
    "State",
    "Stopped",
    "TooLarge",
    "UnknownPlugin",
    "__version__",
    "start",
]

# Threads of Flipper's call Python, which ends.
atexit.register(stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forked)
