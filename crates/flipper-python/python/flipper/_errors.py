"""What can go wrong, as exceptions. All of them are a kind of `Error`."""

from __future__ import annotations


class Error(Exception):
    """Anything that Flipper raises."""


class StartError(Error):
    """An app's Flipper did not start: the settings make no sense. The text says which one, and what to do."""


class InvalidText(Error, ValueError):
    """A text holds surrogates, which are no characters. They come from bytes that were decoded with `surrogateescape`, as
    file names are: decode them with `errors="replace"` instead."""


class NotJson(Error, ValueError):
    """A value cannot be written as JSON. The text says which, and what to do."""


class TooLarge(Error):
    """The message would be larger than the limit."""

    #: Its size in bytes.
    size: int
    #: The limit in bytes.
    max: int


class NotConnected(Error):
    """No desktop is connected, and what was to be sent does not wait for one."""


class NotAdded(Error):
    """The plugin was not added to an app yet."""


class UnknownPlugin(Error):
    """The plugin was removed from the app, or was never added to it."""


class DuplicatePlugin(Error):
    """The app has a plugin of this id already, or the plugin belongs to another app."""


class Stopped(Error):
    """The app's Flipper was stopped. One that was stopped never comes back: start another one."""


class Forked(Stopped):
    """The app was started in the process that this one was forked from. Its threads and its connection are not here: start
    one in the child."""


class AlreadyAnswered(Error):
    """A call is answered once."""


class SessionEnded(Error):
    """The call that was answered is gone: the desktop has left, or the plugin was removed."""


class InCallback(Error):
    """A callback cannot wait for the end of its own app, which waits for the callback. `App.stop(wait=False)` does not
    wait."""


class MethodError(Error):
    """Raise it in a method to answer with an error of your own: its message, its name, and perhaps where it happened."""

    #: What went wrong.
    message: str
    #: The kind of error, for programs.
    name: str
    #: Where it went wrong, for people.
    stacktrace: str | None

    def __init__(self, message: str, *, name: str = "Error", stacktrace: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.name = name
        self.stacktrace = stacktrace
