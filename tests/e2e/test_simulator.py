"""The simulator's replies against our own schemas, and against OpenRouter's published ones where they are present."""

import json

import jsonschema
import pytest
import yaml
from harness.process import ROOT
from harness.secrets import PROMPT, UPSTREAM_KEY

AUTHORIZED = {"authorization": f"Bearer {UPSTREAM_KEY}"}
CHAT = {"model": "openai/gpt-4-turbo", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 30}

# Endpoint, and the path it has in OpenRouter's description.
GETS = {
    "/models": "/models",
    "/models/openai/gpt-4-turbo/endpoints": "/models/{author}/{slug}/endpoints",
    "/models/count": "/models/count",
    "/key": "/key",
    "/providers": "/providers",
}


@pytest.fixture(scope="module")
def description(shared_folder):
    file = shared_folder / "openrouter" / "openapi.yaml"
    if not file.is_file():
        pytest.skip("OpenRouter's description of its API is absent from the shared folder")
    return yaml.load(file.read_text(), Loader=yaml.CSafeLoader)


@pytest.fixture(scope="module")
def validator(description):
    """The 200 of an operation, with references resolved inside the whole description."""
    registry = jsonschema.validators.validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema"})

    def validate(path: str, method: str, instance, status: str = "200") -> None:
        schema = description["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
        whole = schema | {"components": description["components"]}
        errors = sorted(registry(whole).iter_errors(instance), key=lambda error: len(error.absolute_path))
        assert not errors, f"{path}: {errors[0].json_path}: {errors[0].message}"

    return validate


@pytest.mark.parametrize("path", GETS)
def test_a_listing_is_as_openrouter_describes_it(simulator, validator, path):
    response = simulator.http.get(f"/api/v1{path}", headers=AUTHORIZED)
    assert response.status_code == 200, response.text
    validator(GETS[path], "get", response.json())


@pytest.mark.parametrize("fields", [{}, {"model": "sim/tool-calls"}, {"model": "sim/reasoning"}, {"model": "sim/refusal"}],
                         ids=["text", "tool calls", "reasoning", "refusal"])  # fmt: skip
def test_a_plain_answer_is_as_openrouter_describes_it(simulator, validator, fields):
    response = simulator.http.post("/api/v1/chat/completions", json=CHAT | fields, headers=AUTHORIZED)
    assert response.status_code == 200, response.text
    validator("/chat/completions", "post", response.json())


def test_every_chunk_is_as_openrouter_describes_it(simulator, description):
    response = simulator.http.post("/api/v1/chat/completions", json=CHAT | {"stream": True}, headers=AUTHORIZED)
    chunks = [line[6:] for line in response.text.splitlines() if line.startswith("data: ")]
    assert chunks[-1] == "[DONE]"
    schema = {"$ref": "#/components/schemas/ChatStreamChunk", "components": description["components"]}
    checker = jsonschema.Draft202012Validator(schema)
    for chunk in chunks[:-1]:
        errors = list(checker.iter_errors(json.loads(chunk)))
        assert not errors, f"{chunk}: {errors[0].message}"


def test_the_generation_is_not_there_at_once_and_then_agrees_with_the_bill(simulator):
    # A model whose record is late, so that "at first" is no matter of luck.
    answer = simulator.http.post("/api/v1/chat/completions", json=CHAT, headers=AUTHORIZED).json()
    late = simulator.http.post("/api/v1/chat/completions", json=CHAT | {"model": "sim/generation-late"}, headers=AUTHORIZED)
    asked = simulator.http.get("/api/v1/generation", params={"id": late.json()["id"]}, headers=AUTHORIZED)
    assert asked.status_code == 404
    from harness.waiting import wait_for

    def record():
        response = simulator.http.get("/api/v1/generation", params={"id": answer["id"]}, headers=AUTHORIZED)
        return response if response.status_code == 200 else None

    found = wait_for(record, "the generation's record").json()["data"]
    assert found["total_cost"] == answer["usage"]["cost"]
    assert found["native_tokens_completion"] == answer["usage"]["completion_tokens"]


MANAGEMENT = {"authorization": "Bearer sk-or-mgmt-0123456789abcdef"}


def test_the_management_api_is_as_openrouter_describes_it(simulator, validator):
    def manage(method: str, path: str, **options):
        return simulator.http.request(method, f"/api/v1{path}", headers=MANAGEMENT, **options).raise_for_status()

    made = manage("POST", "/keys", json={"name": "described", "limit": 5, "expires_at": "2027-12-31T23:59:59Z"})
    validator("/keys", "post", made.json(), "201")
    path = f"/keys/{made.json()['data']['hash']}"
    validator("/keys", "get", manage("GET", "/keys").json())
    validator("/keys/{hash}", "get", manage("GET", path).json())
    validator("/keys/{hash}", "patch", manage("PATCH", path, json={"limit": None}).json())
    validator("/keys/{hash}", "delete", manage("DELETE", path).json())
    validator("/credits", "get", manage("GET", "/credits").json())


@pytest.mark.parametrize("faults", ["byok", "no-cost", "bill-factor=10", "round=up:6"])
def test_odd_money_is_still_as_openrouter_describes_it(simulator, validator, faults):
    response = simulator.http.post("/api/v1/chat/completions", json=CHAT, headers=AUTHORIZED | {"x-sim-fault": faults})
    assert response.status_code == 200, response.text
    validator("/chat/completions", "post", response.json())


def test_our_own_schemas_are_schemas():
    schemas = sorted((ROOT / "src" / "sim" / "schemas").glob("*.json"))
    assert schemas
    for file in schemas:
        jsonschema.Draft202012Validator.check_schema(json.loads(file.read_text()))
