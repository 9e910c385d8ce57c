"""The documentation's examples, run as they stand: each file from its beginning to its end, in one interpreter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from desk import PATIENCE, WORKSPACE, Desk


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_examples_run(desk: Desk, tmp_path: Path) -> None:
    examples = blocks((WORKSPACE / "docs/python.md").read_text())
    assert len(examples) > 10
    script = tmp_path / "examples.py"
    script.write_text("\n".join(examples))
    environment = {
        **os.environ,
        "FLIPPER_ALT_PORTS": ",".join(map(str, desk.ports)),
        "FLIPPER_STATE_DIR": str(tmp_path / "state"),
    }
    command = [sys.executable, "-X", "dev", "-W", "ignore::ResourceWarning", str(script)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 0, ended.stderr
    # They did what they say: the desktop has seen them all.
    seen = {desk.event("client-connected")["query"]["app"] for _ in range(2)}
    assert seen == {"My App", "My Service"}


@pytest.mark.parametrize("framework", ["FastAPI", "Flask"])
def test_the_lines_of_the_readme_put_it_into_an_app(desk: Desk, tmp_path: Path, framework: str) -> None:
    lines = next(block for block in blocks((WORKSPACE / "README.md").read_text()) if framework.lower() in block.lower())
    script = tmp_path / "app.py"
    script.write_text(f"{lines}\n{SERVE[framework]}")
    environment = {
        **os.environ,
        "FLIPPER_ALT_PORTS": ",".join(map(str, desk.ports)),
        "FLIPPER_STATE_DIR": str(tmp_path / "state"),
    }
    process = subprocess.Popen([sys.executable, str(script)], env=environment, stdin=subprocess.PIPE)
    assert process.stdin is not None
    desk.init("My API", "Network")
    desk.init("My API", "rust-logs")
    process.stdin.write(b"go on\n")
    process.stdin.close()
    assert desk.message("Network", "newRequest")["url"].endswith("/hello")
    assert desk.message("Network", "newResponse")["status"] == 200
    assert desk.message("rust-logs", "log")["message"] == "said hello"
    assert process.wait(PATIENCE) == 0


#: What comes after the lines: one request, once the desktop looks on.
SERVE = {
    "FastAPI": """
import logging
import sys
from fastapi.testclient import TestClient

@app.get("/hello")
def hello():
    logging.warning("said hello")
    return {"hello": "world"}

sys.stdin.readline()
assert TestClient(app).get("/hello").json() == {"hello": "world"}
""",
    "Flask": """
import logging
import sys

@app.get("/hello")
def hello():
    logging.warning("said hello")
    return {"hello": "world"}

sys.stdin.readline()
assert app.test_client().get("/hello").json == {"hello": "world"}
""",
}
