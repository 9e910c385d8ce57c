"""What all tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, official_is_skipped, start_official, start_ours

import flipper

Start = Callable[..., flipper.App]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Our desktop."""
    desk = start_ours(tmp_path / "desk")
    yield desk
    desk.stop()


@pytest.fixture(params=["ours", "official"])
def any_desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Our desktop, and the official one."""
    folder = tmp_path / "desk"
    folder.mkdir()
    if request.param == "official":
        if reason := official_is_skipped():
            pytest.skip(reason)
        desk = start_official(folder)
    else:
        desk = start_ours(folder)
    yield desk
    desk.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts apps, for a desktop or for none. They are stopped at the end."""
    apps: list[flipper.App] = []

    def start(name: str, desk: Desk | None = None, **options: Any) -> flipper.App:
        # Nobody listens on these ports, and nobody may: they are the system's.
        ports = (1, 2) if desk is None else desk.ports
        options.setdefault("host", "127.0.0.1")
        app = flipper.start(name, ports=ports, directory=tmp_path / "app", backoff=(0.05, 0.2), **options)
        apps.append(app)
        return app

    yield start
    for app in apps:
        app.stop()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says it as Rust's tests do, for those who count."""
    counts = [len(terminalreporter.stats.get(outcome, [])) for outcome in ("passed", "failed", "error", "skipped")]
    passed, failed, errors, skipped = counts
    verdict = "FAILED" if failed + errors else "ok"
    terminalreporter.write_line(f"test result: {verdict}. {passed} passed; {failed + errors} failed; {skipped} ignored")
