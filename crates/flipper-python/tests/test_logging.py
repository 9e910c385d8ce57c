"""What the app logs, in the desktop."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

import pytest
from conftest import Start
from desk import Desk

import flipper
import flipper.logging


@pytest.fixture
def logger() -> logging.Logger:
    """A logger that has none above it: pytest's own handlers would format each record once more."""
    return logging.Logger("shop.orders", 1)


def test_a_record_is_a_row(any_desk: Desk, start: Start, logger: logging.Logger) -> None:
    handler = flipper.logging.Handler()
    logger.addHandler(handler)
    start("Python", any_desk, plugins=[handler.plugin])
    any_desk.init("Python", "rust-logs")

    extra = {"items": 3, "total": 9.5, "paid": True, "large": 2**60, "nothing": float("nan"), "kind": {1}}
    logger.info("ordered %d of %s", 3, "tea", extra=extra)
    row = any_desk.message("rust-logs", "log")
    assert {key: row[key] for key in ("level", "target", "message", "spans", "thread")} == {
        "level": "INFO",
        "target": "shop.orders",
        "message": "ordered 3 of tea",
        "spans": [],
        "thread": "MainThread",
    }
    fields = {"items": 3, "total": 9.5, "paid": True, "large": str(2**60), "nothing": "nan", "kind": "{1}"}
    assert row["fields"] == fields
    assert row["file"] == __file__
    assert row["line"] > 0
    assert row["module"] == "test_logging.test_a_record_is_a_row"

    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        logger.exception("failed")
    second = any_desk.message("rust-logs", "log")
    assert second["level"] == "ERROR"
    assert second["id"] == row["id"] + 1
    assert "ZeroDivisionError: division by zero" in second["fields"]["exception"]
    logger.critical("worse")
    assert any_desk.message("rust-logs", "log")["fields"] == {"levelname": "CRITICAL"}


def test_the_desktop_sets_the_filter(desk: Desk, start: Start, logger: logging.Logger) -> None:
    handler = flipper.logging.Handler(filter="info, shop=warn")
    logger.addHandler(handler)
    start("Python", desk, plugins=[handler.plugin])
    desk.init("Python", "rust-logs")

    def call(method: str, params: object = None) -> Any:
        return desk.call("Python", "rust-logs", method, params)

    assert call("getFilter")["success"] == {"filter": "info,shop=warn", "default": "info,shop=warn"}
    logger.info("too quiet")
    logger.warning("loud enough")
    assert desk.message("rust-logs", "log")["message"] == "loud enough"

    assert call("setFilter", {"filter": "off,shop::orders=trace"})["success"]["filter"] == "off,shop::orders=trace"
    logger.log(1, "now it is heard")
    assert desk.message("rust-logs", "log")["level"] == "TRACE"

    error = call("setFilter", {"filter": "info,shop=deafening"})["error"]
    assert error["name"] == "InvalidFilter"
    assert "`shop=deafening` is not understood" in error["message"]
    assert call("setFilter", {})["error"]["name"] == "InvalidParams"
    assert call("setFilter", {"filter": " "})["success"]["filter"] == "info,shop=warn"


def test_what_waits_for_a_desktop_is_bounded_and_the_gap_is_told(
    desk: Desk, start: Start, logger: logging.Logger
) -> None:
    handler = flipper.logging.Handler(waiting=(3, 100_000))
    logger.addHandler(handler)
    logger.info("before the plugin is part of an app")
    start("Python", desk, plugins=[handler.plugin])
    for number in range(10):
        logger.info("early %d", number)
    assert handler.skipped == 8
    desk.init("Python", "rust-logs")
    messages = [desk.message("rust-logs", "log")["message"] for _ in range(4)]
    assert messages[:3] == ["early 0", "early 1", "early 2"]
    assert "are missing here: no desktop was there" in messages[3]
    logger.info("late")
    assert desk.message("rust-logs", "log")["message"] == "late"


def test_logging_never_feeds_itself(desk: Desk, start: Start, logger: logging.Logger) -> None:
    handler = flipper.logging.Handler(filter="trace")
    start("Python", desk, plugins=[handler.plugin])
    desk.init("Python", "rust-logs")

    class Chatty:
        def __str__(self) -> str:
            logger.info("a record that is made by a record")
            return "chatty"

    logger.addHandler(handler)
    logger.info("%s", Chatty())
    for name in ("flipper", "flipper.more"):
        handler.handle(logging.LogRecord(name, logging.ERROR, "", 1, "of our own", None, None))
    logger.info("the end")
    assert desk.message("rust-logs", "log")["message"] == "chatty"
    assert desk.message("rust-logs", "log")["message"] == "the end"


def test_whatever_is_logged_arrives(desk: Desk, start: Start, logger: logging.Logger, monkeypatch: Any) -> None:
    handler = flipper.logging.Handler(text_limit=10)
    logger.addHandler(handler)
    errors: list[logging.LogRecord] = []
    monkeypatch.setattr(handler, "handleError", errors.append)
    start("Python", desk, plugins=[handler.plugin])
    desk.init("Python", "rust-logs")
    logger.info("0123456789abcdef")
    assert desk.message("rust-logs", "log")["message"] == "0123456789… (6 more characters)"
    logger.info(os.fsdecode(b"\xff.txt"), extra={"file": os.fsdecode(b"\xfe")})
    row = desk.message("rust-logs", "log")
    assert (row["message"], row["fields"]) == ("?.txt", {"file": "?"})
    # As every handler does it: the app goes on.
    logger.info("%d", "no number")
    assert len(errors) == 1


def test_a_handler_survives_its_app(start: Start, logger: logging.Logger) -> None:
    handler = flipper.logging.Handler()
    logger.addHandler(handler)
    app = start("Python", plugins=[handler.plugin])
    app.stop()
    for _ in range(3):
        logger.info("nobody hears this")
    app = start("Again", plugins=[handler.plugin])
    logger.info("this waits")
    assert handler.plugin.waiting == 1


def test_threads_log_side_by_side(desk: Desk, start: Start, logger: logging.Logger) -> None:
    handler = flipper.logging.Handler()
    logger.addHandler(handler)
    start("Python", desk, plugins=[handler.plugin])
    desk.init("Python", "rust-logs")

    def log() -> None:
        for number in range(200):
            logger.info("%d", number)

    threads = [threading.Thread(target=log, name=f"logs-{number}") for number in range(4)]
    for thread in threads:
        thread.start()
    rows = [desk.message("rust-logs", "log") for _ in range(800)]
    assert len({row["id"] for row in rows}) == 800
    for thread in threads:
        mine = [int(row["message"]) for row in rows if row["thread"] == thread.name]
        assert mine == list(range(200))


@pytest.mark.parametrize("filter", ["loud", "a=", "=info", "info,=", "a=b=c", "x" * 5000])
def test_a_filter_that_is_none_is_refused(filter: str) -> None:
    with pytest.raises(ValueError, match="filter|directive"):
        flipper.logging.Handler(filter=filter)
