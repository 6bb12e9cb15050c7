"""The test control socket: a hand on the clock of a test build.

The harness listens on a Unix socket; a test build that finds GANTRY_TEST_CONTROL connects to it and waits for the time.
From then on its clocks move only when told. JSON, one object a line:

    binary  -> harness  {"hello": "gantry", "pid": N}
    harness -> binary   {"time": {"wall_ns": N, "mono_ns": N}}     once, as the first answer
    harness -> binary   {"advance_ns": N, "id": K}                 both clocks move
    harness -> binary   {"step_ns": N, "id": K}                the wall clock alone is set, also back
    binary  -> harness  {"done": K}                                every loop has run the timers that came due
    binary  -> harness  {"event": "name", ...}                     an internal event worth waiting for
    binary  -> harness  {"error": "text"}                          a line that it did not understand
"""

import contextlib
import json
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

from .waiting import LIMIT_SECONDS

NANOSECONDS = 1_000_000_000


class Control:
    """One binary's clock. Start the binary with `environment`; its time stands still until `advance`."""

    def __init__(self, wall_seconds: float = 1_790_000_000, mono_seconds: float = 1000) -> None:
        # Unix socket paths are limited to about 100 bytes, which pytest's own folders may exceed.
        self._folder = Path(tempfile.mkdtemp(prefix="gantry-"))
        self.path = self._folder / "control"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(1)
        self._connection: socket.socket | None = None
        self._messages: list[dict] = []
        self._ended = False
        self._changed = threading.Condition()
        self._last_id = 0
        start = {"wall_ns": round(wall_seconds * NANOSECONDS), "mono_ns": round(mono_seconds * NANOSECONDS)}
        threading.Thread(target=self._serve, args=(start,), daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        return {"GANTRY_TEST_CONTROL": str(self.path)}

    @property
    def pid(self) -> int:
        """Of the binary, once it has connected."""
        return self._wait(lambda message: "hello" in message, "the binary's greeting")["pid"]

    def advance(self, seconds: float) -> None:
        """Moves both clocks on, and returns when the timers that came due have run."""
        assert self.pid
        self._last_id += 1
        awaited = self._last_id
        self._send({"advance_ns": round(seconds * NANOSECONDS), "id": awaited})
        self._wait(lambda message: message.get("done") == awaited, f"the answer to advance {awaited}")

    def step(self, seconds: float) -> None:
        """Sets the wall clock alone, also back, as somebody does who sets the machine's clock."""
        assert self.pid
        self._last_id += 1
        awaited = self._last_id
        self._send({"step_ns": round(seconds * NANOSECONDS), "id": awaited})
        self._wait(lambda message: message.get("done") == awaited, f"the answer to step {awaited}")

    def wait_event(self, name: str) -> dict:
        """The first event of this name that was not returned before."""
        found = self._wait(lambda message: message.get("event") == name, f"the event {name}")
        with self._changed:
            self._messages.remove(found)
        return found

    def close(self) -> None:
        for used in (self._connection, self._listener):
            if used is not None:
                with contextlib.suppress(OSError):  # the peer may have gone first
                    used.shutdown(socket.SHUT_RDWR)
                used.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "Control":
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def _send(self, message: dict) -> None:
        self._connection.sendall(json.dumps(message).encode() + b"\n")

    def _serve(self, start: dict) -> None:
        try:
            self._connection, _ = self._listener.accept()
        except OSError:  # closed before anybody came
            return
        self._send({"time": start})
        with self._connection.makefile("rb") as stream:
            for line in stream:
                with self._changed:
                    self._messages.append(json.loads(line))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _wait(self, matches, what: str) -> dict:
        deadline = time.monotonic() + LIMIT_SECONDS
        with self._changed:
            while True:
                for message in self._messages:
                    assert "error" not in message, message["error"]
                    if matches(message):
                        return message
                left = deadline - time.monotonic()
                assert left > 0 and not self._ended, f"waited in vain for {what}; heard: {self._messages}"
                self._changed.wait(left)
