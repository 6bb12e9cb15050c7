"""What fails is left alone: calls are answered elsewhere, wasted attempts stay few, and the primary is back at once."""

from collections import Counter

import pytest
from harness.control import Control
from harness.gateway import QUICK, error_of
from harness.waiting import wait_for

ROUTE = '[routes.work]\nprimary = "{primary}"\nfallbacks = ["openai/gpt-4-turbo", "openai/gpt-3.5-turbo"]\n'
CALLS = 1000


def work(gateway, calls: int = CALLS, **fields) -> Counter:
    """So many calls of the route, one after the other; how they were answered."""
    return Counter(gateway.chat(model="work", max_tokens=5, **fields).status_code for _ in range(calls))


@pytest.fixture
def timed(start_gateway):
    """A gateway whose time stands still but for advance()."""
    with Control() as control:
        gateways = []

        def start(config: str):
            gateways.append(start_gateway(QUICK + config, environment=control.environment))
            return gateways[0]

        yield start, control


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", ["sim/status-503", "sim/error-200", "sim/empty", "anthropic/claude-3.5-sonnet"])
def test_a_model_that_is_down_wastes_a_handful_of_a_thousand_calls(timed, simulator, fault, stream):
    start, _ = timed
    gateway = start(ROUTE.format(primary=fault))
    before = simulator.mark()
    assert work(gateway, 300 if stream else CALLS, stream=stream) == {200: 300 if stream else CALLS}
    wasted = before.models().count(fault)
    soft = fault == "sim/empty"  # says less against a model than a failure: it counts in the rate, which wants ten ends
    assert 1 <= wasted <= (10 if soft else 9)
    assert gateway.breakers()["model", fault]["state"] in ("open", "probing")
    changes = [line for line in gateway.process.lines if " breaker " in line and "scope=model" in line]
    assert len(changes) == 1 and "change=opened" in changes[0] and fault in changes[0]


def test_a_primary_that_was_down_for_a_minute_is_asked_again_within_one_probe(timed, simulator):
    start, control = timed
    primary = "openai/gpt-4.1"
    gateway = start(ROUTE.format(primary=primary))
    before = simulator.mark()
    simulator.script(f"model {primary} answers status=503\n")
    try:
        for _ in range(60):
            assert work(gateway, 10) == {200: 10}
            control.advance(1)
        assert before.models().count(primary) <= 9
    finally:
        simulator.script("")
    control.advance(gateway.breakers()["model", primary]["until_s"] + 0.1)
    back = simulator.mark()
    assert work(gateway, 10) == {200: 10}
    assert back.models() == [primary] * 10
    assert gateway.breakers()["model", primary]["state"] == "closed"


def test_an_upstream_that_is_wholly_down_is_left_alone_and_calls_are_refused_at_once(start_gateway, simulator):
    edge = ["sim/status=520;shape=html", "sim/status=522;shape=html", "sim/status=530;shape=html"]
    gateway = start_gateway(
        QUICK + f'[routes.work]\nretries = 0\nprimary = "{edge[0]}"\nfallbacks = ["{edge[1]}", "{edge[2]}"]\n'
    )
    before = simulator.mark()
    answers = work(gateway)
    assert set(answers) == {502, 503} and answers[503] > 900
    outcomes = {name: count for name, count in gateway.metrics().items() if name.startswith("gantry_call_outcomes_total")}
    assert outcomes['gantry_call_outcomes_total{outcome="cancelled"}'] == 0, "nobody hung up"
    assert outcomes['gantry_call_outcomes_total{outcome="overloaded"}'] == answers[503]
    assert len(before.attempts()) <= 9
    gateway.close_breakers()
    assert set(work(gateway, 2)) == {502}
    response = gateway.chat(model="openai/gpt-4-turbo")
    error = error_of(response, 503)
    assert "left alone" in error["message"], "no model of an upstream that is down is asked"
    assert int(response.headers["retry-after"]) >= 1
    assert response.headers["x-should-retry"] == "false"
    assert response.headers["x-gantry-attempts"] == "0"
    gateway.close_breakers()
    assert gateway.chat(model="openai/gpt-4-turbo", max_tokens=5).status_code == 200


def test_a_model_that_is_gone_is_asked_once(timed, simulator):
    start, control = timed
    gone = "anthropic/claude-3.5-sonnet"
    gateway = start(ROUTE.format(primary=gone))
    before = simulator.mark()
    for _ in range(9):
        assert work(gateway, 5) == {200: 5}
        control.advance(60)
    assert before.models().count(gone) == 1
    assert gateway.breakers()["model", gone]["reason"] == "gone"


def test_bad_requests_open_nothing(timed, simulator):
    start, _ = timed
    gateway = start(ROUTE.format(primary="openai/gpt-4.1"))
    for _ in range(50):
        assert gateway.chat(model="sim/status-400").status_code == 400
        assert gateway.chat(model="sim/moderation").status_code == 403
    assert {state["state"] for state in gateway.breakers().values()} == {"closed"}


def test_an_operator_closes_breakers(timed, simulator):
    start, _ = timed
    gateway = start(ROUTE.format(primary="sim/status-503"))
    work(gateway, 20)
    before = simulator.mark()
    assert gateway.close_breakers() == 1
    work(gateway, 1)
    assert before.models()[0] == "sim/status-503"


def test_a_key_without_credit_is_left_alone_until_its_credit_is_seen(timed, simulator):
    start, control = timed
    gateway = start(ROUTE.format(primary="openai/gpt-4.1"))
    before = simulator.mark()
    simulator.script("model * answers status=402\npath /key answers credit=0\n")
    try:
        assert set(work(gateway)) == {503}
        assert len(before.attempts()) <= 9
        error = error_of(gateway.chat(model="work"), 503)
        assert "no credit" in error["message"]
        assert gateway.breakers()["key", "key-1"]["reason"] == "out_of_money"
    finally:
        simulator.script("")
    control.advance(30.1)
    wait_for(lambda: gateway.breakers()["key", "key-1"]["state"] == "closed", "the key's credit to be seen")
    assert work(gateway, 10) == {200: 10}


def test_a_402_that_a_client_causes_shuts_nobody_out(timed, simulator):
    start, _ = timed
    gateway = start(ROUTE.format(primary="openai/gpt-4.1"))
    for _ in range(20):
        assert gateway.chat(model="sim/status-402").status_code == 503
        assert work(gateway, 1) == {200: 1}


def test_the_admin_paths_are_not_for_those_whom_a_proxy_passes_on(gateway):
    for name in ("x-forwarded-for", "forwarded", "x-real-ip"):
        error_of(gateway.http.get("/admin/v1/breakers", headers={name: "203.0.113.9"}), 403)


def test_metrics_tell_what_is_left_alone_and_how_often_it_changed(timed, simulator):
    start, control = timed
    primary = "openai/gpt-4.1"
    gateway = start(ROUTE.format(primary=primary))

    def is_open(scope: str, name: str) -> float:
        return gateway.metrics()[f'gantry_breaker_open{{scope="{scope}",name="{name}"}}']

    def changes(change: str) -> float:
        return gateway.metrics()[f'gantry_breaker_changes_total{{scope="model",change="{change}",reason="run"}}']

    assert is_open("model", primary) == is_open("model", "other") == is_open("key", "key-1") == 0
    simulator.script(f"model {primary} answers status=503\n")
    try:
        assert work(gateway, 20) == {200: 20}
    finally:
        simulator.script("")
    # One address is one client, whose failures alone open nothing for others.
    assert gateway.metrics()["gantry_breakers_open_for_one_client"] + is_open("model", primary) == 1
    assert changes("opened") == 1
    gateway.chat(model="anthropic/claude-3.5-sonnet", headers={"x-gantry-fallback": "none"})
    assert is_open("model", "other") == 1, "what only clients name is summed up"
    control.advance(gateway.breakers()["model", primary]["until_s"] + 0.1)
    assert work(gateway, 1) == {200: 1}
    assert gateway.metrics()["gantry_breakers_open_for_one_client"] + is_open("model", primary) == 0
    assert changes("closed") == 1
