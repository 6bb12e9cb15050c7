"""What OpenRouter lists is kept and used: models that cannot do a call are passed over with the reason told, a provider
that is down is left out while its model stays in use, and OpenRouter's own substitutions are told."""

import json
from collections import Counter

import pytest
from harness.control import Control
from harness.gateway import QUICK
from harness.waiting import wait_for

EXPLAIN = {"x-gantry-explain": "1"}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
WITH_IMAGE = [{"role": "user", "content": [{"type": "text", "text": "What is this?"},
                                            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]  # fmt: skip

ROUTES = """
[routes.tools]
primary = "openai/o1-pro"
fallbacks = ["openai/gpt-4.1"]
[routes.image]
retries = 0
primary = "sim/status-503"
fallbacks = ["openai/gpt-3.5-turbo", "openai/gpt-4.1"]
[routes.long]
retries = 0
primary = "openai/gpt-3.5-turbo"
fallbacks = ["meta-llama/llama-3.1-8b-instruct", "openai/gpt-4.1"]
[routes.audio]
retries = 0
primary = "openai/gpt-4.1"
fallbacks = ["openai/gpt-3.5-turbo"]
[routes.theirs]
fallback = "openrouter"
primary = "openai/gpt-4.1"
fallbacks = ["openai/gpt-4o-mini"]
"""


@pytest.fixture(scope="module")
def listed(simulator, tmp_path_factory):
    from harness.gateway import Gateway

    with Gateway(tmp_path_factory.mktemp("listed"), simulator.base_url, QUICK + ROUTES) as process:
        process.wait_for_catalogue()
        yield process


def told(response) -> list[dict]:
    return json.loads(response.headers["x-gantry-explain"])


# ---- what a model cannot do


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_call_with_tools_passes_over_a_model_without_them(listed, simulator, stream):
    before = simulator.mark()
    response = listed.chat(model="tools", headers=EXPLAIN, tools=TOOLS, max_tokens=20, stream=stream)
    assert response.status_code == 200, response.text
    assert before.models() == ["openai/gpt-4.1"]
    assert told(response)[0] == {"model": "openai/o1-pro", "outcome": "skipped", "reason": "takes no tools"}
    assert told(response)[1]["outcome"] == "delivered"
    assert response.headers["x-gantry-substituted"] == "openai/gpt-4.1"


def test_a_call_without_them_asks_it(listed, simulator):
    before = simulator.mark()
    assert listed.chat(model="tools", max_tokens=20).status_code == 200
    assert before.models() == ["openai/o1-pro"]


def test_a_call_with_an_image_passes_over_a_fallback_that_takes_text_alone(listed, simulator):
    before = simulator.mark()
    response = listed.chat(model="image", headers=EXPLAIN, messages=WITH_IMAGE, max_tokens=20)
    assert response.status_code == 200, response.text
    assert before.models() == ["sim/status-503", "openai/gpt-4.1"]
    assert [(each["outcome"], each.get("reason")) for each in told(response)] == [
        ("overloaded", None), ("skipped", "takes no image"), ("delivered", None),
    ]  # fmt: skip


def test_a_prompt_too_long_for_a_model_goes_on_to_a_larger_context(listed, simulator):
    before = simulator.mark()
    prompt = [{"role": "user", "content": "Name the planets. " * 5000}]
    response = listed.chat(model="long", headers=EXPLAIN, messages=prompt, max_tokens=20)
    assert response.status_code == 200, response.text
    assert before.models() == ["openai/gpt-3.5-turbo", "openai/gpt-4.1"]
    assert [(each["outcome"], each.get("reason")) for each in told(response)] == [
        ("too_long", None), ("skipped", "its context is not larger"), ("delivered", None),
    ]  # fmt: skip


def test_when_no_model_is_said_to_be_able_upstream_is_asked_all_the_same(listed, simulator):
    before = simulator.mark()
    part = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    response = listed.chat(model="audio", messages=[{"role": "user", "content": [part]}], max_tokens=20)
    assert response.status_code == 404
    assert before.models() == ["openai/gpt-4.1", "openai/gpt-3.5-turbo"]
    assert "audio" in response.json()["error"]["message"], "in OpenRouter's words"


# ---- OpenRouter's own failover


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_substitution_by_openrouter_is_told(listed, simulator, stream):
    assert "x-gantry-substituted" not in listed.chat(model="theirs", max_tokens=20, stream=stream).headers
    simulator.script("model openai/gpt-4.1 answers status=503\n")
    try:
        response = listed.chat(model="theirs", max_tokens=20, stream=stream)
    finally:
        simulator.script("")
    assert response.status_code == 200, response.text
    assert response.headers["x-gantry-attempts"] == "1"
    assert response.headers["x-gantry-substituted"] == "openai/gpt-4o-mini"


# ---- a provider that is down

LLAMA = "meta-llama/llama-3.3-70b-instruct"
WORK = f'[routes.work]\nretries = 0\nprimary = "{LLAMA}"\nfallbacks = ["openai/gpt-4-turbo"]\n'


@pytest.fixture
def timed(start_gateway, simulator):
    """A gateway with the catalogue, whose time stands still but for advance()."""
    with Control() as control:
        gateway = start_gateway(QUICK + WORK, environment=control.environment)
        control.advance(1.2)
        gateway.wait_for_catalogue()
        yield gateway, control
        simulator.script("")


def work(gateway, calls: int, **fields) -> Counter:
    return Counter(gateway.chat(model="work", max_tokens=5, **fields).status_code for _ in range(calls))


@pytest.mark.parametrize("fault", ["status=502", "status=502;shape=provider", "body-error", "choice-error"])
def test_a_bad_provider_is_left_out_and_its_model_stays_in_use(timed, simulator, fault):
    gateway, _ = timed
    simulator.script(f"model {LLAMA} answers provider=DeepInfra;{fault}\n")
    before = simulator.mark()
    assert work(gateway, 1000) == {200: 1000}
    attempts = before.attempts()
    wasted = [each for each in attempts if each["provider"] == "DeepInfra"]
    assert 1 <= len(wasted) <= 9
    assert Counter(each["model"] for each in attempts) == {LLAMA: 1000, "openai/gpt-4-turbo": len(wasted)}
    assert attempts[-1]["ignored"] == ["deepinfra"]
    breakers = gateway.breakers()
    assert breakers["model", LLAMA]["state"] == "closed"
    assert breakers["provider", "DeepInfra"]["state"] == "open"
    assert breakers["provider", "DeepInfra"]["in"] == f"openrouter > {LLAMA}"


def test_streams_leave_it_out_and_take_it_back(timed, simulator):
    gateway, control = timed
    simulator.script(f"model {LLAMA} answers provider=DeepInfra;mid-error;after=0\n")
    before = simulator.mark()
    assert work(gateway, 100, stream=True) == {200: 100}
    assert before.attempts()[-1]["ignored"] == ["deepinfra"]
    simulator.script("")
    control.advance(gateway.breakers()["provider", "DeepInfra"]["until_s"] + 0.1)
    assert work(gateway, 30, stream=True) == {200: 30}
    assert gateway.breakers()["provider", "DeepInfra"]["state"] == "closed"


def test_a_provider_that_the_client_pinned_is_not_left_out(timed, simulator):
    gateway, _ = timed
    simulator.script(f"model {LLAMA} answers provider=DeepInfra;status=502\n")
    work(gateway, 100)
    simulator.script("")
    before = simulator.mark()
    for provider in ({"only": ["deepinfra"]}, {"order": ["deepinfra"], "allow_fallbacks": False}):
        assert gateway.chat(model="work", max_tokens=5, provider=provider).json()["provider"] == "DeepInfra"
    assert gateway.chat(model="work", max_tokens=5, provider={"order": ["deepinfra"]}).status_code == 200
    assert [each["ignored"] for each in before.attempts()] == [[], [], ["deepinfra"]]


def test_a_provider_that_is_well_again_is_used_again(timed, simulator):
    gateway, control = timed
    simulator.script(f"model {LLAMA} answers provider=DeepInfra;status=502\n")
    work(gateway, 100)
    control.advance(gateway.breakers()["provider", "DeepInfra"]["until_s"] + 0.1)
    before = simulator.mark()
    work(gateway, 100)
    assert sum(each["provider"] == "DeepInfra" for each in before.attempts()) == 1, "one probe found it as it was"
    assert gateway.breakers()["provider", "DeepInfra"]["state"] == "open"
    simulator.script("")
    control.advance(gateway.breakers()["provider", "DeepInfra"]["until_s"] + 0.1)
    back = simulator.mark()
    assert work(gateway, 60) == {200: 60}
    attempts = back.attempts()
    assert gateway.breakers()["provider", "DeepInfra"]["state"] == "closed"
    assert {each["model"] for each in attempts} == {LLAMA}
    assert sum(each["provider"] == "DeepInfra" for each in attempts) > 5
    assert all(each["ignored"] == [] for each in attempts)


# ---- how it is kept


def test_nothing_waits_for_the_catalogue_and_a_failure_is_tried_again(start_gateway, simulator):
    simulator.script("path /models answers 500\n")
    try:
        with Control() as control:
            before = simulator.mark()
            gateway = start_gateway(QUICK, environment=control.environment)
            assert gateway.chat(max_tokens=5).status_code == 200
            assert before.attempts("/models") == []
            control.advance(1.2)
            wait_for(lambda: before.attempts("/providers"), "the lists to be asked for")
            assert gateway.metrics()["gantry_catalogue_models"] == 0
            simulator.script("")
            control.advance(34)
            gateway.wait_for_catalogue()
            assert len(before.attempts("/models")) == 2
            assert gateway.metrics()["gantry_catalogue_age_seconds"] == 0
            control.advance(60)
            assert gateway.metrics()["gantry_catalogue_age_seconds"] == 60
    finally:
        simulator.script("")


def test_another_upstream_is_asked_for_its_lists_at_once(start_gateway, simulator):
    with Control() as control:
        gateway = start_gateway(QUICK, base_url=simulator.base_url, environment=control.environment)
        control.advance(1.2)
        gateway.wait_for_catalogue()
        before = simulator.mark()
        start = gateway.reload(QUICK + '[upstream]\nmax_idle = 7\n')
        gateway.process.wait_for_line("reloaded", start)
        wait_for(lambda: before.attempts("/providers"), "the lists to be asked for")
        start = gateway.reload(QUICK + '[upstream]\nmax_idle = 7\n[log]\nlevel = "info"\n')
        gateway.process.wait_for_line("reloaded", start)
        assert len(before.attempts("/models")) == 1
