"""Runs bench_load and counting tools beside it."""

import json
import shutil
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from .processes import BenchError, Process
from .sides import LOAD_CORE

# Counted one by one, so that the table can say where the system calls are.
NAMED_CALLS = ["epoll_wait", "epoll_pwait", "epoll_ctl", "recvfrom", "recvmsg", "read", "readv", "sendto", "sendmsg",
               "write", "writev", "ioctl", "getsockopt", "setsockopt", "futex", "timerfd_settime"]


def command(tools: Path, mode: str, port: int, **options: object) -> list[str]:
    argv = [str(tools / "bench_load"), "--core", str(LOAD_CORE), "--mode", mode, "--port", str(port)]
    for name, value in options.items():
        argv += ["--" + name.replace("_", "-"), str(value)]
    return argv


def run(tools: Path, mode: str, port: int, watch: Process | None = None, **options: object) -> dict[str, float]:
    """One run of the load; its line as a dict."""
    if watch is not None:
        options["watch"] = ",".join(map(str, watch.pids()))
    argv = command(tools, mode, port, **options)
    limit = float(options.get("seconds", 2)) + float(options.get("warmup", 0.3)) + 15
    return finish(argv, limit)


def finish(argv: list[str], limit: float) -> dict[str, float]:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise BenchError(f"took longer than {limit:.0f} s and was stopped: {' '.join(argv)}") from None
    if done.returncode != 0:
        raise BenchError(f"{Path(argv[0]).name} failed: {done.stderr.strip()} ({' '.join(argv)})")
    return json.loads(done.stdout.splitlines()[-1])


class Held:
    """Streams that are held open in steps, by bench_load --mode hold."""

    def __init__(self, tools: Path, port: int, steps: list[int]):
        argv = command(tools, "hold", port, steps=",".join(map(str, steps)), tokens=100000, tokens_per_second=1)
        self._load = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._load.stdin.close()  # the load ends with it, and its connections close
        try:
            self._load.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._load.kill()
            self._load.wait()
        self._load.stdout.close()

    def reached(self) -> dict[str, float]:
        """Waits until the step's streams all have tokens. The load gives up by itself after a minute."""
        line = self._load.stdout.readline()
        if not line:
            raise BenchError("the load that holds streams ended early")
        return json.loads(line)

    def go_on(self) -> None:
        self._load.stdin.write("\n")
        self._load.stdin.flush()


class MemoryWatch:
    """The highest resident memory of a side while a block runs, looked at every 50 ms."""

    def __init__(self, process: Process):
        self._process = process
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.highest = 0

    def _look(self) -> None:
        while not self._end.wait(0.05):
            self.highest = max(self.highest, self._process.rss_bytes())

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def count_system_calls(tools: Path, port: int, process: Process, requests: int,
                       scratch: Path) -> tuple[dict[str, float], dict[str, float], str]:
    """Runs so many calls; returns the load's line, the system calls a request (the sum as "all"), and the counter used.
    perf counts in the kernel and changes nothing; strace stops the process at each call, so it is only for counting."""
    load = command(tools, "saturate", port, requests=requests, warmup=0, seconds=20)
    pids = ",".join(map(str, process.pids()))
    output = scratch / "system-calls.csv"
    if shutil.which("perf") and _perf_counts(pids):
        events = ["raw_syscalls:sys_enter"] + [f"syscalls:sys_enter_{name}" for name in NAMED_CALLS]
        line = finish(["perf", "stat", "-x,", "-o", str(output), "-e", ",".join(events), "-p", pids, "--", *load], 40)
        counts = _read_perf(output)
        used = "perf stat"
    elif shutil.which("strace"):
        line, counts = _strace(pids.split(","), load, output)
        used = "strace -c"
    else:
        raise BenchError("neither perf (package linux-perf) nor strace can count system calls here")
    return line, {name: count / max(1, line["served"]) for name, count in counts.items()}, used


def _perf_counts(pids: str) -> bool:
    trial = subprocess.run(["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", pids, "--", "true"],
                           capture_output=True, text=True, timeout=20)
    # "<not counted>" only says that the process slept through the trial.
    return trial.returncode == 0 and "not supported" not in trial.stderr


def _read_perf(output: Path) -> dict[str, float]:
    counts = {}
    for line in output.read_text().splitlines():
        fields = line.split(",")
        if len(fields) > 3 and fields[0].isdigit():
            name = fields[2].removeprefix("syscalls:sys_enter_")
            counts["all" if name == "raw_syscalls:sys_enter" else name] = float(fields[0])
    return counts


def _strace(pids: list[str], load: list[str], output: Path) -> tuple[dict[str, float], dict[str, float]]:
    attach = [word for pid in pids for word in ("-p", pid)]
    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", str(output), *attach], stderr=subprocess.PIPE, text=True)
    try:
        tracer.stderr.readline()  # "Process N attached"
        line = finish(load, 60)
    finally:
        tracer.terminate()
        tracer.wait(timeout=10)
        tracer.stderr.close()
    counts = {}
    for row in output.read_text().splitlines():
        words = row.split()
        if len(words) >= 5 and words[3].isdigit():
            counts["all" if words[-1] == "total" else words[-1]] = float(words[3])
    return line, counts
