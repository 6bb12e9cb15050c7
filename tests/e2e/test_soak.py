"""The soak of `make soak`, for a few seconds: that everything adds up after load with faults and hang-ups. What a sanitizer
keeps of freed memory says nothing, so memory is looked at by the long one alone."""

import os
import subprocess
import sys
from pathlib import Path

from harness.process import ROOT, dev_binary

TOOLS = Path(os.environ.get("GANTRY_BENCH_TOOLS", ROOT / "build/dev/bench"))


def test_a_short_soak_adds_up():
    assert (TOOLS / "soak_load").is_file(), f"{TOOLS} has no soak_load; build it first (make test STAGES=unit)"
    done = subprocess.run(
        [sys.executable, ROOT / "bench/soak.py", "--seconds", "4", "--rate", "100", "--rss-factor", "0"]
        + ["--gateway-binary", dev_binary(), "--tools", TOOLS],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("held  ") >= 10 and "FAILED" not in done.stdout
