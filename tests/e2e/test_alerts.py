"""What somebody should hear of: events in the log, each once, whoever sees it and however often the gateway starts."""

import re

import pytest
from harness import secrets
from harness.control import Control
from harness.gateway import QUICK
from harness.money import Books, Caller, wait_quiet
from harness.simulator import Simulator
from harness.waiting import wait_for

HOUR = 3600
NINE = 1_790_067_600  # 2026-09-22T09:00:00Z, a Tuesday
CONFIG = "fallback_for_plain_ids = false\n" + QUICK + "[routes.default]\nretries = 0\n"


@pytest.fixture
def simulator(tmp_path):
    with Simulator(tmp_path) as process:
        yield process


def events(books: Books, kind: str) -> list[dict[str, str]]:
    """The fields of each event of this kind in the log, in their order."""
    lines = [line for line in books.gateway.process.log if re.search(rf"Z \w+ {kind} ", line)]
    for line in lines:
        secrets.assert_clean(line, "an event")
    return [dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line)) for line in lines]


class Spender:
    """One key, and calls that cost what a test says."""

    def __init__(self, books: Books, simulator: Simulator):
        self.books, self.simulator = books, simulator
        self.id, self.key = books.make_key()

    def spend(self, factor: int = 1) -> None:
        """A call of some $0.0006 times `factor`; returns when it is booked."""
        before = self.books.used()
        self.simulator.script(f"model * answers bill-factor={factor}\n")
        caller = Caller(self.books.gateway.url, self.key)
        assert caller.plain("openai/gpt-4-turbo", 20).status_code == 200
        caller.close()
        wait_quiet(self.simulator)
        wait_for(lambda: self.books.used() > before, "the cost to be booked")


def start_at(books: Books, moment: int) -> Control:
    """Starts the gateway with its clock held at that moment."""
    control = Control(wall_seconds=moment)
    books.start(environment=control.environment)
    control.advance(2)
    return control


def test_an_hour_that_costs_like_no_other_is_told_once_for_each_account(simulator, tmp_path):
    with Books(tmp_path / "gantry", simulator, CONFIG) as books:
        control = start_at(books, NINE)
        spender = Spender(books, simulator)
        for _ in range(24):
            spender.spend()
            control.advance(HOUR)
        spender.spend(factor=100)
        control.advance(2)
        assert events(books, "burn") == [], "less than a dollar is nobody's alarm"
        spender.spend(factor=10_000)
        told = wait_for(lambda: (control.advance(1.1), events(books, "burn"))[1], "the event")
        assert {each["hour"] for each in told} == {"2026-09-23T09:00:00Z"}
        accounts = sorted(each["account"] for each in told)
        assert len(accounts) == len(set(accounts)) == 3, "the key, its project and the organisation"
        assert all(float(each["cost_usd"]) >= 1 and float(each["usual_usd"]) < 0.01 for each in told)
        spender.spend(factor=10_000)
        control.advance(2)
        books.stop()
        control.close()

        control = start_at(books, NINE + 24 * HOUR + 600)
        spender.spend(factor=10_000)
        control.advance(2)
        assert events(books, "burn") == [], "told before the restart"
        control.advance(HOUR)
        spender.spend(factor=10_000)
        told = wait_for(lambda: (control.advance(1.1), events(books, "burn"))[1], "the event of another hour")
        assert {each["hour"] for each in told} == {"2026-09-23T10:00:00Z"}
        books.stop()
        control.close()
