"""What passes: the body byte for byte, edits only where a rule asks for one, and headers by allow-list, both ways."""

import pytest
from harness import secrets
from harness.gateway import QUICK
from harness.simulator import sha256

# Odd white space, key order, escapes, number forms and unknown fields: all of it upstream's business.
ODD_BODY = (
    '{ "temperature" : 1.0e0,\t"model":"openai\\/gpt-4-turbo" ,\r\n "future_field":{"b":[1 ,2],"a":null},\n'
    '"messages":[{"content":"' + secrets.PROMPT + ' \\u00e9 é 😀 \\ud83d\\ude00","role":"user","x":1e400}],'
    '"max_tokens": 7 , "seed":12345678901234567890 }  \n'
).encode()


def post(gateway, body: bytes, headers: dict | None = None):
    sent = {"content-type": "application/json"} | (headers or {})
    return gateway.http.post("/api/v1/chat/completions", content=body, headers=sent)


def test_a_body_that_needs_no_edit_is_sent_byte_for_byte(gateway, simulator):
    before = simulator.mark()
    response = post(gateway, ODD_BODY)
    assert response.status_code == 200, response.text
    assert before.only()["body_sha256"] == sha256(ODD_BODY)


def test_a_missing_limit_is_put_in_front_and_nothing_else_changes(gateway, simulator):
    body = ODD_BODY.replace(b'"max_tokens": 7 ,', b"")
    before = simulator.mark()
    assert post(gateway, body).status_code == 200
    assert before.only()["body_sha256"] == sha256(b'{"max_tokens":4096,' + body[1:])


@pytest.mark.parametrize("field", [b"max_tokens", b"max_completion_tokens"])
def test_a_limit_over_the_ceiling_is_lowered_in_its_place(start_gateway, simulator, field):
    gateway = start_gateway(QUICK + "[routes.default]\nmax_tokens_ceiling = 50\n")
    body = ODD_BODY.replace(b'"max_tokens": 7', b'"' + field + b'": 70')
    before = simulator.mark()
    assert post(gateway, body).status_code == 200
    assert before.only()["body_sha256"] == sha256(body.replace(b": 70", b": 50"))


def test_only_the_models_bytes_change_when_a_route_chose_it(start_gateway, simulator):
    gateway = start_gateway(QUICK + '[routes.fast]\nprimary = "openai/gpt-3.5-turbo"\n')
    body = ODD_BODY.replace(b'"openai\\/gpt-4-turbo"', b'"fast"')
    before = simulator.mark()
    assert post(gateway, body).status_code == 200
    assert before.only()["body_sha256"] == sha256(body.replace(b'"fast"', b'"openai/gpt-3.5-turbo"'))


def test_a_routes_temperature_is_added_only_when_the_client_gave_none(start_gateway, simulator):
    gateway = start_gateway(QUICK + "[routes.default]\ntemperature = 0.7\n")
    before = simulator.mark()
    assert post(gateway, ODD_BODY).status_code == 200
    assert before.only()["body_sha256"] == sha256(ODD_BODY)
    body = ODD_BODY.replace(b'"temperature" : 1.0e0,', b"")
    before = simulator.mark()
    assert post(gateway, body).status_code == 200
    assert before.only()["body_sha256"] == sha256(b'{"temperature":0.7,' + body[1:])


def test_request_headers_pass_by_allow_list(gateway, simulator):
    passing = {
        "http-referer": "https://client.example",
        "x-openrouter-title": "Client",
        "x-openrouter-categories": "cli-agent",
        "x-openrouter-metadata": "enabled",
        "x-session-id": "session-7",
        "x-anthropic-beta": "interleaved-thinking-2025-05-14",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    stopped = {
        "cookie": "session=1",
        "x-api-key": secrets.CLIENT_KEY,
        "x-sim-fault": "503",
        "x-forwarded-for": "10.0.0.1",
        "x-stainless-lang": "python",
        "te": "trailers",
        "proxy-authorization": "Basic eDp5",
        "x-custom": "1",
        "connection": "keep-alive, x-hop",
        "x-hop": "1",
    }
    before = simulator.mark()
    response = gateway.chat(headers=passing | stopped, max_tokens=5)
    assert response.status_code == 200, response.text
    seen = {name.lower(): value for name, value in before.only()["headers"].items()}
    assert {name: seen.get(name) for name in passing} == passing
    assert stopped.keys() & seen.keys() <= {"connection"}
    assert seen["accept-encoding"] == "identity"
    assert "hop" not in seen.get("connection", "")
    assert set(seen) <= passing.keys() | {
        "host", "authorization", "content-type", "content-length", "accept", "accept-encoding", "user-agent", "connection"
    }  # fmt: skip


def test_the_old_title_header_still_names_the_app(gateway, simulator):
    before = simulator.mark()
    assert gateway.chat(headers={"x-title": "Old client"}, max_tokens=5).status_code == 200
    seen = {name.lower(): value for name, value in before.only()["headers"].items()}
    assert seen["x-openrouter-title"] == "Old client"


ATTRIBUTION = '[attribution]\nreferer = "https://ours.example"\ntitle = "Ours"\ncategories = ["cli-agent"]\n'


@pytest.mark.parametrize(
    ("force", "sent", "expected"),
    [
        ("false", {}, ("https://ours.example", "Ours", "cli-agent")),
        ("false", {"http-referer": "https://theirs.example", "x-title": "Theirs"},
         ("https://theirs.example", "Theirs", "cli-agent")),
        ("true", {"http-referer": "https://theirs.example", "x-title": "Theirs"},
         ("https://ours.example", "Ours", "cli-agent")),
    ],
    ids=["ours where the client has none", "the client's own wins", "ours by force"],
)  # fmt: skip
def test_attribution(start_gateway, simulator, force, sent, expected):
    gateway = start_gateway(QUICK + ATTRIBUTION + f"force = {force}\n")
    before = simulator.mark()
    assert gateway.chat(headers=sent, max_tokens=5).status_code == 200
    seen = {name.lower(): value for name, value in before.only()["headers"].items()}
    names = ("http-referer", "x-openrouter-title", "x-openrouter-categories")
    assert tuple(seen.get(name) for name in names) == expected
    assert "x-title" not in seen


def test_the_upstream_key_replaces_the_clients_and_is_masked_in_the_journal(gateway, simulator):
    # The simulator accepts no other key than the upstream one, so a 200 proves which one was sent.
    before = simulator.mark()
    assert gateway.chat(max_tokens=5).status_code == 200
    secrets.assert_clean(str(before.only()["headers"]), "the simulator's journal")


def test_response_headers_pass_by_allow_list(gateway):
    response = gateway.chat(model="sim/cache-hit", max_tokens=5)
    assert response.headers["x-openrouter-cache-status"] == "HIT"
    assert response.headers["x-generation-id"].startswith("gen-")
    allowed = {
        "content-type", "content-length", "transfer-encoding", "date", "connection", "server", "x-generation-id",
        "cf-ray", "retry-after", "x-gantry-simulated",
    }  # fmt: skip
    assert response.headers["server"] == "gantry"
    for name in response.headers:
        assert name in allowed or name.startswith(("x-openrouter-cache-", "x-ratelimit-", "x-gantry-")), name


def test_a_compressed_reply_never_reaches_the_client_as_it_is(gateway, simulator):
    simulator.script("model openai/gpt-4-turbo answers encoding=gzip")
    try:
        response = gateway.chat(max_tokens=5)
    finally:
        simulator.script("")
    assert "content-encoding" not in response.headers
    assert response.status_code in (200, 502)
