"""The rows: what is measured, in rounds that alternate between nginx and the gateway."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from . import load
from .figures import Figures
from .sides import Bench, Side


@dataclass(frozen=True)
class Pace:
    """How much is measured: rounds, and seconds of each run."""

    rounds: int
    saturate_s: float
    latency_s: float
    knee_s: float
    knee_steps: int
    stream_s: float
    memory_rounds: int
    stream_steps: tuple[int, int]
    counted_calls: int


FULL = Pace(10, 1.8, 1.8, 0.5, 5, 1.5, 5, (2000, 9500), 20000)
QUICK = Pace(2, 0.4, 0.4, 0.2, 2, 0.5, 1, (200, 500), 2000)


@contextmanager
def both(bench: Bench, tls: bool = False) -> Iterator[tuple[Side, Side]]:
    """nginx and the gateway, answering. The one that is not loaded sleeps, so the other is alone on its core."""
    nginx = bench.nginx(tls)
    with nginx.process:
        nginx.wait_until_it_answers()
        gateway = bench.gateway(tls)
        with gateway.process:
            gateway.wait_until_it_answers()
            yield nginx, gateway


def in_turn(number: int, sides: tuple[Side, Side]) -> list[tuple[str, Side]]:
    """Both sides with the prefix of their figures; who begins changes with each round."""
    named = [("nginx_", sides[0]), ("", sides[1])]
    return named if number % 2 == 0 else named[::-1]


def saturate(bench: Bench, pace: Pace, figures: Figures, prefix: str = "", tls: bool = False,
             **options: object) -> None:
    """The closed loop: what a request costs when the proxy's core is busy, and how many it can take."""
    with both(bench, tls) as sides:
        for number in range(pace.rounds):
            cost = {}
            for whose, side in in_turn(number, sides):
                line = load.run(bench.tools, "saturate", side.port(), side.process, seconds=pace.saturate_s, **options)
                figures.count_errors(f"{prefix}saturate, {side.name}", line)
                side.process.trim_log()
                if line["served"] == 0:
                    continue
                cost[whose] = line["cpu_s"] / line["served"] * 1e6
                figures.add(f"{whose}{prefix}cpu_us_per_request", cost[whose])
                figures.add(f"{whose}{prefix}user_us_per_request", line["cpu_user_s"] / line["served"] * 1e6)
                figures.add(f"{whose}{prefix}requests_per_s", line["per_second"])
                figures.add(f"{whose}{prefix}core_busy_percent", line["cpu_s"] / line["seconds"] * 100)
            if len(cost) == 2 and cost["nginx_"] > 0:
                figures.add(f"{prefix}cpu_ratio_to_nginx", cost[""] / cost["nginx_"])


def system_calls(bench: Bench, pace: Pace, figures: Figures) -> None:
    """A fixed count of calls under a counter, apart from the timed rounds."""
    parts: dict[str, str] = {}
    with both(bench) as sides:
        for number in range(3):
            for whose, side in in_turn(number, sides):
                line, counts, used = load.count_system_calls(bench.tools, side.port(), side.process,
                                                             pace.counted_calls, bench.folder)
                figures.count_errors(f"system calls, {side.name}", line)
                figures.add(f"{whose}system_calls_per_request", counts.get("all", 0.0))
                parts[side.name] = ", ".join(f"{name} {count:.2f}" for name, count in counts.items()
                                             if name != "all" and count >= 0.01)
                side.process.trim_log()
    figures.notes += [f"system calls a request, {name}: {text} (by {used})" for name, text in parts.items()]


def latency(bench: Bench, pace: Pace, figures: Figures, prefix: str = "", tls: bool = False) -> None:
    """The open loop at 2,000 calls a second: latency through the proxy minus direct, in the same round."""
    with both(bench, tls) as sides:
        for number in range(pace.rounds):
            direct = load.run(bench.tools, "pace", bench.upstream.plain, rate=2000, seconds=pace.latency_s)
            figures.count_errors("latency, direct", direct)
            for whose, side in in_turn(number, sides):
                line = load.run(bench.tools, "pace", side.port(), side.process, rate=2000, seconds=pace.latency_s)
                figures.count_errors(f"{prefix}latency, {side.name}", line)
                side.process.trim_log()
                for share in ("p50", "p99"):
                    added = line[f"latency_{share}_us"] - direct[f"latency_{share}_us"]
                    figures.add(f"{whose}{prefix}added_{share}_us_at_2000_per_s", added)


def knee(bench: Bench, pace: Pace, figures: Figures) -> None:
    """The highest rate at which the proxy adds at most 1 ms to the 99th percentile: bisected in each round between
    2,000 a second and what the closed loop reached."""
    with both(bench) as sides:
        ceilings = {side.name: load.run(bench.tools, "saturate", side.port(), seconds=pace.knee_s)["per_second"]
                    for side in sides}
        for number in range(pace.rounds):
            direct: dict[int, float] = {}
            for whose, side in in_turn(number, sides):
                rate = _bisect(bench, pace, side, ceilings[side.name], direct)
                figures.add(f"{whose}requests_per_s_at_added_p99_1_ms", rate)
                side.process.trim_log()


def _bisect(bench: Bench, pace: Pace, side: Side, ceiling: float, direct: dict[int, float]) -> float:
    low, high = 2000.0, ceiling
    for _ in range(pace.knee_steps):
        rate = (low + high) / 2
        if _adds_little(bench, pace, side, rate, direct):
            low = rate
        else:
            high = rate
    return low


def _adds_little(bench: Bench, pace: Pace, side: Side, rate: float, direct: dict[int, float]) -> bool:
    options = {"seconds": pace.knee_s, "warmup": 0.1, "connections": 256}
    near = round(rate / 2000) * 2000  # direct latency changes slowly with the rate: one run serves its neighbours
    if near not in direct:
        direct[near] = load.run(bench.tools, "pace", bench.upstream.plain, rate=near, **options)["latency_p99_us"]
    line = load.run(bench.tools, "pace", side.port(), rate=rate, **options)
    return line["errors"] == 0 and line["latency_p99_us"] - direct[near] <= 1000


def streams(bench: Bench, pace: Pace, figures: Figures, prefix: str = "", tls: bool = False) -> None:
    """200 streams of 50 tokens a second: what a chunk costs, and what the proxy adds to the first and to each gap."""
    options = {"connections": 200, "tokens": 50, "tokens_per_second": 50, "seconds": pace.stream_s, "warmup": 0.5}
    with both(bench, tls) as sides:
        for number in range(pace.rounds):
            direct = load.run(bench.tools, "stream", bench.upstream.plain, **options)
            figures.count_errors("streams, direct", direct)
            for whose, side in in_turn(number, sides):
                line = load.run(bench.tools, "stream", side.port(streaming=True), side.process, **options)
                figures.count_errors(f"{prefix}streams, {side.name}", line)
                side.process.trim_log()
                for name, key in (("first_token_p50", "first_token_p50_us"), ("first_token_p99", "first_token_p99_us"),
                                  ("gap_p99", "gap_p99_us"), ("token_transit_p99", "transit_p99_us")):
                    rate = "" if name.startswith("first") else "_at_50_tokens_per_s"
                    figures.add(f"{whose}{prefix}added_{name}_us{rate}", line[key] - direct[key])
                if line["tokens"]:
                    figures.add(f"{whose}{prefix}cpu_us_per_1000_chunks", line["cpu_s"] / line["tokens"] * 1e9)


def memory(bench: Bench, pace: Pace, figures: Figures) -> None:
    """Resident memory of fresh processes: idle, under closed-loop load, after it; then, fresh again, with streams
    open. It hardly differs between rounds, so there are fewer of them."""
    # A proxy has two descriptors for each stream, and some of its own.
    steps = [step for step in pace.stream_steps if 2 * step + 500 <= bench.descriptors]
    if left_out := set(pace.stream_steps) - set(steps):
        figures.notes.append(f"not measured: {left_out} streams, as a process may open only {bench.descriptors} files")
    for number in range(pace.memory_rounds):
        makers = [("nginx_", bench.nginx), ("", bench.gateway)]
        for whose, make in makers if number % 2 == 0 else makers[::-1]:
            _load_memory(bench, pace, figures, whose, make)
            _stream_memory(bench, steps, figures, whose, make)


def _load_memory(bench: Bench, pace: Pace, figures: Figures, whose: str, make: Callable[[], Side]) -> None:
    side = make()
    with side.process:
        side.wait_until_it_answers()
        idle = side.process.rss_bytes()
        with load.MemoryWatch(side.process) as watch:
            for size in (927, 100_000):
                line = load.run(bench.tools, "saturate", side.port(), seconds=pace.knee_s, connections=256,
                                request_bytes=size)
                figures.count_errors(f"memory, {side.name}", line)
        after = _settled(side, idle)
        figures.add(f"{whose}rss_idle_mb", idle / 1e6)
        figures.add(f"{whose}rss_under_load_mb", watch.highest / 1e6)
        figures.add(f"{whose}rss_after_load_mb", after / 1e6)
        figures.add(f"{whose}rss_after_load_ratio_to_idle", after / idle)


def _stream_memory(bench: Bench, steps: list[int], figures: Figures, whose: str, make: Callable[[], Side]) -> None:
    side = make()
    with side.process:
        side.wait_until_it_answers()
        idle = side.process.rss_bytes()
        with load.Held(bench.tools, side.port(streaming=True), steps) as held:
            for step in steps:
                line = held.reached()
                figures.count_errors(f"{step} held streams, {side.name}", line)
                resident = side.process.rss_bytes()
                if line["errors"] == 0:
                    figures.add(f"{whose}kib_per_stream_at_{step}", (resident - idle) / step / 1024)
                held.go_on()
        figures.add(f"{whose}rss_with_{step}_streams_mb", resident / 1e6)
        figures.add(f"{whose}rss_after_{step}_streams_mb", _settled(side, idle) / 1e6)


def _settled(side: Side, idle: int) -> int:
    """Resident memory once it is back near idle, or three seconds after the load."""
    end = time.monotonic() + 3
    while side.process.rss_bytes() > idle * 1.1 and time.monotonic() < end:
        time.sleep(0.1)
    return side.process.rss_bytes()


def start(bench: Bench, pace: Pace, figures: Figures) -> None:
    """From the start of the process to its first answered call."""
    for number in range(pace.rounds):
        makers = [("nginx_", bench.nginx), ("", bench.gateway)]
        for whose, make in makers if number % 2 == 0 else makers[::-1]:
            side = make()
            with side.process:
                figures.add(f"{whose}first_answer_ms", side.wait_until_it_answers() * 1e3)


def size(bench: Bench, _: Pace, figures: Figures) -> None:
    """The binary on disk."""
    figures.add("binary_mb", bench.binary_bytes() / 1e6)


def _shorter(pace: Pace) -> Pace:
    """As many rounds, each at most a second: so that the whole stays under ten minutes."""
    return replace(pace, saturate_s=min(1.0, pace.saturate_s), latency_s=min(1.0, pace.latency_s),
                   stream_s=min(1.0, pace.stream_s))


def tls(bench: Bench, pace: Pace, figures: Figures) -> None:
    """The main rows with TLS to the upstream on both sides; clients stay plain."""
    pace = _shorter(pace)
    saturate(bench, pace, figures, "tls_", True)
    latency(bench, pace, figures, "tls_", True)
    streams(bench, pace, figures, "tls_", True)


def bodies(bench: Bench, pace: Pace, figures: Figures) -> None:
    """The closed loop with bigger requests: 100 KB, and 5 MB from fewer connections."""
    pace = _shorter(pace)
    saturate(bench, pace, figures, "body_100_kb_", request_bytes=100_000)
    saturate(bench, pace, figures, "body_5_mb_", request_bytes=5_000_000, connections=8)


ROWS: dict[str, Callable[[Bench, Pace, Figures], None]] = {
    "saturate": saturate, "system-calls": system_calls, "latency": latency, "knee": knee, "streams": streams,
    "memory": memory, "start": start, "size": size, "tls": tls, "bodies": bodies}
