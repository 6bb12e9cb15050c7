"""Several upstream keys, each judged by itself: without credit, replaced under its name, and seen to be good again."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness import secrets
from harness.control import Control
from harness.gateway import QUICK
from harness.waiting import wait_for

POOR = "sk-or-v1-poor000000000000000000000000"
RICH = "sk-or-v1-rich000000000000000000000000"


class Accounts(ThreadingHTTPServer):
    """OpenRouter as far as keys go: what is left on each decides whether it buys an answer."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Till)
        self.left = {POOR: 0, RICH: 50}
        self.bought: list[str] = []
        self.looked_at: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/v1"


class Till(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a head and a body go out as two writes

    @property
    def key(self) -> str:
        return self.headers["authorization"].removeprefix("Bearer ")

    def do_GET(self):
        self.server.looked_at.append(self.key)
        self.answer(200, {"data": {"limit_remaining": self.server.left[self.key], "is_management_key": False}})

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.bought.append(self.key)
        if self.server.left[self.key] <= 0:
            self.answer(402, {"error": {"code": 402, "message": "Insufficient credits. Add more to go on."}})
            return
        message = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
        self.answer(200, {"id": "gen-1", "object": "chat.completion", "model": "acme/one", "choices": [message]})

    def answer(self, status: int, body: dict):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def accounts():
    server = Accounts()
    yield server
    server.shutdown()
    server.server_close()


def test_a_key_without_credit_is_left_alone_by_itself_until_its_credit_is_seen(start_gateway, accounts):
    with Control() as control:
        gateway = start_gateway(
            QUICK + '[upstream]\nkeys = [{ env = "RICH" }, { env = "POOR", name = "poor", weight = 1000 }]\n',
            base_url=accounts.base_url,
            environment={"POOR": POOR, "RICH": RICH, **control.environment},
        )
        for _ in range(50):
            assert gateway.chat(model="acme/one").status_code == 200
        wait_for(lambda: gateway.breakers()["key", "poor"]["reason"] == "out_of_money", "the key to be set aside")
        assert accounts.looked_at and set(accounts.looked_at) == {POOR}, "a key is asked about with itself"
        accounts.bought.clear()
        for _ in range(50):
            assert gateway.chat(model="acme/one").status_code == 200
        assert set(accounts.bought) == {RICH}
        accounts.left[POOR] = 20
        control.advance(30.1)
        wait_for(lambda: gateway.breakers()["key", "poor"]["state"] == "closed", "the key's credit to be seen")
        accounts.bought.clear()
        for _ in range(20):
            assert gateway.chat(model="acme/one").status_code == 200
        assert POOR in accounts.bought


def test_both_keys_without_credit_come_back(start_gateway, accounts):
    accounts.left[RICH] = 0
    with Control() as control:
        gateway = start_gateway(
            QUICK + '[upstream]\nkeys = [{ env = "RICH", name = "rich" }, { env = "POOR", name = "poor" }]\n',
            base_url=accounts.base_url,
            environment={"POOR": POOR, "RICH": RICH, **control.environment},
        )

        def both(state: str):
            seen = gateway.breakers()
            return all(seen.get(("key", name), {}).get("state") == state for name in ("rich", "poor"))

        def set_aside():
            assert gateway.chat(model="acme/one").status_code == 503
            return not both("closed") and all(gateway.breakers()["key", name]["reason"] for name in ("rich", "poor"))

        wait_for(set_aside, "both keys to be set aside")
        accounts.left.update({POOR: 20, RICH: 20})

        def seen():
            control.advance(30.1)  # more than once: a look that was under way may have seen the old credit
            return both("closed")

        wait_for(seen, "both keys' credit to be seen")
        assert gateway.chat(model="acme/one").status_code == 200


def test_another_key_under_an_old_name_is_used_at_once(start_gateway, simulator, tmp_path):
    file = tmp_path / "key"

    def write(key: str):
        file.write_text(key)
        file.chmod(0o600)

    write("sk-or-v1-revoked0000000000000000000000")
    config = QUICK + f'[upstream]\nkeys = [{{ file = "{file}", name = "blue" }}]\n'
    gateway = start_gateway(config)
    assert gateway.chat().status_code == 502
    wait_for(lambda: gateway.breakers()["key", "blue"]["state"] == "open", "the key to be set aside")
    write(secrets.UPSTREAM_KEY)
    start = gateway.reload(config)
    gateway.process.wait_for_line(r"(?i)reloaded", start)
    wait_for(lambda: gateway.chat(max_tokens=5).status_code == 200, "the new key to be used")
    assert gateway.breakers()["key", "blue"]["state"] == "closed"
