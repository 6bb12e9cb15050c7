"""Each fault of an upstream, at each place where it can strike, plain and streamed: what the client gets and what the
upstream saw. The numbers are those of the table of outcomes in the design: whether the same model is asked again, whether
the next one is, and what a client is told when neither helped. Time is held: a pause is what the policy says, or it fails.
"""

import json
from dataclasses import dataclass, replace

import pytest
from harness.gateway import QUICK, error_of, sse_events
from harness.held import Held

MODEL, SECOND = "openai/gpt-4-turbo", "openai/gpt-4.1"  # the second holds more
CONFIG = (
    "fallback_for_plain_ids = false\n" + QUICK
    + f'[routes.pair]\nprimary = "{MODEL}"\nfallbacks = ["{SECOND}"]\n'
    + '[routes.nowhere]\nprimary = "nowhere:any"\nfallbacks = []\n'
    + f'[routes.elsewhere]\nprimary = "nowhere:any"\nfallbacks = ["{SECOND}"]\n'
    + '[upstreams.nowhere]\nbase_url = "http://127.0.0.1:9/v1"\n'  # nothing listens there
)  # fmt: skip
BASE, CAP = 0.5, 8.0  # full jitter: a pause lies between 0 and BASE * 2^n, at most CAP
BOTH, PLAIN, STREAM = ("plain", "stream"), ("plain",), ("stream",)


@dataclass(frozen=True)
class Row:
    says: str
    faults: str
    outcome: str
    tries: int  # of a lone model
    status: int  # when they all failed
    next: bool = True  # is the next model of a chain asked?
    modes: tuple = BOTH
    wish: float = 0  # upstream's, in seconds; it is kept to the step
    cut_after: float | None = 0  # the gateway gives up on each attempt after so long, and hangs up upstream; None: may do
    step: float = 0.1  # of held time
    pause: bool = False  # before the next model, too: the whole upstream failed
    told_to_wait: int = 1  # the least Retry-After of a final 429 or 5xx


def again(says, faults, outcome, status, **more):
    """Worth asking the same model again: three more times, after pauses."""
    return Row(says, faults, outcome, 4, status, **more)


def once(says, faults, outcome, status, **more):
    return Row(says, faults, outcome, 1, status, **more)


def final(says, faults, outcome, status, **more):
    """The request's own fault, or the key's: nobody else is asked."""
    return Row(says, faults, outcome, 1, status, next=False, **more)


BEFORE_HEADERS = [
    final("a request that is not valid", "status=400", "bad_request", 400),
    final("the same in the form of /responses", "status=400;shape=responses", "bad_request", 400),
    once("a prompt that is too long goes to a model that may take more",
         "status=400;error-type=context_length_exceeded", "too_long", 400),
    final("refused content", "status=400;error-type=content_policy_violation", "refused_content", 400),
    final("a key that is not known", "status=401", "bad_key", 502),
    final("no credit", "status=402", "out_of_money", 503),
    final("more tokens than can be paid for", "afford=100", "out_of_money", 400),
    final("a missing permission", "status=403", "bad_key", 502),
    final("moderation", "moderation", "refused_content", 403),
    final("a guardrail", "guardrail", "refused_content", 403),
    final("a spent budget", "budget", "out_of_money", 503),
    once("a model that is not there", "status=404", "model_missing", 404),
    again("a request that took too long", "status=408", "upstream_error", 504),
    final("a conflict", "status=409", "bad_request", 400),
    once("an endpoint that was removed", "status=410", "model_missing", 404),
    final("a precondition", "status=412", "bad_request", 412),
    final("too large a body", "status=413", "bad_request", 413),
    final("a request that makes no sense", "status=422", "bad_request", 422),
    again("a limit without a wish", "status=429", "rate_limited", 429),
    again("a limit that wishes seven seconds", "status=429;retry-after=7", "rate_limited", 429, wish=7, told_to_wait=7),
    again("a limit whose wish is zero", "status=429;retry-after=0", "rate_limited", 429),
    once("a limit that wishes a day, which no call has", "status=429;retry-after=86400", "rate_limited", 429,
         told_to_wait=86400),
    again("a wish that is no number", "status=503;retry-after=soon", "overloaded", 503),
    again("an overload that wishes three seconds", "status=503;retry-after=3", "overloaded", 503, wish=3, told_to_wait=3),
    again("a provider's own limit", "rate-limit=upstream;retry-after=2", "rate_limited", 429, wish=2, told_to_wait=2),
    again("an error of upstream's own", "status=500", "upstream_error", 500),
    again("a provider without an answer", "status=502", "upstream_error", 502),
    again("an overload", "status=503", "overloaded", 503),
    again("a timeout of upstream's own", "status=504", "upstream_error", 504),
    again("a provider's overload", "status=529", "overloaded", 503),
    again("the edge's timeout, told by upstream", "status=524", "upstream_error", 504),
    *(again(f"a page of the edge with {status} is about the whole upstream", f"status={status};shape=html",
            "upstream_error", 504 if status == 524 else 502, pause=True)
      for status in (520, 521, 522, 523, 524, 525, 526, 530)),
    again("a 502 in HTML", "status=502;shape=html", "upstream_error", 502),
    again("a 503 in plain text", "status=503;shape=plain", "overloaded", 503),
    again("an error without a body", "status=500;shape=blank", "upstream_error", 500),
    again("a provider's words in an older form", "status=502;shape=provider", "upstream_error", 502),
    again("an overload in the form of /messages", "status=529;shape=messages", "overloaded", 503),
    again("capacity that is back in twelve seconds", "availability=capacity_exhausted;retry-after=12", "rate_limited", 429,
          wish=12, told_to_wait=12),
    again("an outage that is called temporary", "availability=temporarily_unavailable", "overloaded", 503),
    *(once(f"availability: {code}", f"availability={code}", "model_missing", 404)
      for code in ("model_not_found", "no_endpoints", "model_deprecated", "model_unavailable_upstream", "privacy_restricted",
                   "constraint_filtered", "free_variant_ended", "region_restricted")),
    final("availability: wrong_endpoint", "availability=wrong_endpoint", "bad_request", 400),
    once("silence instead of a status", "stall-headers", "silent", 504, cut_after=60, step=5),
    again("a reply that is compressed unasked", "encoding=gzip", "upstream_error", 502, cut_after=None),
]  # fmt: skip

BEFORE_THE_FIRST_TOKEN = [
    again("a 200 that is an error", "body-error=502", "upstream_error", 502),
    again("a 200 that is a limit", "body-error=429", "rate_limited", 429),
    again("a 200 that is an overload", "body-error=503", "overloaded", 503),
    again("a choice that is an error", "choice-error", "upstream_error", 502, modes=PLAIN),
    again("a page instead of an answer", "html", "upstream_error", 502),
    again("half of an answer's JSON, which reads as ended", "broken-json", "upstream_error", 502, modes=PLAIN),
    Row("an answer without content", "empty", "empty", 2, 502),
    Row("a body that ends before it began", "close-at=0", "ambiguous", 2, 502),
    Row("a body that is reset before it began", "reset-at=0", "ambiguous", 2, 502),
    Row("a stream that ends before its first token", "close-after;after=0", "ambiguous", 2, 502, modes=STREAM),
    Row("a stream that is reset before its first token", "reset-after;after=0", "ambiguous", 2, 502, modes=STREAM),
    again("an error event before the first token", "mid-error;after=0", "upstream_error", 502, modes=STREAM),
    again("a bare error event before the first token", "bare-error=503;after=0", "overloaded", 503, modes=STREAM),
    once("headers, and then silence", "stall-first", "silent", 504, cut_after=60, step=5),
    once("comments are no tokens", "stall-first;keepalive=5s", "silent", 504, modes=STREAM, cut_after=60, step=5),
    once("a role alone is no token", "early-role;stall-first", "silent", 504, modes=STREAM, cut_after=60, step=5),
]  # fmt: skip

# A plain answer reaches the client whole or not at all, so what breaks in its middle is still nobody's but the gateway's.
IN_THE_MIDDLE_OF_A_PLAIN_ANSWER = [
    Row("a body that ends early", "close-at=100", "ambiguous", 2, 502, modes=PLAIN),
    Row("a body that is reset", "reset-at=100", "ambiguous", 2, 502, modes=PLAIN),
    once("a body that stops coming", "stall-mid", "silent", 504, modes=PLAIN, cut_after=60, step=5),
]

# After the first token nobody else can go on.
IN_THE_MIDDLE_OF_A_STREAM = [
    once("an error event", "mid-error=502", "upstream_error", 502),
    once("an error event that is a limit", "mid-error=429", "rate_limited", 429),
    once("an error event whose code is a word", "mid-error=server_error", "upstream_error", 502),
    once("a bare error event", "bare-error=502", "upstream_error", 502),
    once("an error event with [DONE] behind it", "mid-error;error-done", "upstream_error", 502),
    once("an end without a reason", "no-finish", "ambiguous", 502),
    once("an end between two tokens", "close-after", "ambiguous", 502),
    once("a reset between two tokens", "reset-after", "ambiguous", 502),
    once("an end in the middle of an event", "close-at=900", "ambiguous", 502),
    once("a reset in the middle of an event", "reset-at=900", "ambiguous", 502),
    once("no token for half a minute", "stall-mid", "slow", 504, cut_after=30, step=5),
]

WHOLE = [
    "", "no-done", "no-usage", "usage=empty", "usage=dummy-choice", "finish-content", "comments", "crlf", "cr", "no-space",
    "multi-line", "split=1", "unicode", "unknown-fields", "refusal", "reasoning-only", "reasoning", "tool-calls",
    "zero-usage", "cache=hit", "cache=miss", "finish=content_filter", "generation-after=1s",
    "generation-after-calls=2", "no-cost", "byok", "bill-factor=2", "round=up:6",
]  # fmt: skip


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    with Held(tmp_path_factory.mktemp("matrix"), CONFIG) as pair:
        yield pair


def cases(rows):
    return [pytest.param(row, mode, id=f"{row.says}, {mode}") for row in rows for mode in row.modes]


class Seen:
    """One call from both ends."""

    def __init__(self, held: Held, model: str, faults: str, mode: str, step: float, **fields):
        mark = held.begin(f"model {MODEL} answers {faults}\n" if faults else "")
        fields = {"max_tokens": 200, "stream": mode == "stream"} | fields

        def call():
            return held.gateway.chat(model=model, headers={"x-gantry-explain": "1"}, **fields)

        self.response = held.run(call, mark, step)
        self.attempts = mark.attempts()
        self.stream = mode == "stream"

    @property
    def models(self):
        return [attempt["model"] for attempt in self.attempts]

    @property
    def pauses(self):
        """From the end of each attempt to the beginning of the next, in held seconds."""
        return [(b["began_ms"] - a["ended_ms"]) / 1000 for a, b in zip(self.attempts, self.attempts[1:])]

    @property
    def error(self):
        """The error, wherever the client finds it: a status of its own, or an event when the stream had begun."""
        if self.stream and self.response.status_code == 200:
            event = json.loads(sse_events(self.response.text)[-1])
            assert event["choices"][0]["finish_reason"] == "error"
            return event["error"]
        return error_of(self.response, self.response.status_code)

    @property
    def finishes(self):
        """Reasons with which the answer claims to have ended."""
        if not self.stream:
            return [choice["finish_reason"] for choice in self.response.json().get("choices", [])]
        chunks = [json.loads(event) for event in sse_events(self.response.text) if event != "[DONE]"]
        reasons = [choice.get("finish_reason") for chunk in chunks for choice in chunk["choices"]]
        return [reason for reason in reasons if reason]


def assert_pauses(row: Row, seen: Seen):
    """Measured to the step: a pause that ends within a step is seen at its end."""
    for number, pause in enumerate(seen.pauses):
        ceiling = min(CAP, BASE * 2**number)
        assert row.wish <= pause + 1e-6, f"pause {number} of {seen.pauses} is shorter than upstream's wish"
        assert pause <= max(row.wish, ceiling) + row.step + 1e-6, f"pause {number} of {seen.pauses} is longer than {ceiling}"


def assert_cuts(row: Row, attempts: list[dict]):
    for attempt in attempts if row.cut_after is not None else []:
        assert attempt["cancelled"] == bool(row.cut_after)
        if row.cut_after:
            lived = (attempt["cancelled_ms"] - attempt["began_ms"]) / 1000
            assert row.cut_after <= lived + 1e-6 and lived <= row.cut_after + row.step + 1e-6


def assert_told(row: Row, seen: Seen):
    """A failure that cannot be taken for an answer, and that tells clients what to do."""
    error = seen.error
    assert error["code"] == row.status
    told = error["metadata"]["gantry"]["attempts"]
    tried = [each for each in told if each["outcome"] != "skipped"]
    assert [each["outcome"] for each in tried] == [row.outcome] * row.tries
    if seen.response.status_code == 200:
        return  # the stream had been opened: there was nothing for ten seconds
    headers = seen.response.headers
    assert seen.response.status_code == row.status
    assert headers["x-should-retry"] == "false"
    assert headers["x-gantry-attempts"] == str(row.tries)
    assert "x-gantry-model" not in headers and "x-gantry-substituted" not in headers
    assert json.loads(headers["x-gantry-explain"]) == told
    if row.status >= 500 or row.status == 429:
        assert int(headers["retry-after"]) >= row.told_to_wait
    else:
        assert "retry-after" not in headers


def assert_whole(seen: Seen):
    assert seen.response.status_code == 200, seen.response.text
    assert len(seen.finishes) == 1 and seen.finishes[0] != "error"
    if seen.stream:
        assert sse_events(seen.response.text)[-1] == "[DONE]"
        assert not any('"error"' in event for event in sse_events(seen.response.text))


def fails_alone(held: Held, row: Row, mode: str):
    seen = Seen(held, MODEL, row.faults, mode, row.step)
    assert seen.models == [MODEL] * row.tries
    assert_pauses(row, seen)
    assert_cuts(row, seen.attempts)
    assert_told(row, seen)


def is_helped_by_the_next(held: Held, row: Row, mode: str):
    seen = Seen(held, "pair", row.faults, mode, row.step)
    assert seen.models == [MODEL, SECOND]
    assert seen.pauses[0] <= (BASE if row.pause else 0) + row.step + 1e-6
    assert_cuts(row, seen.attempts[:1])
    assert_whole(seen)
    if not row.cut_after:
        assert seen.response.headers["x-gantry-substituted"] == SECOND
        assert seen.response.headers["x-gantry-attempts"] == "2"


@pytest.mark.parametrize(
    ("row", "mode"), cases(BEFORE_HEADERS + BEFORE_THE_FIRST_TOKEN + IN_THE_MIDDLE_OF_A_PLAIN_ANSWER)
)
def test_before_the_client_has_a_token(held, row, mode):
    fails_alone(held, row, mode)
    if row.next:
        is_helped_by_the_next(held, row, mode)
    else:
        seen = Seen(held, "pair", row.faults, mode, row.step)
        assert seen.models == [MODEL]
        assert_told(row, seen)


@pytest.mark.parametrize("model", [MODEL, "pair"], ids=["alone", "in a chain"])
@pytest.mark.parametrize(("row", "mode"), cases(replace(row, modes=STREAM) for row in IN_THE_MIDDLE_OF_A_STREAM))
def test_after_the_first_token(held, row, mode, model):
    seen = Seen(held, model, row.faults, mode, row.step)
    assert seen.models == [MODEL]
    assert_cuts(row, seen.attempts)
    assert seen.response.status_code == 200
    events = [json.loads(event) for event in sse_events(seen.response.text) if event != "[DONE]"]
    assert any(choice["delta"].get("content") for event in events for choice in event["choices"])
    assert seen.error["code"] == row.status
    assert seen.finishes == ["error"], "a part is never sold as the whole"


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("faults", WHOLE)
def test_what_is_odd_but_whole_arrives_in_one_attempt(held, faults, mode):
    seen = Seen(held, MODEL, faults, mode, 1)
    assert seen.models == [MODEL]
    assert_whole(seen)


@pytest.mark.parametrize(
    ("faults", "mode", "seconds"),
    [
        ("slow-json=170s", "plain", 170),
        ("ttft=55s", "plain", 55),
        ("ttft=55s", "stream", 55),
        ("tps=0.2;tokens=34", "stream", 160),
        ("ttft=50s;keepalive=5s;tps=0.05;tokens=6", "stream", 130),
    ],
)
def test_what_is_slow_but_whole_arrives_in_one_attempt(held, faults, mode, seconds):
    seen = Seen(held, MODEL, faults, mode, 5)
    assert seen.models == [MODEL]
    assert_whole(seen)
    attempt = seen.attempts[0]
    assert attempt["finished"] and attempt["ended_ms"] - attempt["began_ms"] >= seconds * 1000


@pytest.mark.parametrize("mode", BOTH)
def test_a_limit_that_ends_with_the_minute_is_waited_for(held, mode):
    """The platform's 429 names the moment in X-RateLimit-Reset, in milliseconds since 1970."""
    mark = held.begin(f"calls 1-1 model {MODEL} answers rate-limit=minute\n")
    response = held.run(lambda: held.gateway.chat(model=MODEL, max_tokens=5, stream=mode == "stream"), mark, 1)
    assert response.status_code == 200
    first, second = mark.attempts()
    assert (first["status"], second["status"]) == (429, 200)
    assert 0 < second["began_ms"] - first["ended_ms"] <= 61_000


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("failures", [1, 2, 3])
def test_what_passes_is_asked_again_until_it_has_passed(held, mode, failures):
    mark = held.begin(f"calls 1-{failures} model {MODEL} answers 503\n")
    response = held.run(lambda: held.gateway.chat(model=MODEL, max_tokens=5, stream=mode == "stream"), mark, 0.1)
    assert response.status_code == 200
    assert [attempt["status"] for attempt in mark.attempts()] == [503] * failures + [200]
    assert response.headers["x-gantry-attempts"] == str(failures + 1)


@pytest.mark.parametrize("mode", BOTH)
def test_a_server_that_is_not_there_is_tried_four_times_and_told_of(held, mode):
    seen = Seen(held, "nowhere", "", mode, 0.1)
    assert seen.attempts == []
    assert_told(again("", "", "unreachable", 502), seen)


@pytest.mark.parametrize("mode", BOTH)
def test_a_server_that_is_not_there_is_replaced_by_another_upstream(held, mode):
    seen = Seen(held, "elsewhere", "", mode, 0.1)
    assert seen.models == [SECOND]
    assert_whole(seen)
    assert seen.response.headers["x-gantry-substituted"] == SECOND


def test_a_wish_that_the_call_has_no_time_for_is_told_to_the_client(held):
    """Ten minutes is all that a call has: a longer wish is passed on at once, not slept through."""
    seen = Seen(held, MODEL, "status=503;retry-after=900", "plain", 1)
    assert seen.models == [MODEL]
    assert int(seen.response.headers["retry-after"]) == 900
