"""Every kind of reply of the simulator against the project's own schemas, which are narrower than OpenRouter's."""

import json

import jsonschema
import pytest
from harness.process import ROOT
from harness.secrets import PROMPT, UPSTREAM_KEY
from harness.waiting import wait_for

AUTHORIZED = {"authorization": f"Bearer {UPSTREAM_KEY}"}
MANAGEMENT = {"authorization": "Bearer sk-or-mgmt-0123456789abcdef"}
MESSAGES = [{"role": "user", "content": PROMPT}]

GETS = {
    "/models": "models",
    "/models?output_modalities=all&sim=1": "models",
    "/models?limit=5": "models",
    "/models/user": "models",
    "/models/count": "models_count",
    "/model/openai/gpt-4.1": "model",
    "/models/google/gemini-2.5-pro/endpoints": "endpoints",
    "/models/openrouter/auto/endpoints": "endpoints",
    "/providers": "providers",
    "/key": "key",
    "/auth/key": "key",
}

ANSWERS = [
    "openai/gpt-4.1",
    "anthropic/claude-sonnet-4.5",
    "deepseek/deepseek-r1",
    "openrouter/auto",
    "sim/tool-calls",
    "sim/refusal",
    "sim/empty",
    "sim/reasoning-only",
    "sim/cache-hit",
    "sim/byok",
    "sim/no-cost",
    "openai/gpt-4.1-mini:online",
    "openai/gpt-5:floor",
]
ERRORS = [
    "sim/status-400",
    "sim/status-503",
    "sim/capacity-exhausted",
    "sim/moderation",
    "sim/guardrail",
    "sim/rate-limit-daily",
    "sim/provider-error",
    "sim/billed-failure",
    "anthropic/claude-3.5-sonnet",
    "openai/no-such-model",
]


def check(name: str, instance) -> None:
    schema = json.loads((ROOT / "src" / "sim" / "schemas" / f"{name}.json").read_text())
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(instance), key=lambda e: len(e.absolute_path))
    assert not errors, f"{name}: {errors[0].json_path}: {errors[0].message}"


def ask(simulator, path: str = "/chat/completions", **fields):
    body = {"model": "openai/gpt-4.1", "messages": MESSAGES} | fields
    return simulator.http.post(f"/api/v1{path}", json=body, headers=AUTHORIZED)


@pytest.mark.parametrize("path", GETS)
def test_a_listing(simulator, path):
    response = simulator.http.get(f"/api/v1{path}", headers=AUTHORIZED)
    assert response.status_code == 200, response.text
    check(GETS[path], response.json())


def test_credits_for_a_management_key(simulator):
    check("credits", simulator.http.get("/api/v1/credits", headers=MANAGEMENT).json())


@pytest.mark.parametrize("model", ANSWERS)
def test_a_whole_answer(simulator, model):
    response = ask(simulator, model=model)
    assert response.status_code == 200, response.text
    check("chat_completion", response.json())


@pytest.mark.parametrize("model", [*ANSWERS, "sim/mid-error", "sim/usage-dummy-choice", "sim/finish-content"])
def test_every_chunk_of_a_stream(simulator, model):
    chunks = [line[6:] for line in ask(simulator, model=model, stream=True).text.splitlines() if line.startswith("data: ")]
    assert chunks
    for chunk in chunks:
        if chunk != "[DONE]":
            check("chat_chunk", json.loads(chunk))


def test_a_text_completion(simulator):
    response = ask(simulator, "/completions", prompt=PROMPT, max_tokens=20)
    assert response.status_code == 200, response.text
    check("text_completion", response.json())


@pytest.mark.parametrize("model", ERRORS)
def test_an_error(simulator, model):
    response = ask(simulator, model=model)
    assert response.status_code >= 400
    check("error", {k: v for k, v in response.json().items() if k == "error"})


def test_a_generation_and_the_journal(simulator):
    made = ask(simulator).json()["id"]
    url = f"/api/v1/generation?id={made}"
    found = wait_for(
        lambda: next((r for r in [simulator.http.get(url, headers=AUTHORIZED)] if r.status_code == 200), None),
        "the generation's record",
    )
    check("generation", found.json())
    journal = simulator.journal()
    check("journal", journal)
    assert UPSTREAM_KEY not in json.dumps(journal)


def test_the_management_api_and_the_bill(simulator):
    def manage(method: str, path: str, **options):
        return simulator.http.request(method, f"/api/v1{path}", headers=MANAGEMENT, **options)

    made = manage("POST", "/keys", json={"name": "schemas", "limit": 5, "limit_reset": "weekly"})
    assert made.status_code == 201, made.text
    check("managed_key_created", made.json())
    path = f"/keys/{made.json()['data']['hash']}"
    check("managed_keys", manage("GET", "/keys").json())
    check("managed_key", manage("GET", path).json())
    check("managed_key", manage("PATCH", path, json={"limit": None, "disabled": True}).json())
    check("managed_key_deleted", manage("DELETE", path).json())
    check("error", manage("GET", path).json())
    bill = simulator.http.get("/sim/bill")
    check("bill", bill.json())
    assert UPSTREAM_KEY not in bill.text
