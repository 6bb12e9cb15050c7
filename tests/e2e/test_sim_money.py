"""The simulator's money over a real socket: what a client is told, what the key says, what the journal and the bill say."""

import re
from decimal import Decimal

import httpx
import pytest
from harness.secrets import PROMPT, UPSTREAM_KEY
from harness.simulator import Simulator
from harness.waiting import wait_for

AUTHORIZED = {"authorization": f"Bearer {UPSTREAM_KEY}"}
MANAGEMENT = {"authorization": "Bearer sk-or-mgmt-0123456789abcdef"}
PLAIN = "sim/plain"
MODELS = [PLAIN, "deepseek/deepseek-v3.2", "anthropic/claude-sonnet-4.5", "openai/gpt-4.1-mini:online", "sim/bill-times-ten"]


@pytest.fixture
def fresh(tmp_path):
    """A simulator of the test's own: nobody else spends."""
    with Simulator(tmp_path) as process:
        yield process


def ask(simulator, model: str = PLAIN, faults: str = "", **fields) -> httpx.Response:
    headers = AUTHORIZED | ({"x-sim-fault": faults} if faults else {})
    body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 40} | fields
    return simulator.http.post("/api/v1/chat/completions", json=body, headers=headers)


def number(text: str, field: str) -> Decimal:
    """The number as it stands in the text: a float would round it."""
    return Decimal(re.search(rf'"{field}":([0-9.]+)', text).group(1))


def key_usage(simulator) -> Decimal:
    return number(simulator.http.get("/api/v1/key", headers=AUTHORIZED).text, "usage")


def bill(simulator) -> dict:
    return simulator.http.get("/sim/bill").raise_for_status().json()


def journalled(simulator) -> list[dict]:
    return [a for a in simulator.journal()["attempts"] if a["generation"]]


@pytest.mark.parametrize("stream", [False, True])
def test_every_place_says_the_same_to_the_last_digit(fresh, stream):
    costs = {}
    for model in MODELS:
        answer = ask(fresh, model, stream=stream)
        assert answer.status_code == 200, answer.text
        costs[answer.headers["x-generation-id"]] = number(answer.text, "cost")
    total = sum(costs.values())
    wait_for(lambda: all(a["ended_ms"] is not None for a in journalled(fresh)), "the end of all attempts")
    assert {a["generation"]: Decimal(a["cost"]) for a in journalled(fresh)} == costs
    assert key_usage(fresh) == total
    told = bill(fresh)
    assert Decimal(told["cost"]) == Decimal(told["usage"]) == total
    assert told["generations"] == len(MODELS)
    for generation, cost in costs.items():
        url = f"/api/v1/generation?id={generation}"
        found = wait_for(
            lambda url=url: next((r for r in [fresh.http.get(url, headers=AUTHORIZED)] if r.status_code == 200), None),
            "the generation's record",
        )
        assert number(found.text, "total_cost") == cost


def test_a_stream_that_is_left_is_billed_as_its_provider_does(fresh):
    for model, faults in ((PLAIN, ""), (PLAIN, "after-cancel=full"), ("google/gemini-2.0-flash-001", "")):
        seen = len(journalled(fresh))
        fields = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": True}
        headers = AUTHORIZED | {"x-sim-fault": f"stall-mid=30s;after=3;tokens=400;{faults}"}
        with fresh.http.stream("POST", "/api/v1/chat/completions", json=fields, headers=headers) as answer:
            next(answer.iter_bytes())
        left = wait_for(
            lambda seen=seen: next((a for a in journalled(fresh)[seen:] if a["ended_ms"] is not None), None), "the hang-up"
        )
        assert left["cancelled"] is True
        in_full = model != PLAIN or faults
        # Of 400 tokens of completion three were sent; the prompt costs less than fifty.
        price = Decimal("0.000002") if model == PLAIN else Decimal("0.0000004")
        assert (Decimal(left["cost"]) > price * 300) == bool(in_full), left


def test_a_stranger_eats_the_limit_and_a_made_key_has_its_own(fresh):
    spent = fresh.http.post("/sim/spend", json={"usd": "99.999999"}).raise_for_status()
    assert spent.json() == {"usage": "99.999999"}
    assert ask(fresh, "openai/o1-pro").status_code == 402
    made = fresh.http.post("/api/v1/keys", json={"name": "own", "limit": 5}, headers=MANAGEMENT).json()
    own = {"authorization": f"Bearer {made['key']}"}
    body = {"model": "openai/gpt-4.1", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 20}
    assert fresh.http.post("/api/v1/chat/completions", json=body, headers=own).status_code == 200
    path = f"/api/v1/keys/{made['data']['hash']}"
    assert fresh.http.patch(path, json={"disabled": True}, headers=MANAGEMENT).status_code == 200
    assert fresh.http.post("/api/v1/chat/completions", json=body, headers=own).status_code == 401
