"""The SDKs with the retries that they have by default, in front of an upstream that is dead. Two layers that retry would
multiply; so what a client's one try costs upstream is bounded by one call's allowance, and the client is told to stop.

Shown here: the openai packages for Node and Python obey `x-should-retry: false` and make one try. OpenRouter's own package
does not read it and retries every 5xx for an hour; what it heeds is Retry-After, so it waits as long as the gateway says, and
once the breakers have opened its further tries reach no upstream at all. Not shown: that hour to its end.
"""

import json
import os
import subprocess
from pathlib import Path

import openai
import pytest
from harness import secrets
from harness.gateway import QUICK

HERE = Path(__file__).parent
MODEL = "openai/gpt-4-turbo"
CHAIN = 5  # the model that was asked for and the four of the default chain
ALLOWANCE = max(1 + 3, CHAIN)  # attempts that one call may make
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


@pytest.fixture
def dead(start_gateway, simulator):
    """A gateway with every default, all of whose models fail."""
    gateway = start_gateway(QUICK)
    simulator.script("model * answers 503\n")
    yield gateway
    simulator.script("")


def node(gateway, script: str, *arguments: str) -> dict:
    done = subprocess.run(
        ["node", HERE / "node" / script, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "BASE_URL": gateway.base_url,
            "API_KEY": secrets.CLIENT_KEY,
            "PROMPT": secrets.PROMPT,
            "RETRIES": "default",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def client_tries(gateway) -> float:
    return gateway.metrics()["gantry_calls_started_total"]


@STREAMED
def test_openai_for_python_makes_one_try(dead, simulator, stream):
    before = simulator.mark()
    with openai.OpenAI(base_url=dead.base_url, api_key=secrets.CLIENT_KEY) as client:
        assert client.max_retries > 0, "left to itself it would try again"
        with pytest.raises(openai.InternalServerError) as raised:
            client.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": secrets.PROMPT}], stream=stream
            )
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert client_tries(dead) == 1
    assert 1 <= len(before.attempts()) <= ALLOWANCE
    assert len(set(before.models())) == CHAIN, "each model of the chain was asked in that one try"


@pytest.mark.parametrize("action", ["plain", "stream"])
def test_openai_for_node_makes_one_try(dead, simulator, action):
    before = simulator.mark()
    seen = node(dead, "openai.mjs", action, MODEL)
    assert (seen["exception"], seen["status"]) == ("InternalServerError", 503)
    assert client_tries(dead) == 1
    assert 1 <= len(before.attempts()) <= ALLOWANCE


@STREAMED
def test_openrouters_own_package_waits_as_told_and_soon_costs_nothing(dead, simulator, stream):
    tries, until_open = 9, 5  # a model's breaker opens with the fifth failure in a row
    before = simulator.mark()
    seen = node(dead, "openrouter_retrying.mjs", MODEL, str(stream).lower(), str(tries))
    assert seen["ended"] == "stopped by the test" and seen["tries"] == tries
    assert seen["statuses"] == [503] * tries
    assert {told["again"] for told in seen["told"]} == {"false"}
    # Each wait is what the gateway said, and never less than a second: its own first wait could be nothing.
    assert seen["waits"] == [1000 * int(told["wait"]) for told in seen["told"]]
    assert min(seen["waits"]) >= 1000
    assert client_tries(dead) == tries
    assert len(before.attempts()) <= ALLOWANCE * until_open, "the later tries reached no upstream"
    assert seen["waits"][-1] > 1000, "and are told to wait until a breaker may close"
