"""What the package costs: prints medians, and asserts nothing.

Run it with an interpreter that has a release wheel, after `cargo build --release -p flipper-cli`.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import flipper
import flipper.logging

ROUNDS = 20
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).resolve().parents[3] / "target"))


def interpreter(code: str) -> tuple[float, float]:
    """How many milliseconds an interpreter takes from start to end, and how many of them it works."""
    began, worked = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    took, now = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took * 1e3, (now.ru_utime + now.ru_stime - worked.ru_utime - worked.ru_stime) * 1e3


def import_times() -> list[float]:
    bare, with_flipper = [], []
    for _ in range(ROUNDS):
        bare.append(interpreter("pass"))
        with_flipper.append(interpreter("import flipper"))
    medians = [[statistics.median(column) for column in zip(*rows)] for rows in (bare, with_flipper)]
    return [slow - fast for fast, slow in zip(*medians)]


def median(work: Callable[[], object], between: Callable[[], object], times: int) -> float:
    """The median of the rounds, in microseconds of this thread each time: what others do meanwhile does not count."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(times):
            work()
        rounds.append((time.thread_time() - began) / times * 1e6)
        between()
    return statistics.median(rounds)


@contextmanager
def desktop(folder: Path) -> Iterator[tuple[int, int]]:
    """A desktop of ours in another process, which initialises background plugins, and that nobody watches."""
    program = next(path for kind in ("release", "debug") if (path := TARGET / kind / "flipper").exists())
    print(f"the desktop is a {program.parent.name} build")
    flags = ["--state-dir", str(folder), "--ports", "0,0", "--ui-port", "0", "--no-browser", "--no-android", "--no-idb"]
    process = subprocess.Popen([program, "desktop", *flags], stdout=subprocess.DEVNULL)
    try:
        while not (place := folder / "desktop/desktop.json").exists():
            time.sleep(0.01)
        ports = json.loads(place.read_text())["ports"]
        yield ports["insecure"], ports["secure"]
    finally:
        process.kill()
        process.wait()


def measure(where: str, folder: Path, ports: tuple[int, int], connected: bool) -> None:
    plugin, handler = flipper.Plugin("Example", background=True), flipper.logging.Handler()
    logger = logging.Logger("figures", logging.INFO)
    logger.addHandler(handler)
    silent = logging.Logger("silent", logging.INFO)
    silent.addHandler(logging.NullHandler())
    row = {"number": 1, "title": "an event as many are"}

    def flush() -> None:
        while connected and not plugin.is_flushed:
            time.sleep(0.001)

    with flipper.start("Figures", ports=ports, host="127.0.0.1", directory=folder, plugins=[plugin, handler.plugin]) as app:
        if connected:
            app.wait_connected()
            while not (plugin.is_connected and handler.plugin.is_connected):
                time.sleep(0.001)
        sent = median(lambda: plugin.send("row", row), flush, 2_000)
        print(f"an event {where}: {sent:.2f} us, {1e6 / sent:,.0f} a second of the thread")
        if connected:
            dropped, began = plugin.dropped, time.perf_counter()
            for burst in range(400):
                while time.perf_counter() < began + burst / 100:
                    time.sleep(0.001)
                for _ in range(200):
                    plugin.send("row", row)
            flush()
            took = time.perf_counter() - began
            print(f"80,000 events in 4 s have left the app after {took:.2f} s; {plugin.dropped - dropped} were dropped")
        # The first ones of these wait, and are more than may.
        logged = median(lambda: logger.info("ordered %d of %s", 3, "tea"), flush, 2_000)
        alone = median(lambda: silent.info("ordered %d of %s", 3, "tea"), flush, 2_000)
        print(f"a record {where}: {logged:.2f} us; {alone:.2f} us of them are logging's own")


def main() -> None:
    took, worked = import_times()
    print(f"import flipper, beyond a bare interpreter: {took:.1f} ms, {worked:.1f} ms of the processor")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure("without a desktop", folder / "alone", (1, 2), connected=False)
        with desktop(folder / "desk") as ports:
            measure("to a desktop", folder / "app", ports, connected=True)


if __name__ == "__main__":
    main()
