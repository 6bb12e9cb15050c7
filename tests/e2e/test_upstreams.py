"""Several keys and several upstreams: what one cannot do another does, and little is wasted on the one that cannot."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness import secrets
from harness.gateway import QUICK, error_of, sse_events

REVOKED = "sk-or-v1-revoked0000000000000000000000000000000000000000000000000000000"
LOCAL_KEY = "sk-local-0123456789"


class Local(ThreadingHTTPServer):
    """A small OpenAI-compatible server that keeps what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[dict] = []
        self.authorization: list[str | None] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(body)
        self.server.authorization.append(self.headers["authorization"])
        told = {"id": "local-1", "model": body["model"], "created": 1}
        if body.get("stream"):
            chunks = [
                {**told, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}}]},
                {**told, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            ]
            text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
            kind = "text/event-stream"
        else:
            message = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
            text, kind = json.dumps({**told, "object": "chat.completion", "choices": [message]}), "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def local():
    server = Local()
    yield server
    server.shutdown()
    server.server_close()


def with_local(local: Local, declared: str = "") -> str:
    return (
        f'[upstreams.home]\nbase_url = "{local.base_url}"\nkey = {{ env = "LOCAL_KEY" }}\n{declared}'
        '[routes.work]\nprimary = "openai/gpt-4.1"\nfallbacks = ["openai/gpt-4-turbo", "home:llama3.1:8b"]\nretries = 0\n'
    )


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_another_upstream_answers_when_openrouter_is_down_and_costs_few_attempts(start_gateway, simulator, local, stream):
    gateway = start_gateway(QUICK + with_local(local), environment={"LOCAL_KEY": LOCAL_KEY})
    before = simulator.mark()
    simulator.script("model * answers status=520;shape=html\n")
    try:
        for _ in range(200):
            response = gateway.chat(model="work", stream=stream)
            assert response.status_code == 200, response.text
    finally:
        simulator.script("")
    assert len(before.attempts()) <= 9
    assert len(local.asked) == 200
    assert {asked["model"] for asked in local.asked} == {"llama3.1:8b"}
    assert set(local.authorization) == {f"Bearer {LOCAL_KEY}"}
    assert response.headers["x-gantry-model"] == "llama3.1:8b"
    assert response.headers["x-gantry-substituted"] == "home:llama3.1:8b"
    if stream:
        assert sse_events(response.text)[-1] == "[DONE]"
    assert LOCAL_KEY not in gateway.process.output


def test_a_call_that_demands_privacy_skips_an_upstream_that_is_not_declared_to_give_it(start_gateway, simulator, local):
    gateway = start_gateway(QUICK + with_local(local), environment={"LOCAL_KEY": LOCAL_KEY})
    simulator.script("model * answers status=503\n")
    try:
        response = gateway.chat(model="work", provider={"zdr": True})
        assert error_of(response, 503)["metadata"]["gantry"]["attempts"][-1] == {
            "model": "home:llama3.1:8b",
            "outcome": "skipped",
            "reason": "its upstream is not declared to keep nothing (zdr)",
        }
        assert local.asked == []
        assert gateway.chat(model="work").status_code == 200
    finally:
        simulator.script("")


def test_a_call_whose_demands_leave_nobody_is_told_why(start_gateway, simulator, local):
    config = QUICK + with_local(local) + '[routes.home]\nprimary = "home:llama3.1:8b"\nfallbacks = []\n'
    gateway = start_gateway(config, environment={"LOCAL_KEY": LOCAL_KEY})
    response = gateway.chat(model="home", provider={"data_collection": "deny"})
    error = error_of(response, 400)
    assert "demands" in error["message"]
    assert [each["reason"] for each in error["metadata"]["gantry"]["attempts"]] == [
        "its upstream is not declared to collect nothing (data_collection)"
    ]
    assert local.asked == []


def test_one_that_is_declared_to_give_it_is_asked(start_gateway, simulator, local):
    gateway = start_gateway(QUICK + with_local(local, "zdr = true\n"), environment={"LOCAL_KEY": LOCAL_KEY})
    simulator.script("model * answers status=503\n")
    try:
        assert gateway.chat(model="work", provider={"zdr": True}).status_code == 200
    finally:
        simulator.script("")


def test_a_revoked_key_costs_few_of_a_thousand_calls_an_attempt_and_none_its_answer(start_gateway, simulator):
    gateway = start_gateway(
        QUICK + '[upstream]\nkeys = [{ env = "REVOKED", name = "blue" }, { env = "GOOD", name = "green" }]\n',
        environment={"REVOKED": REVOKED, "GOOD": secrets.UPSTREAM_KEY},
    )
    before = simulator.mark()
    for _ in range(1000):
        assert gateway.chat(model="openai/gpt-4-turbo", max_tokens=5).status_code == 200
    refused = [attempt for attempt in before.attempts() if attempt["status"] == 401]
    assert 1 <= len(refused) <= 9
    blue = gateway.breakers()["key", "blue"]
    assert (blue["state"], blue["reason"]) == ("open", "bad_key")
    assert gateway.breakers()["key", "green"]["state"] == "closed"
