"""Client keys: who is let in, what a key may do, how fast, and what one key sees of another."""

import socket
from datetime import datetime, timedelta, timezone

import httpx
import openai
import pytest
import yaml
from harness import secrets
from harness.clients import ADMIN_TOKEN, Admin, Client, environment_in
from harness.gateway import QUICK, Gateway, error_of
from harness.held import Held
from harness.waiting import wait_for
from harness.witness import Witness

TURBO, SMALL, GONE = "openai/gpt-4-turbo", "openai/gpt-3.5-turbo", "anthropic/claude-3.5-sonnet"
CONFIG = (
    "fallback_for_plain_ids = false\n"
    + QUICK
    + f'[routes.work]\nprimary = "{TURBO}"\nfallbacks = ["{SMALL}"]\nretries = 0\n'
    + f'[routes.other]\nprimary = "{SMALL}"\nfallbacks = []\n'
)
NOBODYS = "gk-" + "0" * 43


def keyed(folder, base_url: str, config: str = CONFIG) -> tuple[Gateway, Admin]:
    folder.mkdir(parents=True, exist_ok=True)
    gateway = Gateway(folder, base_url, config, environment=environment_in(folder))
    return gateway, Admin(gateway, folder)


@pytest.fixture(scope="module")
def witness(simulator):
    with Witness(simulator) as server:
        yield server


@pytest.fixture(scope="module")
def admin(witness, tmp_path_factory):
    """One gateway for all of the tests here; at its end none of the keys may stand in its log or metrics."""
    folder = tmp_path_factory.mktemp("keys")
    gateway, admin = keyed(folder, witness.base_url)
    with gateway:
        admin.make("the first")
        gateway.wait_for_catalogue()
        yield admin
        admin.assert_no_key_in(gateway.http.get("/metrics").text, "/metrics")
    admin.assert_no_key_in(gateway.process.output, "the log")


def refused(admin: Admin, response: httpx.Response, status: int) -> dict:
    admin.assert_no_key_in(response.text, "an error")
    return error_of(response, status)


# ---- who is let in


def test_a_key_is_needed_from_the_moment_there_is_one(simulator, tmp_path):
    gateway, admin = keyed(tmp_path / "g", simulator.base_url)
    with gateway:
        assert gateway.chat(TURBO).status_code == 200
        client = admin.make("the first")
        error = refused(admin, gateway.chat(TURBO), 401)
        assert error["metadata"]["error_type"] == "authentication"
        assert client.chat(TURBO).status_code == 200
        admin.delete(client)
        assert gateway.chat(TURBO).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": f"Bearer {NOBODYS}"},
        {"authorization": "", "x-api-key": NOBODYS},
        {"authorization": "Basic Z2s6Z2s="},
        {"authorization": f"Bearer {ADMIN_TOKEN}"},
        {"authorization": f"Bearer {secrets.UPSTREAM_KEY}"},
    ],
    ids=["none", "unknown", "unknown x-api-key", "another scheme", "the admin token", "the upstream key"],
)
@pytest.mark.parametrize("path", ["chat/completions", "completions", "models", "key", "generation?id=gen-1"])
def test_nothing_is_told_to_who_has_no_key(admin, headers, path):
    method = "POST" if path.endswith("completions") else "GET"
    body = {"model": TURBO, "messages": [], "prompt": "x"} if method == "POST" else None
    response = admin.gateway.http.request(method, f"/api/v1/{path}", json=body, headers=headers)
    assert refused(admin, response, 401)["metadata"]["error_type"] == "authentication"


def test_a_key_is_taken_from_either_header(admin):
    client = admin.make("either")
    assert client.chat().status_code == 200
    body = {"model": TURBO, "messages": [{"role": "user", "content": secrets.PROMPT}]}
    with httpx.Client(trust_env=False, timeout=30) as http:
        response = http.post(f"{admin.gateway.base_url}/chat/completions", json=body, headers={"x-api-key": client.key})
    assert response.status_code == 200, response.text


def test_the_openai_sdk_calls_with_a_key_and_tells_of_a_wrong_one(admin):
    client = admin.make("sdk")
    messages = [{"role": "user", "content": secrets.PROMPT}]
    with openai.OpenAI(base_url=admin.gateway.base_url, api_key=client.key, http_client=httpx.Client(trust_env=False)) as sdk:
        assert sdk.chat.completions.create(model=TURBO, messages=messages).choices[0].message.content
        chunks = list(sdk.chat.completions.create(model=TURBO, messages=messages, stream=True))
        assert any(chunk.choices and chunk.choices[0].delta.content for chunk in chunks)
    with openai.OpenAI(base_url=admin.gateway.base_url, api_key=NOBODYS, http_client=httpx.Client(trust_env=False)) as sdk:
        with pytest.raises(openai.AuthenticationError):
            sdk.chat.completions.create(model=TURBO, messages=messages)


def test_a_wrong_key_is_refused_before_its_body_is_sent(admin):
    host, port = admin.gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            f"POST /api/v1/chat/completions HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {NOBODYS}\r\n"
            "content-type: application/json\r\ncontent-length: 1000000\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_a_change_is_in_force_with_the_next_call(admin):
    client = admin.make("changing")
    assert client.chat().status_code == 200
    admin.change(client, disabled=True)
    assert "disabled" in refused(admin, client.chat(), 401)["message"]
    admin.change(client, disabled=False, policy={"models": ["anthropic/*"]})
    refused(admin, client.chat(), 403)
    admin.change(client, policy={"models": None})
    assert client.chat().status_code == 200
    admin.delete(client)
    refused(admin, client.chat(), 401)


def test_the_keys_of_a_disabled_project_are_not_taken(admin):
    project = admin.project("paused")
    client = admin.make("in it", project="paused")
    assert admin.ask("PATCH", f"/accounts/{project}", {"disabled": True}).status_code == 200
    assert "project" in refused(admin, client.chat(), 403)["message"]
    assert admin.ask("PATCH", f"/accounts/{project}", {"disabled": False}).status_code == 200
    assert client.chat().status_code == 200


def test_a_key_is_made_and_changed_from_the_command_line_while_the_gateway_runs(admin):
    made = admin.command("keys", "create", "--name", "shell", "--daily", "$5")
    assert made.returncode == 0, made.stderr
    client = Client(admin.gateway, made.stdout.strip(), "shell")
    admin.tokens.append(client.key)
    assert client.chat(max_tokens=5).status_code == 200
    assert admin.command("keys", "disable", "shell").returncode == 0
    refused(admin, client.chat(), 401)


# ---- what it may do


@pytest.mark.parametrize(
    ("policy", "call", "word"),
    [
        ({"routes": ["work"]}, {"model": "other"}, "--routes"),
        ({"models": ["anthropic/*"]}, {"model": TURBO}, "--models"),
        ({"models": [SMALL]}, {"model": f"{SMALL}:nitro"}, "--models"),
        ({"models": [TURBO]}, {"model": TURBO, "models": [SMALL]}, "--models"),
        ({"models": ["anthropic/*"]}, {"model": "work"}, "--models"),
        ({}, {"plugins": [{"id": "web"}]}, "--allow plugins"),
        ({}, {"tools": [{"type": "openrouter:web_search"}]}, "--allow server_tools"),
        ({}, {"model": f"{TURBO}:online"}, "--allow server_tools"),
        ({}, {"preset": "mine"}, "--allow presets"),
        ({}, {"model": f"{TURBO}@preset/mine"}, "--allow presets"),
        ({}, {"debug": {"echo_upstream_body": True}}, "--allow debug"),
        ({}, {"headers": {"x-openrouter-cache": "true"}}, "--allow response_cache"),
    ],
    ids=str,
)
def test_what_a_key_may_not_do_is_refused_with_the_remedy_and_nobody_is_asked(admin, witness, policy, call, word):
    client = admin.make("narrow", policy=policy)
    before = len(witness.asked)
    error = refused(admin, client.chat(**call), 403)
    assert error["metadata"]["error_type"] == "permission_denied"
    assert f"gantry keys update {client.id}" in error["metadata"]["gantry"]["remedy"]
    assert word in error["metadata"]["gantry"]["remedy"]
    assert len(witness.asked) == before


@pytest.mark.parametrize(
    ("policy", "call"),
    [
        ({"routes": ["work"]}, {"model": "work"}),
        ({"models": ["openai/*"]}, {"model": TURBO}),
        ({"plugins": True}, {"plugins": [{"id": "web"}]}),
        ({"server_tools": True}, {"tools": [{"type": "openrouter:web_search"}]}),
        ({"server_tools": True}, {"model": f"{TURBO}:online"}),
        ({"debug": True}, {"debug": {"echo_upstream_body": True}, "stream": True}),
        ({"response_cache": True}, {"headers": {"x-openrouter-cache": "true"}}),
    ],
    ids=str,
)
def test_what_it_may_do_is_done(admin, policy, call):
    response = admin.make("wider", policy=policy).chat(**call)
    assert response.status_code == 200, response.text


def test_a_chain_passes_over_the_models_that_a_key_may_not_use(admin, witness):
    client = admin.make("small alone", policy={"models": [SMALL]})
    before = len(witness.asked)
    response = client.chat("work")
    assert response.status_code == 200, response.text
    assert response.headers["x-gantry-substituted"] == SMALL
    assert [asked["model"] for asked in witness.asked[before:]] == [SMALL]


def test_upstream_sees_the_users_of_two_keys_apart(admin, witness):
    seen = []
    for name in ("blue", "green"):
        client = admin.make(name)
        answered = client.chat(user="ann", session_id="s-1", headers={"x-session-id": "h-1"})
        assert answered.status_code == 200, answered.text
        sent, headers = witness.asked[-1], witness.headers[-1]
        assert sent["user"] == f"{client.id}:ann"
        assert sent["session_id"] == f"{client.id}:s-1"
        assert headers["x-session-id"] == f"{client.id}:h-1"
        assert client.key not in str(sent) + str(headers)
        seen.append(sent["user"])
    assert seen[0] != seen[1]


# ---- what one key sees of another


def test_a_key_sees_its_own_figures_and_generations_alone(admin):
    blue, green = admin.make("blue", limits={"daily": "5", "monthly": "7"}), admin.make("green")
    answered = blue.chat(max_tokens=20)
    generation = answered.headers["x-generation-id"]
    spent = wait_for(lambda: blue.own()["usage"], "what the key spent")
    told = blue.own()
    assert str(spent) == str(answered.json()["usage"]["cost"]) or spent == told["usage_daily"]
    assert told["limit"] == 5 and told["limit_reset"] == "daily"
    assert told["limit_remaining"] == 5 - spent
    assert told["usage_daily"] == told["usage_weekly"] == told["usage_monthly"] == spent
    assert told["is_management_key"] is False and blue.key not in str(told)
    assert green.own()["usage"] == 0 and green.own()["limit"] is None
    refused(admin, green.get(f"/api/v1/generation?id={generation}"), 404)
    refused(admin, green.get("/api/v1/generation?id=gen-none"), 404)
    refused(admin, green.get("/api/v1/generation"), 404)
    found = wait_for(
        lambda: next((r for r in [blue.get(f"/api/v1/generation?id={generation}")] if r.status_code == 200), None),
        "the generation's record",
    )
    assert found.json()["data"]["id"] == generation
    assert blue.get("/api/v1/credits").status_code in (401, 403, 404)
    assert admin.ask("GET", "/usage", token=blue.key).status_code == 401


def test_a_keys_own_figures_have_openrouters_fields(admin, simulator):
    theirs = simulator.http.get("/api/v1/key", headers={"authorization": f"Bearer {secrets.UPSTREAM_KEY}"}).json()["data"]
    client = admin.make("fields")
    assert set(theirs) <= set(client.own())
    for path in ("/api/v1/key", "/v1/key", "/api/v1/auth/key", "/api/v1/key?x=1"):
        assert client.get(path).status_code == 200, path


# ---- the admin API over HTTP


@pytest.mark.parametrize(
    "path", ["/keys", "/accounts", "/usage", "/usage/unexplained", "/openapi.yaml"]
)
def test_the_admin_api_needs_its_token(admin, path):
    first = admin.make("no admin")
    for token in (None, "gk-admin-wrong", first.key, NOBODYS):
        refused(admin, admin.ask("GET", path, token=token), 401)
    assert admin.ask("GET", path).status_code == 200


def test_the_admin_api_describes_itself_and_keeps_to_it(admin):
    from test_admin import DOCUMENT, check

    assert yaml.safe_load(admin.ask("GET", "/openapi.yaml").text) == DOCUMENT
    asked = [
        ("createProject", "POST", "/projects", {"name": "described", "limits": {"monthly": "100"}}),
        ("createKey", "POST", "/keys", {"name": "described", "project": "described", "limits": {"daily": 1.5}}),
        ("createKey", "POST", "/keys", {"name": ""}),
        ("createKey", "POST", "/keys", {"name": "x", "limits": {"daily": -1}, "policy": {"models": 7}}),
        ("listKeys", "GET", "/keys", None),
        ("showKey", "GET", "/keys/key_999999", None),
        ("showAccounts", "GET", "/accounts?keys=true", None),
        ("changeAccount", "PATCH", "/accounts/organisation", {"limits": {"total": None}}),
        ("showUsage", "GET", "/usage?by=key,project,model,day", None),
        ("showUsage", "GET", "/usage?by=colour", None),
        ("showUnexplained", "GET", "/usage/unexplained", None),
        ("deleteProject", "DELETE", "/accounts/project:described", None),
    ]
    statuses = []
    for operation, method, path, body in asked:
        answered = admin.ask(method, path, body)
        check(operation, answered.status_code, answered.text)
        if "key" in answered.json():
            admin.tokens.append(answered.json()["key"])
        statuses.append(answered.status_code)
    assert statuses == [201, 201, 400, 400, 200, 404, 200, 200, 200, 400, 200, 409]
    assert admin.ask("PUT", "/keys").status_code == 405


# ---- how fast, and for how long: under a clock that stands still


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    folder = tmp_path_factory.mktemp("held")
    with Held(folder, CONFIG, environment=environment_in(folder / "gateway")) as pair:
        yield pair


@pytest.fixture(scope="module")
def clerk(held, tmp_path_factory):
    return Admin(held.gateway, held.gateway.config_file.parent)


def limited(clerk, response: httpx.Response, word: str) -> int:
    error = refused(clerk, response, 429)
    assert error["metadata"]["error_type"] == "rate_limit_exceeded"
    assert word in error["message"]
    return int(response.headers["retry-after"])


def test_requests_a_minute(held, clerk):
    client = clerk.make("slow", policy={"requests_per_minute": 2})
    assert [client.chat(max_tokens=5).status_code for _ in range(2)] == [200, 200]
    wait = limited(clerk, client.chat(max_tokens=5), "requests a minute")
    assert 1 <= wait <= 60
    held.advance(wait)
    assert client.chat(max_tokens=5).status_code == 200
    assert clerk.make("another").chat(max_tokens=5).status_code == 200


def test_tokens_a_minute_count_what_calls_used(held, clerk):
    client = clerk.make("thrifty", policy={"tokens_per_minute": 100})
    answered = client.chat(max_tokens=200)
    used = answered.json()["usage"]["total_tokens"]
    spent = used
    while spent < 100:
        spent += client.chat(max_tokens=200).json()["usage"]["total_tokens"]
    wait = limited(clerk, client.chat(max_tokens=5), "tokens a minute")
    assert 1 <= wait <= 60 * (spent + 100) / 100
    held.advance(wait)
    assert client.chat(max_tokens=5).status_code == 200


def test_calls_at_a_time(held, clerk):
    client = clerk.make("one by one", policy={"concurrency": 1})
    held.begin("model * answers stall-mid=5s\n")
    body = {"model": TURBO, "messages": [{"role": "user", "content": secrets.PROMPT}], "stream": True}
    with held.gateway.http.stream("POST", "/api/v1/chat/completions", json=body, headers=client.headers) as running:
        assert running.status_code == 200
        assert limited(clerk, client.chat(max_tokens=5), "calls at a time") >= 1
        held.advance(6)
        running.read()
    held.begin("")
    wait_for(lambda: client.chat(max_tokens=5).status_code == 200, "the place of the call that has ended")


def test_a_key_ends_when_it_expires(held, clerk):
    client = clerk.make("short", expires_at=rfc(clerk, 60))
    assert client.chat(max_tokens=5).status_code == 200
    held.advance(61)
    assert "expired" in refused(clerk, client.chat(max_tokens=5), 401)["message"]
    clerk.change(client, expires_at=None)
    assert client.chat(max_tokens=5).status_code == 200


def test_a_key_that_is_replaced_lives_on_for_the_overlap(held, clerk):
    old = clerk.make("rotating")
    new = clerk.rotate(old, 60)
    assert old.chat(max_tokens=5).status_code == new.chat(max_tokens=5).status_code == 200
    held.advance(61)
    refused(clerk, old.chat(max_tokens=5), 401)
    assert new.chat(max_tokens=5).status_code == 200
    newest = clerk.rotate(new, 0)
    refused(clerk, new.chat(max_tokens=5), 401)
    assert newest.chat(max_tokens=5).status_code == 200
    assert newest.own()["usage"] > 0


def rfc(clerk: Admin, seconds: float) -> str:
    """A moment so many seconds from the gateway's now, which it tells by a new key."""
    made = clerk.ask("POST", "/keys", {"name": "clock"}).json()
    clerk.tokens.append(made["key"])
    now = datetime.fromisoformat(made["data"]["created_at"].replace("Z", "+00:00"))
    return (now + timedelta(seconds=seconds)).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
