#!/usr/bin/env python3
"""The gateway and nginx side by side, alternately on one core, with load and upstream on the other.

Prints a table and the verdicts on the targets, and writes build/bench/results.json. bench/README.md says what each
figure means. Exit code: 0 measured, 1 measured with failed requests, 2 could not measure.
"""

import argparse
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from measuring.figures import Figures, verdicts
from measuring.processes import BenchError
from measuring.rows import FULL, QUICK, ROWS
from measuring.sides import LOAD_CORE, PROXY_CORE, Bench, Upstream

ROOT = Path(__file__).resolve().parent.parent
TIME_LIMIT_S = 900


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true",
                        help="few short rounds: shows that everything works, its figures mean nothing")
    parser.add_argument("--rows", default=",".join(ROWS), help=f"a comma list of {', '.join(ROWS)}")
    parser.add_argument("--gateway-binary", default=str(ROOT / "build/release/gantry"),
                        help='what to measure; "nginx" puts nginx on both sides, which shows the noise of the bench')
    parser.add_argument("--tools", type=Path, default=ROOT / "build/release/bench",
                        help="the folder of bench_load and bench_upstream")
    parser.add_argument("--output", type=Path, default=ROOT / "build/bench", help="where results and scratch files go")
    return parser.parse_args()


def check(given: argparse.Namespace) -> list[str]:
    """The rows to measure; BenchError when something is missing."""
    rows = given.rows.split(",")
    if unknown := [row for row in rows if row not in ROWS]:
        raise BenchError(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    if not {PROXY_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        raise BenchError(f"the bench needs cores {PROXY_CORE} and {LOAD_CORE} for itself")
    for tool in ("bench_load", "bench_upstream"):
        if not (given.tools / tool).exists():
            raise BenchError(f"{given.tools / tool} is missing: run `make bench`, which builds it")
    if shutil.which(given.gateway_binary) is None:
        raise BenchError(f"{given.gateway_binary} is missing: run `make build`, or give --gateway-binary")
    given.gateway_binary = given.gateway_binary if given.gateway_binary == "nginx" else os.path.abspath(
        shutil.which(given.gateway_binary))
    return rows


def measure(given: argparse.Namespace, rows: list[str], figures: Figures) -> None:
    given.output = given.output.resolve()
    given.output.mkdir(parents=True, exist_ok=True)
    upstream = Upstream(given.tools.resolve(), given.output)
    with upstream.process:
        bench = Bench(given.tools.resolve(), given.output, given.gateway_binary, upstream)
        for row in rows:
            began = time.monotonic()
            ROWS[row](bench, QUICK if given.quick else FULL, figures)
            print(f"measured {row} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def report(given: argparse.Namespace, figures: Figures) -> None:
    figures.write(given.output / "results.json")
    print(figures.table())
    print()
    for line in figures.notes + verdicts(figures):
        print(line)
    if given.quick:
        print("\nThis was --quick: it shows that the bench works; the figures mean nothing.")


def stop_on_signals() -> None:
    """Ends by exception, so that everything that was started is stopped on the way out."""
    def on_signal(number: int, _: object) -> None:
        raise BenchError("took too long and was stopped" if number == signal.SIGALRM else "was told to stop")
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGALRM, on_signal)
    signal.alarm(TIME_LIMIT_S)


def main() -> int:
    given = options()
    figures = Figures()
    stop_on_signals()
    try:
        rows = check(given)
        os.sched_setaffinity(0, {LOAD_CORE})
        measure(given, rows, figures)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        return 2
    report(given, figures)
    return 1 if figures.failed_requests else 0


if __name__ == "__main__":
    sys.exit(main())
