"""The harness itself, held by tiny programs: what it promises must not depend on the binary being right."""

import json
import re
import sys

import pytest
from harness.control import Control
from harness.process import Process

SERVER = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(CODE))
print("info listening on http://127.0.0.1:41234 threads=2", flush=True)
signal.pause()
"""

CLOCK = """
import json, os, socket
peer = socket.socket(socket.AF_UNIX)
peer.connect(os.environ["GANTRY_TEST_CONTROL"])
def tell(message): peer.sendall(json.dumps(message).encode() + b"\\n")
tell({"hello": "gantry", "pid": os.getpid()})
now = None
for line in peer.makefile():
    message = json.loads(line)
    if "time" in message:
        now = message["time"]
        tell({"event": "frozen", **now})
    else:
        now["mono_ns"] += message["advance_ns"]
        tell({"event": "moved", "mono_ns": now["mono_ns"]})
        tell({"done": message["id"]})
"""


def python(tmp_path, source, environment=None):
    return Process([sys.executable, "-c", source], tmp_path, environment)


def test_a_process_is_found_by_its_line_and_ends_by_sigterm(tmp_path):
    with python(tmp_path, SERVER.replace("CODE", "0")) as process:
        assert process.address() == "http://127.0.0.1:41234"
    assert not process.alive


def test_a_bad_exit_code_is_not_forgiven(tmp_path):
    process = python(tmp_path, SERVER.replace("CODE", "3"))
    process.address()
    with pytest.raises(AssertionError, match="exit code 3"):
        process.stop()


def test_a_line_that_never_comes_fails_as_soon_as_the_process_is_gone(tmp_path):
    process = python(tmp_path, "print('something else')")
    with pytest.raises(AssertionError, match="(?s)no line matched.*something else"):
        process.address()
    process.kill()


def test_nothing_of_the_machines_environment_reaches_the_binary(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-of-the-machine")
    process = python(tmp_path, "import json, os; print(json.dumps(dict(os.environ)))", {"EXTRA": "1"})
    process.wait()
    seen = json.loads(process.output)
    assert seen["EXTRA"] == "1"
    assert "OPENROUTER_API_KEY" not in seen


def test_the_control_socket_freezes_advances_and_hears_events(tmp_path):
    with Control(wall_seconds=1_790_000_000, mono_seconds=5) as control:
        process = python(tmp_path, CLOCK, control.environment)
        assert control.pid == process.pid
        assert control.wait_event("frozen")["wall_ns"] == 1_790_000_000_000_000_000
        control.advance(60)
        control.advance(0.5)
        assert [control.wait_event("moved")["mono_ns"] for _ in range(2)] == [65_000_000_000, 65_500_000_000]
        process.kill()
        with pytest.raises(AssertionError, match=re.escape("waited in vain for the event never")):
            control.wait_event("never")
