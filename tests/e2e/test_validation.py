"""What is refused before anything is sent, each time with a precise error; and what is not Gantry's to refuse."""

import json

import pytest
from harness import secrets
from harness.gateway import QUICK, error_of

USER = {"role": "user", "content": secrets.PROMPT}


def body(**fields):
    made = {"model": "openai/gpt-4-turbo", "messages": [USER]} | fields
    return json.dumps({key: value for key, value in made.items() if value != "absent"}).encode()


REFUSED = [
    ("a body that is not JSON", b'{"model": nope', "JSON"),
    ("an empty body", b"", "body"),
    ("a body that is a list", b"[]", "object"),
    ("text after the object", b'{"model":"a/b","messages":[{"role":"user","content":"x"}]} more', "JSON"),
    ("no messages", body(messages="absent"), "messages"),
    ("messages that are no list", body(messages={"role": "user"}), "messages"),
    ("messages without any", body(messages=[]), "messages"),
    ("a prompt of white space", body(messages=[{"role": "user", "content": " \n\t "}]), "empty"),
    ("a prompt of blank parts", body(messages=[{"role": "user", "content": [{"type": "text", "text": " "}]}]), "empty"),
    ("a model without its author", body(model="gpt-4-turbo"), "gpt-4-turbo"),
    ("a model that is a number", body(model=4), "model"),
    ("stream that is text", body(stream="yes"), "stream"),
    ("max_tokens that is text", body(max_tokens="many"), "max_tokens"),
    ("max_completion_tokens that is a list", body(max_completion_tokens=[1]), "max_completion_tokens"),
    ("models that is text", body(models="openai/gpt-4-turbo"), "models"),
]


@pytest.mark.parametrize(("content", "names"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_request_is_refused_before_it_is_sent(gateway, simulator, content, names):
    before = simulator.mark()
    response = gateway.http.post(
        "/api/v1/chat/completions", content=content, headers={"content-type": "application/json"}
    )
    error = error_of(response, 400)
    assert names in error["message"], error
    assert before.attempts() == []


def test_a_prompt_at_the_limit_passes_and_one_more_is_refused_naming_the_setting(gateway, simulator):
    # Code points count, not bytes: each of these letters takes two.
    at_limit = gateway.chat(messages=[{"role": "user", "content": "é" * 100_000}], max_tokens=5)
    assert at_limit.status_code == 200, at_limit.text
    before = simulator.mark()
    error = error_of(gateway.chat(messages=[{"role": "user", "content": "é" * 100_001}]), 400)
    assert "max_prompt" in error["message"] + error["metadata"]["gantry"]["remedy"]
    assert "100001" in error["message"].replace(",", "")
    assert before.attempts() == []


def test_the_prompt_limit_counts_neither_pictures_nor_tool_schemas(gateway):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 150_000}}
    tool = {"type": "function", "function": {"name": "f", "description": "x" * 150_000, "parameters": {}}}
    content = [{"type": "text", "text": secrets.PROMPT}, picture]
    response = gateway.chat(messages=[{"role": "user", "content": content}], tools=[tool], max_tokens=5)
    assert response.status_code == 200, response.text


def test_the_prompt_limit_can_be_left_to_the_model(start_gateway):
    gateway = start_gateway(QUICK + '[routes.default]\nmax_prompt = "context"\n')
    response = gateway.chat(messages=[{"role": "user", "content": "word " * 30_000}], max_tokens=5)
    assert response.status_code == 200, response.text


def test_completions_need_a_prompt(gateway):
    missing = gateway.http.post("/api/v1/completions", json={"model": "openai/gpt-3.5-turbo"})
    assert "prompt" in error_of(missing, 400)["message"]
    blank = gateway.http.post("/api/v1/completions", json={"model": "openai/gpt-3.5-turbo", "prompt": "  "})
    assert "prompt" in error_of(blank, 400)["message"]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}],
        [USER, {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
         {"role": "tool", "tool_call_id": "c1", "content": ""}],
    ],
    ids=["a picture alone", "a tool's empty result"],
)  # fmt: skip
def test_a_prompt_may_be_something_other_than_text(gateway, messages):
    response = gateway.chat(messages=messages, max_tokens=5)
    assert response.status_code == 200, response.text


def test_a_route_name_needs_no_author(gateway):
    assert gateway.chat(model="default", max_tokens=5).status_code == 200


def test_unknown_fields_are_no_error(gateway):
    response = gateway.chat(max_tokens=5, safe_prompt=True, transforms=["middle-out"], usage={"include": True})
    assert response.status_code == 200, response.text


def test_an_encoded_request_is_not_understood(gateway):
    response = gateway.http.post(
        "/api/v1/chat/completions",
        content=b"\x1f\x8b whatever",
        headers={"content-type": "application/json", "content-encoding": "gzip"},
    )
    error_of(response, 415)


def test_a_post_that_a_web_page_could_make_is_refused(gateway, simulator):
    before = simulator.mark()
    simple = gateway.http.post("/api/v1/chat/completions", content=body(), headers={"content-type": "text/plain"})
    error_of(simple, 415)
    foreign = gateway.chat(headers={"origin": "https://elsewhere.example"})
    error_of(foreign, 403)
    rebound = gateway.chat(headers={"host": "elsewhere.example"})
    error_of(rebound, 403)
    assert before.attempts() == []


@pytest.mark.parametrize("path", ["/", "/api/v1/nothing", "/api/v1/chat", "/v2/models", "/api/v1/models/"])
def test_an_unknown_path_is_told_what_exists(gateway, path):
    error = error_of(gateway.http.get(path), 404)
    text = error["message"] + error["metadata"]["gantry"]["remedy"]
    assert "/api/v1/chat/completions" in text


def test_a_wrong_method_is_told_the_right_one(gateway):
    response = gateway.http.get("/api/v1/chat/completions")
    error_of(response, 405)
    assert response.headers["allow"] == "POST"
