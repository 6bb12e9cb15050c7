"""Stands between the gateway and the simulator and keeps what was sent, of which the simulator's journal has only the hash."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from .simulator import Simulator

PASSED = ("content-type", "x-generation-id", "retry-after")


class Witness(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, simulator: Simulator):
        super().__init__(("127.0.0.1", 0), _Passing)
        self.asked: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.upstream = httpx.Client(base_url=simulator.url, trust_env=False, timeout=30)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/v1"

    def __enter__(self) -> "Witness":
        return self

    def __exit__(self, *_exception) -> None:
        self.shutdown()
        self.server_close()
        self.upstream.close()


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Witness

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.command == "POST":
            self.server.asked.append(json.loads(body))
            self.server.headers.append(headers)
        kept = {name: value for name, value in headers.items() if name in ("authorization", "content-type", "x-session-id")}
        answer = self.server.upstream.request(self.command, self.path, content=body, headers=kept)
        self.send_response(answer.status_code)
        for name in PASSED:
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = pass_on

    def log_message(self, *_):
        pass
