"""What a route says of providers and of who fails over, as upstream sees it: the journal has each body's hash."""

import json

import pytest
from harness import secrets
from harness.gateway import QUICK, error_of
from harness.simulator import sha256

GONE = "anthropic/claude-3.5-sonnet"  # no longer served: OpenRouter's failover and ours go on from it
TURBO, SMALL = "openai/gpt-4-turbo", "openai/gpt-3.5-turbo"
POLICY = """
[provider]
data_collection = "deny"

[routes.default]
retries = 0

[routes.default.provider]
zdr = true
only = ["azure", "openai", "deepinfra/turbo"]
ignore = ["novita"]
max_price_prompt = "$30"
"""
WHOLE = (
    '{"zdr":true,"data_collection":"deny","only":["azure","openai","deepinfra/turbo"],"ignore":["novita"],'
    '"max_price":{"prompt":30}}'
)


def body_of(fields: str) -> bytes:
    return ("{" + fields + '"max_tokens":5,"messages":[{"role":"user","content":"' + secrets.PROMPT + '"}]}').encode()


def post(gateway, fields: str, headers: dict | None = None):
    sent = {"content-type": "application/json"} | (headers or {})
    return gateway.http.post("/api/v1/chat/completions", content=body_of(fields), headers=sent)


def hashes(mark) -> list[str]:
    return [attempt["body_sha256"] for attempt in mark.attempts()]


@pytest.fixture(scope="module")
def strict(simulator, tmp_path_factory):
    from harness.gateway import Gateway

    with Gateway(tmp_path_factory.mktemp("strict"), simulator.base_url, QUICK + POLICY) as process:
        yield process


@pytest.mark.parametrize(
    ("client", "sent"),
    [
        (None, '"provider":' + WHOLE + ',"model":"openai/gpt-4-turbo",'),
        ("null", '"model":"openai/gpt-4-turbo","provider":' + WHOLE + ","),
        # Looser in everything: each member is made as strict as the route's, in its place.
        (
            '{"zdr":false, "only":["openai","together"],"data_collection":"allow","sort":"price",'
            '"max_price":{"prompt":"30.01","image":1},"ignore":[]}',
            '"model":"openai/gpt-4-turbo","provider":'
            '{"zdr":true, "only":["openai"],"data_collection":"deny","sort":"price",'
            '"max_price":{"prompt":30,"image":1},"ignore":["novita"]},',
        ),
    ],
    ids=["none", "null", "looser"],
)
def test_the_routes_policy_is_in_what_is_sent(strict, simulator, client, sent):
    before = simulator.mark()
    provider = "" if client is None else f'"provider":{client},'
    assert post(strict, f'"model":"{TURBO}",' + provider, {"x-gantry-fallback": "none"}).status_code == 200
    assert hashes(before) == [sha256(body_of(sent))]


def test_a_client_that_demands_more_is_sent_byte_for_byte(strict, simulator):
    fields = (
        f'"model":"{TURBO}", "provider" : {{ "ignore":["novita","x"],"only":["openai"],"zdr":true ,'
        '"max_price":{"prompt":"2.50"},"data_collection":"deny","future":{"a":[1 ,2]}} ,'
    )
    before = simulator.mark()
    assert post(strict, fields, {"x-gantry-fallback": "none"}).status_code == 200
    assert hashes(before) == [sha256(body_of(fields))]


def test_every_attempt_of_a_chain_carries_the_policy(strict, simulator):
    before = simulator.mark()
    assert post(strict, f'"model":"{GONE}","models":["{TURBO}"],').status_code == 200
    assert hashes(before) == [
        sha256(body_of(f'"provider":{WHOLE},"model":"{model}",')) for model in (GONE, TURBO)
    ]


def test_an_empty_intersection_is_refused_before_anything_is_sent(strict, simulator):
    before = simulator.mark()
    response = post(strict, f'"model":"{TURBO}","provider":{{"only":["together"]}},')
    error = error_of(response, 400)
    assert '["together"]' in error["message"]
    assert 'only in [routes.default.provider] says ["azure","openai","deepinfra/turbo"]' in error["message"]
    assert before.attempts() == []


CHAINS = "".join(
    f'[routes.{name}]\nprimary = "{primary}"\nfallbacks = ["{SMALL}"]\nretries = 0\nfallback = "{who}"\n'
    for name, primary, who in [
        ("ours", GONE, "gantry"),
        ("theirs", GONE, "openrouter"),
        ("both", GONE, "both"),
        ("both-late", "sim/error-200", "both"),  # a failure that OpenRouter does not see
    ]
)


@pytest.fixture(scope="module")
def chains(simulator, tmp_path_factory):
    from harness.gateway import Gateway

    config = QUICK + CHAINS + '[routes.default]\nfallback = "openrouter"\nretries = 0\n'
    with Gateway(tmp_path_factory.mktemp("chains"), simulator.base_url, config) as process:
        yield process


@pytest.mark.parametrize(
    ("route", "sent"),
    [
        ("ours", [f'"model":"{GONE}",', f'"model":"{SMALL}",']),
        ("theirs", [f'"models":["{SMALL}"],"model":"{GONE}",']),
        ("both", [f'"models":["{SMALL}"],"model":"{GONE}",']),
        ("both-late", [f'"models":["{SMALL}"],"model":"sim/error-200",', f'"model":"{SMALL}",']),
    ],
)
def test_who_fails_over(chains, simulator, route, sent):
    before = simulator.mark()
    response = post(chains, f'"model":"{route}",')
    assert response.status_code == 200, response.text
    assert json.loads(response.text)["model"].startswith(SMALL)
    assert hashes(before) == [sha256(body_of(fields)) for fields in sent]


def test_gantry_walks_a_clients_own_models_and_keeps_them_to_itself(chains, simulator):
    before = simulator.mark()
    response = post(chains, f'"model":"ours","models": [ "sim/status-503" , "{TURBO}" ] ,')
    assert response.status_code == 200, response.text
    assert before.models() == [GONE, "sim/status-503", TURBO]
    assert hashes(before)[-1] == sha256(body_of(f'"model":"{TURBO}",'))


def test_openrouter_gets_a_clients_own_models_as_they_are_written(chains, simulator):
    fields = f'"model":"{GONE}","models": [ "{SMALL}" ] ,"route":"fallback",'
    before = simulator.mark()
    assert post(chains, fields).status_code == 200
    assert hashes(before) == [sha256(body_of(fields))]


def test_a_models_entry_that_is_no_id_is_refused(chains):
    assert error_of(post(chains, '"model":"ours","models":["gpt-4"],'), 400)["message"].startswith("models[0]")
