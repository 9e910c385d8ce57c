"""The end of the interpreter, and forks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from desk import PATIENCE, Desk

PRELUDE = """
import os, sys, threading
import flipper

ports, directory = (int(sys.argv[1]), int(sys.argv[2])), sys.argv[3]
plugin = flipper.Plugin("Example", background=True)

def start(**options):
    return flipper.start("Child", ports=ports, directory=directory, host="127.0.0.1", plugins=[plugin], **options)
"""


def run(script: str, desk: Desk | None, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a script in an interpreter of its own, to its end."""
    ports = (1, 2) if desk is None else desk.ports
    command = [sys.executable, "-X", "dev", "-c", PRELUDE + script, *map(str, ports), str(folder / "child")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    # A test that fails shows all of it.
    print(ended.stderr)
    return ended


@pytest.mark.parametrize("connected", [False, True])
def test_an_interpreter_ends_with_an_app_that_was_not_stopped(desk: Desk, tmp_path: Path, connected: bool) -> None:
    script = f"""
app = start(observer=lambda kind, text: None)
plugin.on_disconnect(lambda: None)
if {connected}:
    assert app.wait_connected(60)
for number in range(1000):
    plugin.send("row", number)
print("end")
"""
    ended = run(script, desk if connected else None, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "end\n", "")


def test_an_interpreter_waits_for_the_callback_that_runs(desk: Desk, tmp_path: Path) -> None:
    script = """
called = threading.Event()

@plugin.on_connect
def on_connect():
    called.set()
    # The interpreter has begun to end.
    threading.main_thread().join()
    print("the callback has returned", flush=True)

app = start()
assert called.wait(60)
del app
print("end", flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, *map(str, desk.ports), str(tmp_path / "child")],
        stdout=subprocess.PIPE,
        text=True,
    )
    desk.init("Child", "Example")
    output, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (0, "end\nthe callback has returned\n")


def test_an_interpreter_ends_while_other_threads_send(desk: Desk, tmp_path: Path) -> None:
    script = """
app = start()
assert app.wait_connected(60)

sends = threading.Barrier(5)

def send():
    sends.wait()
    while True:
        try:
            plugin.send("row", {"number": 1})
        except flipper.Stopped:
            break

for _ in range(4):
    threading.Thread(target=send, daemon=True).start()
sends.wait()
print("end")
"""
    ended = run(script, desk, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "end\n", "")


def test_an_interpreter_ends_while_coroutines_wait(tmp_path: Path) -> None:
    script = """
import asyncio

async def main():
    app = start()
    waiting = asyncio.create_task(app.connected())
    # It begins to wait, and is not waited for.
    await asyncio.sleep(0)

asyncio.run(main())
print("end")
"""
    ended = run(script, None, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "end\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_has_no_app_of_its_parent_but_may_start_its_own(desk: Desk, tmp_path: Path) -> None:
    script = """
import warnings
# Of Python's own, about threads in general.
warnings.simplefilter("ignore", DeprecationWarning)
app = start()
assert app.wait_connected(60)
plugin.send("row")
child = os.fork()
if child == 0:
    try:
        plugin.send("row")
    except flipper.Forked as error:
        assert isinstance(error, flipper.Stopped)
    assert app.state == "stopped" and not app.is_connected and not plugin.is_connected
    assert app.stop()
    other = flipper.Plugin("Other")
    with flipper.start("Grandchild", ports=ports, directory=directory + "2", host="127.0.0.1", plugins=[other]) as own:
        assert own.wait_connected(60)
        other.send("row")
    del app, plugin
    sys.exit(7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 7
# The parent goes on.
assert app.is_connected
plugin.send("row")
print("end")
"""
    ended = run(script, desk, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "end\n", "")


def test_ctrl_c_ends_a_wait(tmp_path: Path) -> None:
    script = """
import signal
app = start()
try:
    threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
    app.wait_connected()
except KeyboardInterrupt:
    print("interrupted")
"""
    ended = run(script, None, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "interrupted\n", "")


def test_nothing_heavy_is_imported_along() -> None:
    heavy = "{'asyncio', 'logging', 'traceback', 'typing', 'dataclasses', 'inspect'}"
    command = [sys.executable, "-c", f"import sys, flipper; print(sorted({heavy} & set(sys.modules)))"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
