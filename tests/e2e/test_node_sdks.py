"""The openai package for Node and OpenRouter's own, pointed at the gateway by their base URL alone."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from harness import secrets

HERE = Path(__file__).parent
MODEL = "openai/gpt-4-turbo"

both = pytest.mark.parametrize("sdk", ["openai", "openrouter"])


@pytest.fixture(scope="module")
def run(gateway):
    def run_script(sdk: str, action: str, model: str = MODEL) -> dict:
        done = subprocess.run(
            ["node", HERE / "node" / f"{sdk}.mjs", action, model],
            env={
                "PATH": os.environ["PATH"],
                "BASE_URL": gateway.base_url,
                "API_KEY": secrets.CLIENT_KEY,
                "PROMPT": secrets.PROMPT,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run_script


@both
def test_a_plain_call_is_answered(run, sdk):
    reply = run(sdk, "plain")
    assert reply["choices"][0]["message"]["content"], reply
    usage = reply["usage"]
    assert 0 < usage.get("completion_tokens", usage.get("completionTokens")) <= 50


@both
def test_a_stream_arrives_in_chunks_and_ends_with_usage(run, sdk):
    seen = run(sdk, "stream")
    assert seen["chunks"] > 3 and seen["text"], seen
    assert len(seen["finishes"]) == 1 and len(seen["usages"]) == 1


def test_a_streamed_tool_call_comes_through_whole(run):
    seen = run("openai", "tools")
    assert seen["name"] == "weather"
    assert isinstance(json.loads(seen["arguments"])["city"], str)


def test_a_plain_tool_call_comes_through_whole(run):
    reply = run("openrouter", "tools")
    call = reply["choices"][0]["message"]["toolCalls"][0]
    assert call["function"]["name"] == "weather"
    assert isinstance(json.loads(call["function"]["arguments"])["city"], str)


@both
def test_json_mode_answers_json(run, sdk):
    assert isinstance(json.loads(run(sdk, "json")["choices"][0]["message"]["content"]), dict)


@both
def test_the_models_are_listed(run, sdk):
    assert {"openai/gpt-4-turbo", "openai/gpt-3.5-turbo"} <= set(run(sdk, "models")["ids"])


def test_openrouters_own_package_reads_the_key(run):
    assert run("openrouter", "key")["data"]["label"]


@pytest.mark.parametrize(
    ("sdk", "model", "exception", "status"),
    [
        ("openai", "no-prefix", "BadRequestError", 400),
        ("openai", "sim/status-404", "NotFoundError", 404),
        ("openai", "sim/status-429", "RateLimitError", 429),
        ("openai", "sim/status-503", "InternalServerError", 503),
        ("openrouter", "no-prefix", "BadRequestResponseError", 400),
        ("openrouter", "sim/status-404", "NotFoundResponseError", 404),
        ("openrouter", "sim/status-429", "TooManyRequestsResponseError", 429),
        ("openrouter", "sim/status-503", "ServiceUnavailableResponseError", 503),
    ],
)
def test_an_error_is_the_sdks_own_exception(run, sdk, model, exception, status):
    seen = run(sdk, "plain", model)
    assert (seen["exception"], seen["status"]) == (exception, status), seen
    secrets.assert_clean(seen["message"], "the exception")


@both
def test_aborting_a_stream_cancels_upstream(run, simulator, sdk):
    before = simulator.mark()
    seen = run(sdk, "abort", "sim/slow-tokens")
    assert seen == {"received": 2}
    attempt = before.wait_ended()
    assert attempt["cancelled"]
    assert attempt["bytes_sent"] > 0
