#!/usr/bin/env python3
"""Shows that the bench's tools can be believed: that a failed request never counts as served, that lengths and token
counts are exact, that open-loop latency counts from the intended time, and that no error goes unsaid.

Run it alone or through any unittest runner. GANTRY_BENCH_TOOLS names the folder of bench_load and bench_upstream
(default: build/release/bench); without them the tests are skipped and say so.
"""

import json
import os
import socket
import subprocess
import threading
import time
import unittest
import urllib.request
from collections.abc import Callable
from pathlib import Path

from measuring.figures import Figures, verdicts

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(os.environ.get("GANTRY_BENCH_TOOLS", ROOT / "build/release/bench"))
CORE = str(max(os.sched_getaffinity(0)))
needs_tools = unittest.skipUnless((TOOLS / "bench_load").exists(), f"no bench tools in {TOOLS}")

TOKEN = b'data: {"choices":[{"index":0,"delta":{"content":" at=1"},"finish_reason":null}]}\n\n'
DONE = b"data: [DONE]\n\n"


def reply(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(*pieces: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in (*pieces, b""))


class ScriptedServer:
    """Answers each request, on as many connections as come, with what `answer` returns; None closes instead."""

    def __init__(self, answer: Callable[[], bytes | None]):
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> "ScriptedServer":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while self._read_request(connection):
                    answer = self._answer()
                    if answer is None:
                        return
                    connection.sendall(answer)
            except OSError:
                return

    @staticmethod
    def _read_request(connection: socket.socket) -> bool:
        request = b""
        while b"\r\n\r\n" not in request:
            more = connection.recv(65536)
            if not more:
                return False
            request += more
        head, _, body = request.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            more = connection.recv(65536)
            if not more:
                return False
            body += more
        return True


def load(port: int, **options: object) -> dict[str, float]:
    argv = [str(TOOLS / "bench_load"), "--core", CORE, "--port", str(port)]
    given = {"connections": 2, "seconds": 0.2, "warmup": 0, **options}
    for name, value in given.items():
        argv += ["--" + name.replace("_", "-"), str(value)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@needs_tools
class LoadJudgesReplies(unittest.TestCase):
    """Each row: what the server says, and how the load has to count it."""

    ROWS = [
        ("a good reply is served", reply("200 OK", b"x" * 1453), "served"),
        ("an error of the right length is not served", reply("500 Oops", b"x" * 1453), "wrong_status"),
        ("an accepted-for-later reply is not served", reply("202 Accepted", b"x" * 1453), "wrong_status"),
        ("a byte too few is not served", reply("200 OK", b"x" * 1452), "wrong_length"),
        ("a byte too many is not served", reply("200 OK", b"x" * 1454), "wrong_length"),
        ("a good chunked reply is served", chunked(b"x" * 1000, b"x" * 453), "served"),
        ("bytes behind the reply break it", reply("200 OK", b"x" * 1453) + b"!", "broken"),
        ("a head that is none breaks it", b"HTTP/1.1 abc\r\n\r\n", "broken"),
        ("a close instead of an answer breaks it", None, "broken"),
    ]

    def test_each_kind_of_reply_counts_as_what_it_is(self) -> None:
        kinds = ("served", "wrong_status", "wrong_length", "broken", "unanswered")
        for mode in ("saturate", "pace"):
            for name, answer, expected in self.ROWS:
                with self.subTest(name, mode=mode), ScriptedServer(lambda answer=answer: answer) as server:
                    line = load(server.port, mode=mode, rate=50)
                    self.assertGreater(line[expected], 0, line)
                    self.assertEqual([kind for kind in kinds if line[kind]], [expected], line)
                    self.assertEqual(line["errors"], sum(line[kind] for kind in kinds[1:]))

    def test_a_refused_connection_is_an_error(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        line = load(port)
        self.assertEqual(line["served"], 0)
        self.assertGreater(line["errors"], 0)

    def test_silence_is_an_error(self) -> None:
        with ScriptedServer(lambda: time.sleep(5)) as server:
            line = load(server.port, mode="pace", rate=50)
            self.assertEqual((line["served"], line["unanswered"]), (0, 10))

    def test_every_intended_call_is_accounted_for(self) -> None:
        with ScriptedServer(lambda: reply("200 OK", b"x" * 1453)) as server:
            line = load(server.port, mode="pace", rate=200, seconds=0.5)
            self.assertEqual(line["served"] + line["errors"], 100)

    def test_latency_counts_from_the_intended_time(self) -> None:
        def slow() -> bytes:
            time.sleep(0.05)
            return reply("200 OK", b"x" * 1453)
        with ScriptedServer(slow) as server:
            line = load(server.port, mode="pace", connections=1, rate=40, seconds=0.5)
        # One connection serves at most 20 a second: the last of 20 calls, meant for 475 ms, ends at 1 s or later.
        self.assertEqual(line["served"], 20)
        self.assertGreater(line["latency_max_us"], 500_000)


@needs_tools
class LoadJudgesStreams(unittest.TestCase):
    ROWS = [
        ("a whole stream is served", chunked(TOKEN, TOKEN, TOKEN, DONE), "served"),
        ("comments and joined events do not matter", chunked(b": wait\n\n", TOKEN + TOKEN, TOKEN + DONE), "served"),
        ("a lost token is not served", chunked(TOKEN, TOKEN, DONE), "wrong_length"),
        ("an end without [DONE] is not served", chunked(TOKEN, TOKEN, TOKEN), "wrong_length"),
        ("an event cut short is not served", chunked(TOKEN, TOKEN, TOKEN, DONE, b"data: "), "wrong_length"),
        ("an error is not served", reply("503 Busy", b"{}"), "wrong_status"),
    ]

    def test_each_kind_of_stream_counts_as_what_it_is(self) -> None:
        for name, answer, expected in self.ROWS:
            with self.subTest(name), ScriptedServer(lambda answer=answer: answer) as server:
                line = load(server.port, mode="stream", tokens=3)
                self.assertGreater(line[expected], 0, line)
                self.assertEqual(line["errors"] > 0, expected != "served", line)


@needs_tools
class Upstream(unittest.TestCase):
    def setUp(self) -> None:
        self.process = subprocess.Popen([str(TOOLS / "bench_upstream"), "--core", CORE], stdout=subprocess.PIPE,
                                        text=True)
        self.port = int(self.process.stdout.readline().split()[0].removeprefix("plain="))

    def tearDown(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=5)
        self.process.stdout.close()

    def ask(self, **members: object) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1/chat/completions",
                                         json.dumps(members, separators=(",", ":")).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def test_replies_are_chats_of_exactly_the_size_asked(self) -> None:
        for size in (1000, 1453, 1454, 70_000):
            body = self.ask(user=f"bench reply={size} ")
            self.assertEqual(len(body), size)
            self.assertTrue(json.loads(body)["choices"][0]["message"]["content"])

    def test_streams_have_the_tokens_asked_and_end_properly(self) -> None:
        events = self.ask(stream=True, user="bench tokens=4 rate=1000 ").split(b"\n\n")
        self.assertEqual(sum(b"at=" in event for event in events), 4)
        self.assertEqual(json.loads(events[4].removeprefix(b"data: "))["usage"]["completion_tokens"], 4)
        self.assertEqual(events[5:], [b"data: [DONE]", b""])

    def test_big_bodies_are_read_whole_and_answered(self) -> None:
        for size in (100_000, 5_000_000):
            line = load(self.port, request_bytes=size)
            self.assertGreater(line["served"], 0)
            self.assertEqual(line["errors"], 0)

    def test_the_load_counts_the_cpu_of_what_it_watches(self) -> None:
        line = load(self.port, watch=self.process.pid, seconds=0.5)
        self.assertGreater(line["cpu_s"], 0)
        self.assertLessEqual(line["cpu_s"], line["seconds"] * 1.05)

    def test_held_streams_are_all_open_at_each_step(self) -> None:
        argv = [str(TOOLS / "bench_load"), "--core", CORE, "--port", str(self.port), "--mode", "hold",
                "--steps", "5,20", "--tokens", "100000", "--tokens-per-second", "20"]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holding:
            for step in (5, 20):
                self.assertEqual(json.loads(holding.stdout.readline()), {"open": step, "errors": 0})
                holding.stdin.write("\n")
                holding.stdin.flush()
        self.assertEqual(holding.returncode, 0)


class FiguresAreHonest(unittest.TestCase):
    def test_results_are_min_median_max_and_the_ratio_comes_first(self) -> None:
        figures = Figures()
        for value in (3.0, 1.0, 2.0):
            figures.add("user_us_per_request", value)
            figures.add("cpu_ratio_to_nginx", value / 2)
        results = figures.results()
        self.assertEqual(list(results)[0], "cpu_ratio_to_nginx")
        self.assertEqual(results["user_us_per_request"], {"min": 1.0, "median": 2.0, "max": 3.0})

    def test_failed_requests_are_in_the_results_and_in_the_notes(self) -> None:
        figures = Figures()
        figures.count_errors("saturate, gateway", {"errors": 2, "errors_in_warmup": 1, "wrong_status": 2})
        self.assertEqual(figures.results()["failed_requests"]["max"], 3)
        self.assertIn("saturate, gateway: 3 failed requests {'wrong_status': 2}", figures.notes)

    def test_a_missed_target_is_called_missed(self) -> None:
        figures = Figures()
        figures.add("rss_idle_mb", 20.1)
        figures.add("cpu_ratio_to_nginx", 1.0)
        lines = verdicts(figures)
        self.assertTrue(lines[0].startswith("reached  cpu_ratio_to_nginx"), lines)
        self.assertTrue(lines[1].startswith("MISSED   rss_idle_mb"), lines)


if __name__ == "__main__":
    unittest.main()
