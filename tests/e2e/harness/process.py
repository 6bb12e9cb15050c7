"""A real process of the binary under test: started on port 0, its output captured, stopped by SIGTERM."""

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from .waiting import LIMIT_SECONDS

ROOT = Path(__file__).resolve().parents[3]
LISTENING = re.compile(r"listening on (https?://[^\s\"]+)")

# Passed through so that sanitizers report readably; everything else of the machine's environment stays out.
KEPT_VARIABLES = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "ASAN_SYMBOLIZER_PATH", "UBSAN_SYMBOLIZER_PATH")


def binary(variable: str, default: str) -> Path:
    path = Path(os.environ.get(variable, ROOT / default))
    assert path.is_file(), f"{variable} names no file; build it first (make build, or make test STAGES=unit)"
    return path


def dev_binary() -> Path:
    return binary("GANTRY_BINARY", "build/dev/gantry")


def release_binary() -> Path:
    return binary("GANTRY_RELEASE_BINARY", "build/release/gantry")


def clean_environment(home: Path, extra: dict[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {"HOME": str(home), "TMPDIR": str(home), "TZ": "UTC", "LC_ALL": "C.UTF-8"} | extra


class Process:
    """Lines of stdout and stderr are kept in the order they came; those of stderr, the log, also apart. Use as a context
    manager."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str] | None = None):
        self.command = [str(part) for part in command]
        self.lines: list[str] = []
        self.log: list[str] = []
        self._changed = threading.Condition()
        self._child = subprocess.Popen(
            self.command,
            cwd=folder,
            env=clean_environment(folder, environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self._child.stdout, self._child.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream) -> None:
        for raw in stream:
            with self._changed:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                self.lines.append(line)
                if stream is self._child.stderr:
                    self.log.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def output(self) -> str:
        with self._changed:
            return "\n".join(self.lines)

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def wait_for_line(self, pattern: str | re.Pattern, start: int = 0, limit: float = LIMIT_SECONDS) -> re.Match:
        """The first line from index `start` on that `pattern` is found in."""
        deadline = time.monotonic() + limit
        with self._changed:
            while True:
                for line in self.lines[start:]:
                    if found := re.search(pattern, line):
                        return found
                finished = not self.alive and not any(reader.is_alive() for reader in self._readers)
                left = deadline - time.monotonic()
                assert left > 0 and not finished, f"no line matched {pattern!r} in the output of {self.describe()}"
                self._changed.wait(min(left, 0.1))

    def address(self) -> str:
        """Where it listens, for example http://127.0.0.1:41234; waits until it says so."""
        return self.wait_for_line(LISTENING).group(1)

    def signal(self, number: int) -> None:
        self._child.send_signal(number)

    def wait(self, limit: float = LIMIT_SECONDS) -> int:
        """The exit code, once it has ended by itself."""
        try:
            code = self._child.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {limit} s: {self.describe()}") from None
        for reader in self._readers:
            reader.join(limit)
        return code

    def stop(self) -> None:
        """Ends it as an operator would, and asserts that it ended well."""
        if self.alive:
            self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"exit code {code}: {self.describe()}"

    def kill(self) -> None:
        if self.alive:
            self._child.kill()
        self._child.wait(LIMIT_SECONDS)

    def describe(self) -> str:
        return f"{' '.join(self.command)}\n" + "\n".join(f"  | {line}" for line in self.lines[-60:])

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, kind, _value, _traceback) -> None:
        try:
            if kind is None:
                self.stop()
        finally:
            self.kill()
