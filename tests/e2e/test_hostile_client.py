"""One client does its worst for a minute; what it breaks is its own. Clients are told apart by their addresses: everything
of 127.0.0.0/8 leads here, and each client speaks from an address of its own."""

import itertools
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from harness import secrets
from harness.gateway import QUICK, sse_events
from harness.held import Held

PRIMARY, SECOND = "openai/gpt-4.1", "openai/gpt-4-turbo"
CONFIG = QUICK + f'[routes.work]\nprimary = "{PRIMARY}"\nfallbacks = ["{SECOND}"]\n'
HOSTILE, OTHERS = "127.0.0.66", ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
SECONDS, STEPS = 60, 20
PROMPTS = [{"role": "user", "content": secrets.PROMPT}]

# What upstream says to such requests. Each is about a request, but comes with the statuses of outages, keys and bills.
ANSWERS = f"""
model {PRIMARY} answers afford=50000
model {SECOND} answers afford=50000
model sim/moderation answers moderation
"""


class Client:
    """Speaks from an address of its own."""

    def __init__(self, held: Held, address: str):
        self.address = address
        self.port = httpx.URL(held.gateway.url).port
        self.http = httpx.Client(
            base_url=held.gateway.url,
            timeout=60,
            transport=httpx.HTTPTransport(local_address=address),
            headers={"authorization": f"Bearer {secrets.CLIENT_KEY}"},
        )

    def chat(self, **fields) -> httpx.Response:
        return self.http.post("/api/v1/chat/completions", json={"model": "work", "messages": PROMPTS} | fields)

    def broken(self) -> httpx.Response:
        return self.http.post(
            "/api/v1/chat/completions", content=b'{"model": "work", "messages": [', headers={"content-type": "application/json"}
        )

    def hang_up(self, **fields) -> None:
        """Sends a whole request and is gone before anything could come back."""
        body = json.dumps({"model": "work", "messages": PROMPTS} | fields).encode()
        head = (
            f"POST /api/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.port), source_address=(self.address, 0)) as connection:
            connection.sendall(head.encode() + body)


def tricks(client: Client) -> list:
    """One round of the worst, each with the statuses that it may earn."""
    return [
        (lambda: client.chat(provider={"only": ["nobody-serves-this"], "allow_fallbacks": False}), {200, 404}),
        (lambda: client.chat(provider={"order": 7}), {200, 400}),  # unknown shapes are upstream's to judge
        (lambda: client.chat(max_tokens=2_000_000_000), {400, 402, 503}),
        (lambda: client.chat(max_tokens=100_000), {400}),
        (lambda: client.chat(model="sim/moderation"), {403}),
        (lambda: client.chat(model="sim/guardrail"), {403}),
        (lambda: client.chat(model="sim/status-403"), {502}),
        (lambda: client.chat(model="sim/status-402"), {503}),
        (lambda: client.chat(model="sim/no-endpoints"), {200, 404}),
        *[(lambda: client.chat(model=f"made-up/{next(NUMBERS)}"), {200, 404})] * 5,
        (lambda: client.broken(), {400}),
        (lambda: client.chat(messages="not a list"), {400}),
        (lambda: client.hang_up(), None),
        (lambda: client.hang_up(stream=True), None),
    ]


NUMBERS = itertools.count()


@pytest.fixture
def held(tmp_path):
    with Held(tmp_path, CONFIG) as pair:
        yield pair


def attack(client: Client) -> list[str]:
    """What did not end as it should have."""
    wrong = []
    for number, (trick, statuses) in enumerate(tricks(client)):
        answer = trick()
        if statuses is not None and answer.status_code not in statuses:
            wrong.append(f"trick {number}: {answer.status_code} {answer.text}")
    return wrong


def work(client: Client, stop: threading.Event) -> list[httpx.Response]:
    """Steady calls, plain and streamed in turns, until told to stop."""
    answers = []
    while not stop.is_set():
        answers.append(client.chat(max_tokens=20, stream=len(answers) % 2 == 1))
    return answers


def is_whole(response: httpx.Response) -> bool:
    if response.status_code != 200:
        return False
    if response.headers["content-type"].startswith("text/event-stream"):
        return sse_events(response.text)[-1] == "[DONE]"
    return bool(response.json()["choices"][0]["message"]["content"])


def is_open_for_all(name: tuple[str, str], breaker: dict) -> bool:
    """A model that does not exist is nobody's loss: that it is gone may be kept for all."""
    gone = name[1].startswith("made-up/") and breaker["reason"] == "gone" if breaker["state"] != "closed" else True
    return not gone and not breaker["for_one_client"]


def test_what_one_client_breaks_is_its_own(held):
    mark = held.begin(ANSWERS)
    hostile, others = Client(held, HOSTILE), [Client(held, address) for address in OTHERS]
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=len(others)) as pool:
        working = [pool.submit(work, client, stop) for client in others]
        try:
            for _ in range(STEPS):
                assert attack(hostile) == []
                held.advance(SECONDS / STEPS)
                told = held.gateway.breakers()
                assert [name for name, each in told.items() if is_open_for_all(name, each)] == []
        finally:
            stop.set()
        answers = [answer for each in working for answer in each.result()]
    assert len(answers) >= 2 * STEPS
    assert [answer.text for answer in answers if not is_whole(answer)] == [], "no call of others is lost"
    assert {answer.headers["x-gantry-attempts"] for answer in answers} == {"1"}, "nor does one have to be made twice"
    assert {answer.headers["x-gantry-model"] for answer in answers} == {PRIMARY}
    assert all(each["state"] == "closed" for (scope, _), each in told.items() if scope in ("key", "upstream"))
    served = [attempt for attempt in mark.attempts() if attempt["model"] == PRIMARY and attempt["status"] == 200]
    assert len(served) >= len(answers), "each answer was upstream's own"
    assert held.gateway.chat(model="work", max_tokens=5).status_code == 200
