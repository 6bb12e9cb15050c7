"""Processes that the bench starts: pinned to a core, logged to a file, stopped by their own pid, never outliving it."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """Something that makes the figures worthless; its text says what and what to do."""


def free_ports(count: int) -> list[int]:
    """Loopback ports that were free a moment ago, all different: they are held until the last is found."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def free_port() -> int:
    return free_ports(1)[0]


def _children(task: Path) -> list[int]:
    try:
        return [int(child) for child in task.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # the thread ended meanwhile
        return []


class Process:
    """A started program. Use it as a context manager, or hand it to an ExitStack."""

    def __init__(self, argv: list[str], core: int, log: Path, env: dict[str, str] | None = None):
        def settle_in() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            os.sched_setaffinity(0, {core})

        self.name = Path(argv[0]).name
        self.log = log
        self.started = time.monotonic()
        with open(log, "ab") as sink:
            self._child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd=log.parent,
                env={**os.environ, **(env or {})}, preexec_fn=settle_in)
        self.pid = self._child.pid

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def alive(self) -> bool:
        return self._child.poll() is None

    def pids(self) -> list[int]:
        """The process and all that descend from it."""
        found = [self.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found += _children(task)
        return found

    def rss_bytes(self) -> int:
        """Resident memory of all its processes."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
        return total

    def stop(self) -> None:
        if self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            # A gateway that drains waits for calls on purpose; a second signal ends it at once.
            self._child.terminate()
            try:
                self._child.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    def last_words(self) -> str:
        """The end of its log, for an error message."""
        return self.log.read_text(errors="replace")[-2000:]

    def trim_log(self) -> None:
        """Empties the log between rounds: it is opened for appending, so the process goes on at its start."""
        os.truncate(self.log, 0)
