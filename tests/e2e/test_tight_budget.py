"""What happens when the upstream key's credit does not pay for as many tokens as were asked for."""

import pytest
from harness.gateway import QUICK, error_of

CLAMP = QUICK + '[routes.default]\nretries = 0\non_tight_budget = "clamp"\n'
DEAR = "sim/max-tokens-402"  # pays for 100 tokens at most


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_route_that_clamps_sends_the_call_again_with_what_can_be_paid_for(start_gateway, simulator, stream):
    gateway = start_gateway(CLAMP)
    before = simulator.mark()
    response = gateway.chat(model=DEAR, max_tokens=5000, stream=stream)
    assert response.status_code == 200, response.text
    assert response.headers["x-gantry-max-tokens"] == "100"
    assert response.headers["x-gantry-attempts"] == "2"
    assert [(seen["model"], seen["status"]) for seen in before.attempts()] == [(DEAR, 402), (DEAR, 200)]
    assert gateway.breakers()["key", "key-1"]["state"] == "closed"


def test_without_it_the_client_is_told_what_it_may_ask_for_and_nobody_else_is_asked(start_gateway, simulator):
    gateway = start_gateway(QUICK)
    before = simulator.mark()
    error = error_of(gateway.chat(model=DEAR, max_tokens=5000), 400)
    assert "100 tokens can be paid" in error["message"]
    assert "on_tight_budget" in error["metadata"]["gantry"]["remedy"]
    assert len(before.attempts()) == 1


def test_a_limit_that_can_be_paid_for_is_left_alone(start_gateway):
    gateway = start_gateway(CLAMP)
    response = gateway.chat(model=DEAR, max_tokens=50)
    assert response.status_code == 200
    assert "x-gantry-max-tokens" not in response.headers
