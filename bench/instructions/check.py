#!/usr/bin/env python3
"""Counts the instructions of the hot pure paths with callgrind and holds them to a stored baseline.

Time is too coarse for costs under a microsecond; instructions hardly vary from run to run. Those of the first thread are
counted: others run when they please. An operation fails when it takes over 3 % more than bench/instructions/baseline.json
says, or has no entry there; `--update` rewrites the file, which is right when the commit says why. The counts depend on
the compiler and its libraries, so they are compared only between builds of the same toolchain.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BASELINE = Path(__file__).resolve().parent / "baseline.json"
ALLOWED = 1.03
TIME_LIMIT_S = 120


def count(program: Path) -> dict[str, float]:
    """Instructions an operation, by its name."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={folder}/out",
             str(program)],
            capture_output=True, text=True, timeout=TIME_LIMIT_S)
        if done.returncode != 0:
            sys.exit(f"{program.name} failed under callgrind: {done.stderr[-1000:]}")
        runs = {name: int(times) for name, times in (line.split() for line in done.stdout.splitlines())}
        counts = {}
        for dump in Path(folder).iterdir():
            text = dump.read_text()
            trigger = re.search(r"^desc: Trigger: Client Request: (\S+)$", text, re.M)
            total = re.search(r"^(?:totals|summary): (\d+)", text, re.M)
            first = re.search(r"^thread: 1$", text, re.M)  # others run when they please
            if trigger and total and first:
                counts[trigger[1]] = round(int(total[1]) / runs[trigger[1]], 1)
    if missing := runs.keys() - counts.keys():
        sys.exit(f"callgrind wrote no counts for {', '.join(sorted(missing))}")
    return {name: counts[name] for name in runs}


def compare(counts: dict[str, float], baseline: dict[str, float]) -> bool:
    """Prints a table; true when every operation is within its allowance."""
    good = True
    print(f"{'instructions an operation':34} {'now':>10} {'baseline':>10}")
    for name, now in counts.items():
        before = baseline.get(name)
        if before is None:
            verdict = "NOT IN THE BASELINE"
        else:
            verdict = f"{(now / before - 1) * 100:+.1f} %" + (" TOO MANY" if now > before * ALLOWED else "")
        good &= before is not None and now <= before * ALLOWED
        print(f"{name:34} {now:10,.1f} {before or 0:10,.1f}  {verdict}")
    for name in baseline.keys() - counts.keys():
        print(f"{name:34} is in the baseline and was not counted")
        good = False
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/bench/bench_instructions")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument("--update", action="store_true", help="store what was counted as the new baseline")
    given = parser.parse_args()
    counts = count(given.program)
    if given.update:
        given.baseline.write_text(json.dumps(counts, indent=2) + "\n")
        print(f"stored {len(counts)} counts in {given.baseline.name}")
        return 0
    return 0 if compare(counts, json.loads(given.baseline.read_text())) else 1


if __name__ == "__main__":
    sys.exit(main())
