#!/usr/bin/env python3
"""A soak: the gateway before the simulator, for ten minutes at 500 calls a second, one in ten with a fault, plain and
streamed, some clients hanging up. Afterwards everything has to add up:

- what the load asked is what the gateway counted, and what the gateway asked is what the simulator's journal saw;
- no healthy call failed, and no part of an answer was sold as the whole;
- connections, calls and bytes are back at rest, and memory is near where it was.

Exit code 0: all of that held. 1: something did not. 2: it did not run. Needs no network and costs nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from measuring.processes import BenchError, Process, free_ports

ROOT = Path(__file__).resolve().parent.parent
KEY = "sk-or-v1-" + "0123456789abcdef" * 4  # of the simulator alone
LISTENING_S = 30
REST_S = 60  # streams that were abandoned, retries under way, pools
FILES_S = 5
POLL_S = 1.0  # the journal keeps 10,000 entries

# Each fails its own model only: what is wrong with a key or a whole upstream would rightly fail healthy calls, too.
FAULTS = ["status=500", "status=502", "status=503", "status=529", "status=429", "status=404", "status=400", "moderation",
          "body-error", "empty", "html", "broken-json", "no-choices", "mid-error", "no-finish", "close-at=100", "close-after",
          "reset-after"]
# A model that fails again and again is soon left alone and its faults reach nobody: there are many of each, so that all
# through the soak some are asked, and asked again. Half of them have a model behind them that answers.
ROUTES = len(FAULTS) * 16


def fetch(url: str) -> bytes:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return answer.read()


def wait_until(condition, what: str, limit: float) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(f"waited {limit:.0f} s in vain for {what}")
        time.sleep(0.05)


def is_up(process: Process, url: str) -> bool:
    if not process.alive():
        raise BenchError(f"{process.name} ended: {process.last_words()}")
    try:
        return bool(fetch(url))
    except OSError:
        return False


class Metrics:
    """One scrape of the gateway."""

    def __init__(self, url: str):
        self.samples = {}
        for line in fetch(f"{url}/metrics").decode().splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                self.samples[name] = float(value)

    def sum(self, name: str, label: str = "") -> int:
        return round(sum(v for sample, v in self.samples.items() if sample.split("{")[0] == name and label in sample))

    def at_rest(self) -> bool:
        """Only the connection that asks is left, and the pool's idle ones."""
        return (
            self.sum("gantry_active_calls") == 0
            and self.sum("gantry_client_connections") == 1
            and self.sum("gantry_upstream_connections") == self.sum("gantry_upstream_idle_connections")
            and self.sum("gantry_inflight_bytes") == 0
        )


class Journal(threading.Thread):
    """Reads the simulator's journal while it fills: it forgets what is old."""

    def __init__(self, url: str):
        super().__init__(daemon=True)
        self._url = url
        self._after = 0
        self._end = threading.Event()
        self.attempts = 0
        self.lost = 0
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        while not self._end.wait(POLL_S):
            self.read()

    def stop(self) -> None:
        self._end.set()
        self.join()
        self.read()

    def read(self) -> None:
        for entry in json.loads(fetch(f"{self._url}/sim/journal?after={self._after}"))["attempts"]:
            self.lost += entry["number"] - self._after - 1
            self._after = entry["number"]
            if entry["path"].endswith("/chat/completions"):
                self.attempts += 1
                self.statuses[entry["status"]] += 1


def open_files(process: Process) -> int:
    return len(os.listdir(f"/proc/{process.pid}/fd"))


class Verdicts:
    def __init__(self) -> None:
        self.failed = False

    def say(self, held: bool, text: str) -> None:
        self.failed |= not held
        print(f"{'held  ' if held else 'FAILED'}  {text}", flush=True)


def judge_calls(say, load: dict, before: Metrics, after: Metrics) -> None:
    def grown(name: str, label: str = "") -> int:
        return after.sum(name, label) - before.sum(name, label)

    refused = sum(count for name, count in load.items() if name.startswith("status_"))
    seen = load["whole"] + refused + load["told_in_stream"] + load["hung_up"]
    say(seen == load["begun"] and load["unanswered"] == 0, f"calls begun {load['begun']}, of which the load saw the end: {seen}")
    counted, early = grown("gantry_calls_total"), grown("gantry_refused_total")
    say(counted + early == load["begun"], f"calls that the gateway counted: {counted}, and refused before: {early}")
    say(grown("gantry_calls_started_total") == counted, "every call that began has ended")
    say(load["healthy_failed"] == 0, f"healthy calls that failed: {load['healthy_failed']} of {load['healthy']}")
    say(load["cut"] + load["broken"] == 0, f"parts sold as the whole: {load['cut']}; connections broken: {load['broken']}")
    delivered = grown("gantry_call_outcomes_total", 'outcome="delivered"')
    left = delivered - load["whole"]
    say(0 <= left <= load["hung_up"],
        f"answers delivered: {delivered}, seen whole: {load['whole']}, the rest by clients that had left: {left}")
    cancelled = grown("gantry_call_outcomes_total", 'outcome="cancelled"')
    failed = counted - delivered - cancelled
    told = refused + load["told_in_stream"] - early
    say(failed == told, f"calls that failed: {failed}, and the load was told of {told}, each by an injected fault")
    say(left + cancelled == load["hung_up"], f"calls cancelled: {cancelled}, clients that hung up: {load['hung_up']}")


def judge_attempts(say, journal: Journal, before: Metrics, after: Metrics) -> None:
    attempts = after.sum("gantry_attempts_total") - before.sum("gantry_attempts_total")
    say(journal.lost == 0 and attempts == journal.attempts,
        f"attempts that the gateway counted: {attempts}, in the journal: {journal.attempts} (forgotten unread: {journal.lost})")


def judge_rest(say, options, gateway: Process, url: str, before: tuple[int, int]) -> None:
    last: list[Metrics] = []

    def rests() -> bool:
        last[:] = [Metrics(url)]
        return last[0].at_rest()

    try:
        wait_until(rests, "rest", REST_S)
        say(True, "connections, calls and bytes are at rest")
    except BenchError:
        gauges = {name: value for name, value in last[0].samples.items() if "connections" in name or "active" in name}
        say(False, f"not at rest after {REST_S} s: {gauges}")
    idle, more = last[0].sum("gantry_upstream_idle_connections"), [0]

    def closed() -> bool:
        more[0] = open_files(gateway) - before[0]
        return more[0] <= idle

    try:
        wait_until(closed, "open files", FILES_S)  # the connection that asked last may still be closing
    except BenchError:
        pass
    say(more[0] <= idle, f"open files more than before: {more[0]}, idle upstream connections: {idle}")
    rss, limit = gateway.rss_bytes(), before[1] * options.rss_factor + 4 * 2**20
    if options.rss_factor > 0:
        say(rss <= limit, f"resident memory {before[1] / 2**20:.1f} MiB before and {rss / 2**20:.1f} MiB after")


def routes() -> str:
    text = ""
    for number in range(ROUTES):
        model = f"sim/{FAULTS[number % len(FAULTS)]};generation-after={number}"  # a name of its own, and no more
        behind = '["openai/gpt-4.1"]' if number // len(FAULTS) % 2 else "[]"
        text += f'[routes.soak-{number}]\nprimary = "{model}"\nfallbacks = {behind}\n'
    return text


def start(stack: ExitStack, options, folder: Path) -> tuple[Process, str, str]:
    sim_port, port = free_ports(2)
    cores = sorted(os.sched_getaffinity(0))
    simulator = stack.enter_context(
        Process([str(options.gateway_binary), "sim", "--listen", f"127.0.0.1:{sim_port}", "--key", KEY, "--seed", "1"],
                cores[-1], folder / "simulator.log"))
    config = folder / "gantry.toml"
    config.write_text(f'[server]\nlisten = "127.0.0.1:{port}"\nthreads = {options.threads}\ndrain_delay = "0s"\n'
                      f'[ledger]\nstate = "{folder}/state"\n' + routes())
    config.chmod(0o600)
    gateway = stack.enter_context(
        Process([str(options.gateway_binary), "serve", "--config", str(config)], cores[0], folder / "gateway.log",
                {"OPENROUTER_API_KEY": KEY, "OPENROUTER_BASE_URL": f"http://127.0.0.1:{sim_port}/api/v1"}))
    urls = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sim_port}"
    wait_until(lambda: is_up(simulator, f"{urls[1]}/api/v1/models"), "the simulator", LISTENING_S)
    wait_until(lambda: is_up(gateway, f"{urls[0]}/health"), "the gateway", LISTENING_S)
    return gateway, *urls


def run_load(options, port: str, seconds: float, core: int) -> dict:
    argv = [str(options.tools / "soak_load"), "--port", port, "--core", str(core), "--seconds", str(seconds),
            "--rate", str(options.rate), "--seed", str(options.seed), "--routes", str(ROUTES)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 120)
    if done.returncode != 0:
        raise BenchError(f"the load failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def soak(options) -> bool:
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        gateway, url, sim_url = start(stack, options, Path(name))
        port, core = url.rsplit(":", 1)[1], max(os.sched_getaffinity(0))
        run_load(options, port, 1, core)  # what a process takes once: pools, catalogues, thread caches
        wait_until(lambda: Metrics(url).at_rest(), "rest before the soak", REST_S)
        journal = Journal(sim_url)
        journal.read()
        journal.attempts = journal.lost = 0
        before, files, rss = Metrics(url), open_files(gateway), gateway.rss_bytes()
        files -= before.sum("gantry_upstream_idle_connections")
        journal.start()
        load = run_load(options, port, options.seconds, core)
        highest = gateway.rss_bytes()
        judge_rest(verdicts.say, options, gateway, url, (files, rss))
        journal.stop()
        after = Metrics(url)
        judge_calls(verdicts.say, load, before, after)
        judge_attempts(verdicts.say, journal, before, after)
        print(json.dumps(load | {"seconds": options.seconds, "rate": options.rate, "rss_mib_after_load": round(highest / 2**20, 1),
                                 "retries": after.sum("gantry_retries_total") - before.sum("gantry_retries_total"),
                                 "fallbacks": after.sum("gantry_fallbacks_total") - before.sum("gantry_fallbacks_total"),
                                 "attempts_by_status": dict(sorted(journal.statuses.items()))}))
    return not verdicts.failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=float, default=500, help="calls a second")
    parser.add_argument("--threads", type=int, default=2, help="of the gateway")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rss-factor", type=float, default=1.25, help="how much more memory may be held after; 0: any")
    parser.add_argument("--gateway-binary", type=Path, default=ROOT / "build/release/gantry")
    parser.add_argument("--tools", type=Path, default=ROOT / "build/release/bench", help="folder of soak_load")
    options = parser.parse_args()
    try:
        options.gateway_binary, options.tools = options.gateway_binary.resolve(), options.tools.resolve()
        return 0 if soak(options) else 1
    except BenchError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
