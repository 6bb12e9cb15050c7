#!/usr/bin/env python3
"""Runs the counting binary (preset profile) under the load that the release build is optimised for, and writes what it
did to bench/profile/gantry.proftext.

The load is what a gateway mostly does: plain calls and streams of short and long prompts, with the headers that SDKs
send; first without client keys, then with a key under a budget; and some failover, since the primary of one
model is gone. Everything is on loopback, bounded, and stopped by its pid."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = ROOT / "build/profile/gantry"
COUNTS = ROOT / "bench/profile/gantry.proftext"
PROFDATA = "llvm-profdata-19"
HEADERS = {
    "Content-Type": "application/json", "Accept": "application/json", "User-Agent": "OpenAI/Python 2.1.0",
    "X-Stainless-Lang": "python", "X-Stainless-Retry-Count": "0", "HTTP-Referer": "https://example.com", "X-Title": "app",
}
# calls, stream, model, words of the prompt
MIX = [
    (4000, False, "openai/gpt-4o-mini", 180), (3000, False, "anthropic/claude-sonnet-4.5", 60),
    (300, False, "anthropic/claude-3.5-sonnet", 180),  # gone: the chain goes on
    (300, True, "openai/gpt-4o-mini", 180), (300, True, "google/gemini-2.5-flash", 180),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(words: list[str], env: dict[str, str], log: Path) -> subprocess.Popen:
    with log.open("ab") as sink:
        return subprocess.Popen([str(BINARY), *words], env=os.environ | env, stdout=sink, stderr=sink)


def wait_ready(port: int) -> None:
    for _ in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
            if any(line.startswith("gantry_catalogue_models") and not line.endswith(" 0") for line in text.splitlines()):
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the gateway has no catalogue after 20 s")


def call(port: int, key: str, count: int, stream: bool, model: str, words: int, failed: list[int]) -> None:
    messages = [{"role": "system", "content": 'Be "brief".\n'}, {"role": "user", "content": "word " * words}]
    body = json.dumps({"model": model, "messages": messages, "temperature": 0.7} | ({"stream": True} if stream else {}))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(count):
        connection.request("POST", "/api/v1/chat/completions", body, HEADERS | {"Authorization": f"Bearer {key}"})
        reply = connection.getresponse()
        reply.read()
        if reply.status != 200:
            failed.append(reply.status)


def load(port: int, key: str) -> None:
    failed: list[int] = []
    threads = [threading.Thread(target=call, args=(port, key, *each, failed)) for each in MIX]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"{len(failed)} calls failed, the first with {failed[0]}: nothing was written")


def make_key(port: int, admin: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    fields = json.dumps({"name": "train", "limits": {"daily": "1000000"}})
    connection.request("POST", "/admin/v1/keys", fields, {"Content-Type": "application/json", "Authorization": f"Bearer {admin}"})
    return json.loads(connection.getresponse().read())["key"]


def train(folder: Path) -> None:
    upstream, gateway, admin = free_port(), free_port(), secrets.token_hex(32)
    (folder / "gantry.toml").write_text(f'[ledger]\nstate = "{folder}/state"\n')
    sim = start(["sim", "--listen", f"127.0.0.1:{upstream}"], {"LLVM_PROFILE_FILE": str(folder / "sim.counts")}, folder / "sim.log")
    env = {
        "OPENROUTER_API_KEY": "sk-or-v1-train", "OPENROUTER_BASE_URL": f"http://127.0.0.1:{upstream}/api/v1",
        "GANTRY_ADMIN_TOKEN": admin, "LLVM_PROFILE_FILE": str(folder / "gateway.counts"),
    }
    serve = start(["serve", "--listen", f"127.0.0.1:{gateway}", "--config", str(folder / "gantry.toml")], env, folder / "gateway.log")
    try:
        wait_ready(gateway)
        load(gateway, "none")
        load(gateway, make_key(gateway, admin))
    finally:
        for process in (serve, sim):  # the counts are written at an orderly end
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gantry-profile-") as name:
        folder = Path(name)
        train(folder)
        subprocess.run([PROFDATA, "merge", "--sparse", "--text", "-o", str(COUNTS), str(folder / "gateway.counts")], check=True)
    print(f"{COUNTS.relative_to(ROOT)}: {COUNTS.stat().st_size // 1000} KB; build the release again and run make bench")


if __name__ == "__main__":
    main()
