"""One model's failure is not the client's, as long as another of the chain answers and no byte has gone out."""

import json

import pytest
from harness.gateway import QUICK, error_of, sse_events

GONE = "anthropic/claude-3.5-sonnet"  # named by many programs; no longer served
CHAIN = '[routes.test]\nprimary = "{primary}"\nfallbacks = ["{second}", "openai/gpt-3.5-turbo"]\nretries = 0\n'

BEFORE_THE_FIRST_BYTE = [
    "sim/status-500", "sim/status-502", "sim/status-503", "sim/status-529", "sim/status-524", "sim/status-404",
    "sim/status-429", "sim/html-502", "sim/blank-500", "sim/error-200", "sim/no-endpoints", "sim/deprecated",
]  # fmt: skip


def test_a_model_that_is_gone_is_answered_by_the_next_of_the_default_chain(default_gateway, simulator):
    before = simulator.mark()
    response = default_gateway.chat(model=GONE, max_tokens=20)
    assert response.status_code == 200, response.text
    attempts = before.attempts()
    assert [attempt["model"] for attempt in attempts][0] == GONE
    assert len(attempts) == 2
    assert response.json()["model"].startswith(attempts[1]["model"])


def test_the_same_for_a_stream(default_gateway, simulator):
    before = simulator.mark()
    response = default_gateway.chat(model=GONE, max_tokens=20, stream=True)
    assert response.status_code == 200
    assert sse_events(response.text)[-1] == "[DONE]"
    assert len(before.attempts()) == 2


def test_a_client_can_turn_fallback_off_for_one_call(default_gateway, simulator):
    before = simulator.mark()
    response = default_gateway.chat(model=GONE, headers={"x-gantry-fallback": "none"}, max_tokens=20)
    error = error_of(response, 404)
    assert GONE in error["message"] + error["metadata"]["gantry"]["remedy"]
    assert before.models() == [GONE]


@pytest.fixture(scope="module")
def chains(simulator, tmp_path_factory):
    """One gateway whose routes each begin with one fault: route names say which."""
    from harness.gateway import Gateway

    config = QUICK
    for fault in [*BEFORE_THE_FIRST_BYTE, "sim/mid-error", "sim/status-400", "sim/moderation", "sim/empty"]:
        config += CHAIN.format(primary=fault, second="sim/status-520").replace("routes.test", f'routes."{route(fault)}"')
    with Gateway(tmp_path_factory.mktemp("chains"), simulator.base_url, config) as process:
        yield process


def route(fault: str) -> str:
    return fault.removeprefix("sim/")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_BYTE)
def test_the_chain_is_tried_in_order_before_the_first_byte(chains, simulator, fault, stream):
    before = simulator.mark()
    response = chains.chat(model=route(fault), max_tokens=20, stream=stream)
    assert response.status_code == 200, response.text
    assert before.models() == [fault, "sim/status-520", "openai/gpt-3.5-turbo"]


@pytest.mark.parametrize("fault", ["sim/status-400", "sim/moderation"])
def test_what_the_client_did_wrong_is_tried_nowhere_else(chains, simulator, fault):
    before = simulator.mark()
    response = chains.chat(model=route(fault), max_tokens=20)
    assert response.status_code in (400, 403), response.text
    assert before.models() == [fault]


def test_an_empty_answer_is_no_answer(chains, simulator):
    before = simulator.mark()
    response = chains.chat(model="empty", max_tokens=20)
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"]
    assert before.models()[-1] == "openai/gpt-3.5-turbo"


def test_after_the_first_token_there_is_no_failover_but_an_error_event(chains, simulator):
    before = simulator.mark()
    response = chains.chat(model="mid-error", max_tokens=50, stream=True)
    assert response.status_code == 200
    events = [event for event in sse_events(response.text) if event != "[DONE]"]
    assert '"finish_reason":"error"' in events[-1].replace(" ", "")
    assert '"error"' in events[-1]
    assert before.models() == ["sim/mid-error"]


def test_when_every_model_fails_the_error_lists_the_attempts(start_gateway):
    gateway = start_gateway(
        QUICK + '[routes.doomed]\nprimary = "sim/status-503"\nfallbacks = ["sim/status-502"]\nretries = 0\n'
    )
    response = gateway.chat(model="doomed")
    error = response.json()["error"]
    assert response.status_code in (502, 503)
    attempts = error["metadata"]["gantry"]["attempts"]
    assert [attempt["model"] for attempt in attempts] == ["sim/status-503", "sim/status-502"]
    assert all(attempt["outcome"] for attempt in attempts)
    assert response.headers["x-should-retry"] == "false"


def test_an_upstream_that_is_not_there_is_a_502_that_says_so(start_gateway):
    # Port 9 of loopback: nothing listens there.
    gateway = start_gateway(QUICK + "[routes.default]\nretries = 0\n", base_url="http://127.0.0.1:9/api/v1")
    response = gateway.chat()
    assert response.status_code in (502, 503), response.text
    assert response.json()["error"]["metadata"]["gantry"]["remedy"]
    assert gateway.http.get("/health").status_code == 200


def test_streams_with_odd_framing_arrive_as_if_they_were_even(gateway):
    for model in ("sim/crlf", "sim/cr", "sim/no-space", "sim/multi-line", "sim/split-bytes", "sim/split-utf8",
                  "sim/comments", "sim/usage-dummy-choice", "sim/usage-empty-choices", "sim/finish-content"):  # fmt: skip
        with gateway.http.stream(
            "POST",
            "/api/v1/chat/completions",
            json={"model": model, "messages": [{"role": "user", "content": "x"}], "stream": True, "max_tokens": 30},
        ) as response:
            text = response.read().decode()
        assert response.status_code == 200, (model, text)
        assert "[DONE]" in text, (model, text)


@pytest.mark.parametrize("model", ["sim/no-finish", "sim/close-mid-stream", "sim/reset-mid-stream", "sim/bare-error"])
def test_a_broken_stream_never_looks_complete(gateway, model):
    response = gateway.chat(model=model, stream=True, max_tokens=50)
    events = [event for event in sse_events(response.text) if event != "[DONE]"]
    assert any('"error"' in event for event in events), events
    assert not any('"finish_reason":"stop"' in event.replace(" ", "") for event in events)


@pytest.mark.parametrize("model", ["sim/broken-json", "sim/html-200", "sim/no-choices", "sim/error-200", "sim/choice-error"])
def test_a_broken_plain_reply_is_a_clear_502(gateway, model):
    error_of(gateway.chat(model=model), 502)


@pytest.mark.parametrize("model", ["sim/reasoning-only", "sim/refusal", "sim/tool-calls", "sim/unknown-fields", "sim/null-content"])
def test_an_answer_without_plain_content_reads_safely(gateway, model):
    response = gateway.chat(model=model)
    assert response.status_code in ((200,) if model != "sim/null-content" else (200, 502)), response.text


EXPLAIN = {"x-gantry-explain": "1"}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_an_answer_tells_who_gave_it_and_on_request_what_was_tried(default_gateway, stream):
    response = default_gateway.chat(model=GONE, headers=EXPLAIN, max_tokens=20, stream=stream)
    assert response.status_code == 200
    tried = json.loads(response.headers["x-gantry-explain"])
    assert [(each["model"], each["outcome"]) for each in tried] == [
        (GONE, "model_missing"), (response.headers["x-gantry-substituted"], "delivered"),
    ]  # fmt: skip
    assert tried[0]["next"] == "another model of the chain"
    assert response.headers["x-gantry-model"].startswith(response.headers["x-gantry-substituted"])
    assert response.headers["x-gantry-attempts"] == "2"


def test_a_failure_tells_what_was_tried_and_names_nobody_as_the_server(default_gateway):
    response = default_gateway.chat(model="sim/status-503", headers={**EXPLAIN, "x-gantry-fallback": "none"})
    tried = error_of(response, response.status_code)["metadata"]["gantry"]["attempts"]
    assert json.loads(response.headers["x-gantry-explain"]) == tried
    assert not {"x-gantry-model", "x-gantry-substituted"} & response.headers.keys()


def test_nobody_is_told_unasked(default_gateway):
    assert "x-gantry-explain" not in default_gateway.chat(model=GONE, max_tokens=20).headers
