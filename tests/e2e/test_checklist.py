"""The production checklist's own Python, taken from its page when the tests run, with the gateway's base URL.

Nothing of the page is copied here: blocks are found by their heading, and only the base URL is changed in them. The key
comes from the environment, as the page has it.
"""

import asyncio
import os
import re

import flask
import httpx
import openai
import pytest
import requests
from harness import secrets

OPENROUTER = "https://openrouter.ai/api/v1"


@pytest.fixture(scope="module")
def blocks(shared_folder) -> dict[str, str]:
    """Python blocks by the heading above them."""
    page = shared_folder / "checklist.md"
    if not page.is_file():
        pytest.skip("the checklist's page is absent from the shared folder")
    found, heading = {}, ""
    for part in re.finditer(r"^### ([^\n]+)$|^```python\n(.*?)^```$", page.read_text(), re.M | re.S):
        if part.group(1):
            heading = part.group(1).strip()
        else:
            found[heading] = part.group(2)
    return found


@pytest.fixture
def run_block(blocks, default_gateway, monkeypatch):
    """Runs blocks one after another in one namespace, which is returned."""
    monkeypatch.setenv("OPENROUTER_API_KEY", secrets.CLIENT_KEY)

    def run(*headings: str, **given) -> dict:
        names = {"__name__": "__main__", "OpenAI": openai.OpenAI, "os": os, "requests": requests} | given
        for heading in headings:
            source = blocks[heading].replace(OPENROUTER, default_gateway.base_url)
            exec(compile(source, f"checklist: {heading}", "exec"), names)
        return names

    return run


@pytest.fixture
def client(default_gateway):
    with openai.OpenAI(base_url=default_gateway.base_url, api_key=secrets.CLIENT_KEY) as made:
        yield made


def test_the_production_client_answers_although_its_primary_is_gone(run_block, simulator):
    before = simulator.mark()
    names = run_block("Recommended Defaults", "Production Client")
    reply = names["ProductionOpenRouterClient"]().chat(secrets.PROMPT)
    assert reply.choices[0].message.content
    first, second = before.attempts()
    assert first["model"] == "anthropic/claude-3.5-sonnet" and first["status"] == 404
    assert reply.model.startswith(second["model"])
    headers = {name.lower(): value for name, value in second["headers"].items()}
    assert headers["http-referer"] == names["PRODUCTION_CONFIG"]["http_referer"]
    assert headers["x-openrouter-title"] == names["PRODUCTION_CONFIG"]["x_title"]


def test_request_and_response_helpers_agree_with_the_gateway(run_block, client):
    names = run_block("Request Validation", "Response Handling")
    prompt = names["validate_request"](f"  {secrets.PROMPT} ", "openai/gpt-4-turbo")
    reply = client.chat.completions.create(
        model="openai/gpt-4-turbo", messages=[{"role": "user", "content": prompt}], max_tokens=20
    )
    assert names["safe_extract_response"](reply)
    for prompt, model in (("  ", "openai/gpt-4-turbo"), ("x" * 100_001, "openai/gpt-4-turbo"), ("x", "gpt-4-turbo")):
        with pytest.raises(ValueError):
            names["validate_request"](prompt, model)
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}])


def test_the_basic_metrics_record_success_and_failure(run_block, client):
    names = run_block("Basic Metrics", client=client)
    names["monitored_chat"](secrets.PROMPT, "openai/gpt-4-turbo")
    with pytest.raises(openai.BadRequestError):
        names["monitored_chat"](secrets.PROMPT, "no-prefix")
    good, bad = names["collector"].metrics
    assert good.success and good.prompt_tokens > 0 and good.completion_tokens > 0 and good.latency_ms > 0
    assert not bad.success and bad.error


def test_the_health_route_is_healthy_and_unhealthy(run_block, client):
    names = run_block("Health Check Endpoint", client=client)
    answer = names["app"].test_client().get("/health/openrouter")
    assert (answer.status_code, answer.json["status"], answer.json["response_received"]) == (200, "healthy", True)
    names["client"] = openai.OpenAI(base_url="http://127.0.0.1:9", api_key=secrets.CLIENT_KEY, max_retries=0)
    answer = names["app"].test_client().get("/health/openrouter")
    assert (answer.status_code, answer.json["status"]) == (503, "unhealthy")
    assert isinstance(names["app"], flask.Flask)


def test_our_own_health_route_answers_in_the_same_words(default_gateway, client):
    client.chat.completions.create(
        model="openai/gpt-3.5-turbo", messages=[{"role": "user", "content": secrets.PROMPT}], max_tokens=5
    )
    told = default_gateway.http.get("/health/openrouter").json()
    assert {"status", "model", "response_received"} <= told.keys()
    assert (told["status"], told["response_received"]) == ("healthy", True)


def test_the_pooled_client_answers(run_block):
    names = run_block("Connection Pooling")
    assert isinstance(names["http_client"], httpx.Client)
    reply = names["client"].chat.completions.create(
        model="openai/gpt-4-turbo", messages=[{"role": "user", "content": secrets.PROMPT}], max_tokens=20
    )
    assert reply.choices[0].message.content
    names["client"].close()


def test_the_async_batch_keeps_its_order_and_its_bound(run_block):
    async def batch():
        names = run_block("Async for High Throughput")
        prompts = [f"{secrets.PROMPT} {number}" for number in range(25)]
        async with names["async_client"]:
            return await names["process_batch"](prompts, max_concurrent=10)

    replies = asyncio.run(batch())
    assert len(replies) == 25
    assert all(reply.choices[0].message.content for reply in replies)


def test_the_launch_verification_is_all_green(run_block, client, capsys):
    run_block("Pre-Launch Tests", client=client, api_key=secrets.CLIENT_KEY)
    printed = capsys.readouterr().out
    assert printed.count("✓") == 5, printed
    assert "✗" not in printed and "⚠" not in printed, printed
