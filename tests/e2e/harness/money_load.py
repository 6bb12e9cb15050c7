"""Clients that go on until they are told to stop, and what they were told that they have to pay."""

import random
import re
import threading
from decimal import Decimal

import httpx

from .money import Books, Caller, billed
from .waiting import wait_for

COST = re.compile(r'"cost":([0-9.]+)')
GENERATION = re.compile(r'"id":"(gen-[^"]+)"')


class Load:
    """`clients` threads, each with one call after the other, plain and streaming. Counts what happens, so that a moment
    can be awaited: each piece of a stream, each answer and each refusal is one event."""

    def __init__(self, urls: list[str], key: str, seed: int, clients: int = 16, tokens: int = 200):
        self.events = 0
        self.statuses: dict[int, int] = {}
        self.told: dict[str, Decimal] = {}  # by generation, of answers that arrived as a whole
        self.odd: list[str] = []
        self._key, self._tokens = key, tokens
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(urls[n % len(urls)], random.Random(f"{seed}-{n}")), daemon=True)
            for n in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, moment: int, limit: float = 60) -> None:
        wait_for(lambda: self.events >= moment, f"event {moment}, after {self.statuses}", limit)

    def wait_status(self, status: int, more: int = 1) -> None:
        """Until so many more answers of that status have come."""
        before = self.statuses.get(status, 0)
        wait_for(lambda: self.statuses.get(status, 0) >= before + more, f"{more} more {status}, after {self.statuses}", 60)

    def end(self) -> "Load":
        self._over.set()
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive(), "a client is still waiting"
        assert not self.odd, self.odd[:3]
        return self

    def _event(self) -> None:
        with self._lock:
            self.events += 1

    def _run(self, url: str, chance: random.Random) -> None:
        caller = Caller(url, self._key)
        while not self._over.is_set():
            stream = chance.random() < 0.5
            try:
                status, text = self._call(caller, stream)
            except httpx.TransportError:
                self._note(0, "", False)
                self._over.wait(0.05)  # nobody is there, or not yet
                continue
            self._note(status, text, "[DONE]" in text or not stream)
            if status in (402, 503):
                self._over.wait(0.02)  # a client that is turned down does not ask without a pause
        caller.close()

    def _call(self, caller: Caller, stream: bool) -> tuple[int, str]:
        if stream:
            return caller.stream(tokens=self._tokens, heard=self._event)
        answer = caller.plain(tokens=self._tokens)
        return answer.status_code, answer.text

    def _note(self, status: int, text: str, whole: bool) -> None:
        with self._lock:
            self.events += 1
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status not in (0, 200, 402, 503):
                self.odd.append(text)
            cost, generation = COST.search(text), GENERATION.search(text)
            if status == 200 and whole and cost and generation:
                self.told[generation.group(1)] = Decimal(cost.group(1))


def assert_books_are_upstreams(books: list[Books], simulator, told: dict[str, Decimal], estimates: int) -> tuple:
    """What must be true once upstream is quiet. Of one ledger, though `books` are several that share it.

    - Every attempt whose generation was ever named to the gateway is settled once, at exactly what upstream charged.
    - So is every answer that a client has received as a whole.
    - What was charged beyond that belongs to attempts that died before they had a name: there is one attempt that is
      pending for each, at an estimate that is not less. There are at most `estimates` of these in all.
    - The ledger's sums are the sums of those rows.

    Returns what is settled, what is pending, and how many are pending."""
    ledger = books[0]
    wait_for(lambda: not [name for name, _ in ledger.unsettled() if name], "all that was named to be told", 90)
    costs = [(name, cost) for name, cost, _ in ledger.costs()]
    named = dict((name, cost) for name, cost in costs if name)
    assert len(named) == len([name for name, _ in costs if name]), "a generation was booked twice"
    assert all(cost == 0 for name, cost in costs if not name), "an attempt without a name has a cost that nobody told"
    charged = billed(simulator)
    assert {name: cost for name, cost in named.items() if cost} == {n: c for n, c in charged.items() if n in named}
    lost = {name: (cost, named.get(name)) for name, cost in told.items() if named.get(name) != cost}
    assert not lost, f"what clients were told is not what is booked: {lost}"
    unnamed = sorted(cost for name, cost in charged.items() if name not in named)
    pending = sorted(estimate for _, estimate in ledger.unsettled())
    assert len(unnamed) <= len(pending) <= estimates, (unnamed, pending)
    assert all(estimate > 0 for estimate in pending)
    assert all(cost <= estimate for cost, estimate in zip(reversed(unnamed), reversed(pending), strict=False))
    settled, waiting = sum(named.values(), Decimal(0)), sum(pending, Decimal(0))
    assert (ledger.used("cost"), ledger.used("pending")) == (settled, waiting)
    assert settled + sum(unnamed, Decimal(0)) == sum(charged.values(), Decimal(0))
    return settled, waiting, len(pending)
