"""hold = "calibrated": a soft budget. What is set aside is learned of each key and model; a stream gets more while it goes on, and is
cut cleanly when there is no more."""

import json
from contextlib import contextmanager
from decimal import Decimal

import pytest
from harness.clients import Admin, administered, over_budget
from harness.gateway import QUICK, sse_events
from harness.waiting import wait_for

MODEL, OTHER = "openai/gpt-4.1", "openai/gpt-4o-mini"
CONFIG = (
    f'fallback_for_plain_ids = false\n{QUICK}threads = 1\n'
    '[routes.default]\nretries = 0\nhold = "calibrated"\n'
    f'[routes.bounded]\nprimary = "{MODEL}"\nfallbacks = []\nretries = 0\n'
)
LEAST = 99  # costs without which nothing is learned
LARGE = 20_000  # tokens that are asked for, of which few come


@pytest.fixture(scope="module")
def admin(own_simulator, tmp_path_factory):
    with administered(own_simulator, tmp_path_factory.mktemp("calibrated"), CONFIG) as admin:
        yield admin


@contextmanager
def answers(own_simulator, tokens: int | str):
    """Upstream's answers have so many tokens."""
    own_simulator.script(f"model {MODEL} answers tokens={tokens}\n")
    try:
        yield
    finally:
        own_simulator.script("")


def settled(admin: Admin, client) -> Decimal:
    return Decimal(admin.window(client.id, "total")["settled"])


def quiet(admin: Admin, client) -> Decimal:
    """What was spent, once nothing is held or unknown any more."""
    def look():
        window = admin.window(client.id, "total")
        return Decimal(window["settled"]) if Decimal(window["pending"]) == 0 else None
    return wait_for(look, "the costs of all calls")  # fmt: skip


def asked(admin: Admin, client, model: str = MODEL) -> Decimal:
    """What such a call would be held for, as the refusal of a key with nothing left tells."""
    admin.change(client, limits={"total": "0"})
    amount = over_budget(client.chat(model, max_tokens=LARGE))["amount"]
    admin.change(client, limits={"total": "100"})
    return amount


@pytest.fixture(scope="module")
def learned(admin, own_simulator):
    """A key that has made many small calls, and what its calls were held for before."""
    client = admin.make("learning", limits={"total": "100"})
    before = asked(admin, client)
    with answers(own_simulator, 20):
        for _ in range(LEAST + 1):
            assert client.chat(MODEL, max_tokens=LARGE).status_code == 200
    return client, before


def test_what_is_held_is_learned_of_the_key_and_the_model_alone(admin, learned):
    client, bound = learned
    stranger = admin.make("stranger", limits={"total": "100"})
    assert asked(admin, stranger) == bound, "with less than that many costs it is the bound"
    assert asked(admin, client, OTHER) > 0
    assert asked(admin, client, OTHER) == asked(admin, stranger, OTHER)
    assert asked(admin, client, "bounded") == bound, "a route that does not learn"
    amount = asked(admin, client)
    average = settled(admin, client) / (LEAST + 1)
    assert average <= amount < bound / 20, "what 99 of 100 cost, rounded up by an eighth at most"


def test_many_calls_at_once_fit_where_bounds_would_not(admin, own_simulator, learned):
    client, bound = learned
    held = asked(admin, client)
    stranger = admin.make("bounded", limits={"total": str(held * 10)})
    over_budget(stranger.chat(MODEL, max_tokens=LARGE))
    spent = quiet(admin, client)
    admin.change(client, limits={"total": str(spent + held * 10)})
    with answers(own_simulator, 20):
        for _ in range(8):
            assert client.chat(MODEL, max_tokens=LARGE).status_code == 200
    assert quiet(admin, client) <= spent + held * 10
    admin.change(client, limits={"total": "100"})


def test_a_stream_that_needs_more_gets_it(admin, own_simulator, learned):
    client, _ = learned
    with answers(own_simulator, 400):
        answer = client.chat(MODEL, max_tokens=LARGE, stream=True)
    assert answer.status_code == 200
    assert sse_events(answer.text)[-1] == "[DONE]"
    assert "overshoot" not in "\n".join(admin.gateway.process.lines)


def test_a_stream_at_its_budget_is_cut_cleanly(admin, own_simulator, learned):
    client, bound = learned
    held = asked(admin, client)
    spent = quiet(admin, client)
    limit = spent + held * 3
    admin.change(client, limits={"total": str(limit)})
    with answers(own_simulator, "4000;tps=1000"):
        answer = client.chat(MODEL, max_tokens=LARGE, stream=True)
    assert answer.status_code == 200, "it had begun"
    events = sse_events(answer.text)
    last = json.loads(next(event for event in reversed(events) if event != "[DONE]"))
    assert last["error"]["code"] == 402
    assert last["choices"][0]["finish_reason"] == "error"
    assert "budget" in last["error"]["message"]
    assert 20 < len(events) < 4000
    total = quiet(admin, client)
    assert spent < total < spent + bound, "what came of it is paid for"
    assert total <= limit + held, "not much past the budget"
    over_budget(client.chat(MODEL, max_tokens=LARGE))
    breakers = {name: each for name, each in admin.gateway.breakers().items() if each["state"] != "closed"}
    assert breakers == {}, "upstream did nothing wrong"
    admin.change(client, limits={"total": "100"})
    with answers(own_simulator, 20):
        assert client.chat(MODEL, max_tokens=LARGE).status_code == 200


def test_a_plain_call_may_exceed_its_hold_up_to_its_bound(admin, own_simulator, learned):
    client, bound = learned
    before = quiet(admin, client)
    overshoot = Decimal(admin.window(client.id, "total")["overshoot"])
    held = asked(admin, client)
    with answers(own_simulator, 2000):
        assert client.chat(MODEL, max_tokens=LARGE).status_code == 200
    cost = wait_for(lambda: quiet(admin, client) - before, "its cost")
    told = Decimal(admin.window(client.id, "total")["overshoot"]) - overshoot
    assert held < cost <= bound
    assert told == cost - held <= bound - held
