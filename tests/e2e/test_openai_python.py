"""The openai package for Python, pointed at the gateway by its base URL alone."""

import asyncio
import json

import openai
import pytest
from harness import secrets
from harness.waiting import wait_for

MODEL = "openai/gpt-4-turbo"
MESSAGES = [{"role": "user", "content": secrets.PROMPT}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def client(gateway):
    with openai.OpenAI(base_url=gateway.base_url, api_key=secrets.CLIENT_KEY, max_retries=0) as made:
        yield made


def test_a_plain_call_is_answered_with_usage_and_generation_id(client):
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES, max_tokens=50)
    reply = raw.parse()
    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason in ("stop", "length")
    assert reply.model.startswith(MODEL)
    assert 0 < reply.usage.completion_tokens <= 50
    assert raw.headers["x-generation-id"] == reply.id


def test_a_stream_arrives_in_chunks_and_ends_with_usage(client):
    chunks = list(client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=50, stream=True))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    finishes = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
    usages = [c.usage for c in chunks if c.usage]
    assert len(chunks) > 3 and text
    assert len(finishes) == 1 and finishes[0] in ("stop", "length")
    assert len(usages) == 1 and usages[0].completion_tokens > 0


def test_the_async_client_runs_calls_and_streams_side_by_side(gateway):
    async def one(client, number):
        messages = [{"role": "user", "content": f"{secrets.PROMPT} {number}"}]
        if number % 2:
            reply = await client.chat.completions.create(model=MODEL, messages=messages, max_tokens=20)
            return reply.choices[0].message.content
        stream = await client.chat.completions.create(model=MODEL, messages=messages, max_tokens=20, stream=True)
        return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])

    async def all_of_them():
        async with openai.AsyncOpenAI(
            base_url=gateway.base_url, api_key=secrets.CLIENT_KEY, max_retries=0
        ) as client:
            return await asyncio.gather(*[one(client, number) for number in range(20)])

    assert all(asyncio.run(all_of_them()))


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call_comes_through_whole(client, stream):
    reply = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, tools=[WEATHER], tool_choice="required", max_tokens=200, stream=stream
    )
    if stream:
        deltas = [c.choices[0].delta for c in reply if c.choices]
        calls = [call for delta in deltas for call in delta.tool_calls or []]
        name = next(call.function.name for call in calls if call.function.name)
        arguments = "".join(call.function.arguments or "" for call in calls)
    else:
        assert reply.choices[0].finish_reason == "tool_calls"
        assert reply.choices[0].message.content is None
        call = reply.choices[0].message.tool_calls[0]
        name, arguments = call.function.name, call.function.arguments
    assert name == "weather"
    assert isinstance(json.loads(arguments)["city"], str)


def test_json_mode_answers_json(client):
    reply = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, response_format={"type": "json_object"}, max_tokens=200
    )
    assert isinstance(json.loads(reply.choices[0].message.content), dict)


def test_the_legacy_completions_work(client):
    reply = client.completions.create(model="openai/gpt-3.5-turbo", prompt=secrets.PROMPT, max_tokens=20)
    assert reply.choices[0].text


def test_the_models_are_listed(client):
    assert {"openai/gpt-4-turbo", "openai/gpt-3.5-turbo"} <= {model.id for model in client.models.list()}


@pytest.mark.parametrize(
    ("model", "error", "status"),
    [
        ("sim/status-400", openai.BadRequestError, 400),
        ("sim/status-404", openai.NotFoundError, 404),
        ("sim/status-429", openai.RateLimitError, 429),
        ("sim/status-500", openai.InternalServerError, 500),
        ("sim/status-502", openai.InternalServerError, 502),
        ("sim/status-503", openai.InternalServerError, 503),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_error_is_the_sdks_own_exception(client, model, error, status, stream):
    with pytest.raises(error) as raised:
        client.chat.completions.create(model=model, messages=MESSAGES, stream=stream)
    assert raised.value.status_code == status
    assert raised.value.body["metadata"]["gantry"]["remedy"]
    secrets.assert_clean(str(raised.value), "the exception")


@pytest.mark.parametrize("model", ["sim/unauthorized", "sim/status-402"])
def test_an_error_about_our_own_key_is_not_the_clients(client, model):
    """401 and 402 would tell the client that its own key is wrong, and that it should pay."""
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model=model, messages=MESSAGES)
    assert raised.value.status_code in (502, 503)


def test_a_final_error_is_not_retried_by_the_sdk(gateway, simulator):
    client = openai.OpenAI(base_url=gateway.base_url, api_key=secrets.CLIENT_KEY, max_retries=3)
    before = simulator.mark()
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model="sim/status-503", messages=MESSAGES)
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert int(raised.value.response.headers["retry-after"]) >= 1
    assert len(before.attempts()) == 1


def test_an_error_in_the_middle_of_a_stream_is_never_a_normal_end(client):
    stream = client.chat.completions.create(model="sim/mid-error", messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError):
        list(stream)


def test_a_cut_stream_is_never_a_normal_end(client):
    stream = client.chat.completions.create(model="sim/close-mid-stream", messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError):
        list(stream)


def test_hanging_up_cancels_upstream_at_once(client, simulator):
    before = simulator.mark()
    stream = client.chat.completions.create(model="sim/slow-tokens", messages=MESSAGES, stream=True)
    received = [next(stream), next(stream)]
    stream.close()
    attempt = before.wait_ended()
    assert received and attempt["cancelled"]
    whole = len("".join(chunk.model_dump_json() for chunk in received)) / len(received) * 100
    assert 0 < attempt["bytes_sent"] < whole


def test_hanging_up_is_counted(client, gateway, simulator):
    def cancelled():
        return sum(v for name, v in gateway.metrics().items() if 'outcome="cancelled"' in name)

    before = cancelled()
    stream = client.chat.completions.create(model="sim/slow-tokens", messages=MESSAGES, stream=True)
    next(stream)
    stream.close()
    wait_for(lambda: cancelled() > before, "the cancelled call in /metrics")
