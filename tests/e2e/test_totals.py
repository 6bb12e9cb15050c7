"""What OpenRouter charged to a key that nobody here spent: `gantry usage --unexplained` says it to the last digit."""

import json
import re
from decimal import Decimal

import pytest
from harness import secrets
from harness.control import Control
from harness.gateway import QUICK
from harness.money import Books, Caller, bill, wait_quiet
from harness.simulator import Simulator
from harness.waiting import wait_for

NINE = 1_790_067_600  # 2026-09-22T09:00:00Z
HOUR = 3600
TODAY, TOMORROW = "2026-09-22", "2026-09-23"
CONFIG = "fallback_for_plain_ids = false\n" + QUICK + "[routes.default]\nretries = 0\n"
TURBO = "openai/gpt-4-turbo"


class Watched:
    """A gateway with its clock held, and what it says of its one key."""

    def __init__(self, books: Books, moment: int = NINE):
        self.books, self.control = books, Control(wall_seconds=moment)
        books.start(environment=self.control.environment)
        wait_for(lambda: books.gateway.metrics()["gantry_catalogue_models"] or self.control.advance(1.1), "the catalogue")
        wait_for(lambda: self._metric("usage_usd") is not None or self.control.advance(1.1), "the first look")

    def _metric(self, name: str) -> float | None:
        return self.books.gateway.metrics().get(f'gantry_upstream_key_{name}{{key="key-1"}}')

    def look(self, times: int = 2) -> None:
        """Until OpenRouter has told of the key anew, twice: what nobody explains for a look's time is unexplained."""
        for _ in range(times):
            self.control.advance(75)
            wait_for(lambda: (self._metric("told_age_seconds") or 0) <= 3 or self.control.advance(0.5), "another look")
            self.control.advance(0.2)

    def rows(self) -> dict[str, dict[str, Decimal]]:
        """By day, as the command says, from the first to the last of the month."""
        text = self.books.command("usage", "--unexplained", "--from", "2026-09-01", "--to", "2026-09-30", "--format", "json")
        assert text.returncode == 0, text.stderr
        rows = json.loads(text.stdout)["data"]["rows"]
        assert all(row["upstream_key"] == "key-1" for row in rows)
        return {row["day"]: {name: Decimal(row[name]) for name in ("told", "booked", "unexplained")} for row in rows}

    def wait_row(self, day: str, **expected: Decimal) -> None:
        wait_for(
            lambda: {name: self.rows().get(day, {}).get(name) for name in expected} == expected,
            f"{expected} on {day}; there is {self.rows()}",
        )

    def call(self) -> int:
        return self.books.gateway.chat(TURBO, max_tokens=20).status_code

    def events(self) -> list[dict[str, str]]:
        lines = [line for line in self.books.gateway.process.log if re.search(r"Z warn unexplained ", line)]
        return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in lines]

    def stop(self) -> None:
        self.books.stop()
        self.control.close()


@pytest.fixture
def simulator(tmp_path):
    with Simulator(tmp_path) as process:
        yield process


@pytest.fixture
def books(simulator, tmp_path):
    with Books(tmp_path / "gantry", simulator, CONFIG) as made:
        yield made


def strangers_spend(simulator: Simulator, usd: str) -> None:
    simulator.http.post("/sim/spend", json={"usd": usd}).raise_for_status()


def test_nothing_is_unexplained_where_nobody_else_spends(books, simulator):
    watched = Watched(books)
    assert watched.rows() == {}, "one look is none to compare with"
    caller = Caller(books.gateway.url, books.make_key()[1])
    for _ in range(3):
        assert caller.plain(TURBO, 20).status_code == 200
        assert caller.stream(TURBO, 20)[0] == 200
    caller.stream("sim/stall-mid-stream", leave_after=1)
    assert caller.plain("sim/no-usage").status_code == 200
    caller.close()
    wait_quiet(simulator)
    watched.look(times=1)
    assert watched.rows()[TODAY]["unexplained"] == 0, "what is under way or pending is no stranger's"
    wait_for(lambda: not books.unsettled() or watched.control.advance(1), "all costs to be told")
    watched.look()
    charged = bill(simulator)
    assert charged > 0
    watched.wait_row(TODAY, told=charged, booked=charged, unexplained=Decimal(0))
    assert watched.events() == []
    watched.stop()


def test_a_strangers_dollars_are_told_also_those_spent_while_nobody_looked(books, simulator):
    watched = Watched(books)
    assert watched.call() == 200
    strangers_spend(simulator, "0.05")
    wait_quiet(simulator)
    watched.look()
    watched.wait_row(TODAY, told=bill(simulator) + Decimal("0.05"), booked=bill(simulator), unexplained=Decimal("0.05"))
    assert watched.events() == [], "little enough"
    strangers_spend(simulator, "0.2000000001")
    watched.look()
    watched.wait_row(TODAY, unexplained=Decimal("0.2500000001"))
    told = wait_for(watched.events, "the event")
    assert told[0]["key"] == "key-1" and told[0]["day"] == TODAY and told[0]["unexplained_usd"] == "0.2500000001"
    strangers_spend(simulator, "1")
    watched.look()
    watched.wait_row(TODAY, unexplained=Decimal("1.2500000001"))
    assert len(watched.events()) == 1, "once a day"
    table = books.command("usage", "--unexplained", "--from", TODAY, "--to", TODAY).stdout
    assert "key-1" in table and "1.25" in table, table
    watched.stop()

    strangers_spend(simulator, "2")
    watched = Watched(books, NINE + HOUR)
    watched.look(times=1)
    watched.wait_row(TODAY, unexplained=Decimal("3.2500000001"))
    assert watched.events() == [], "told today"
    watched.control.advance(24 * HOUR)
    strangers_spend(simulator, "4")
    watched.look()
    wait_for(lambda: TOMORROW in watched.rows(), "another day")
    assert sum(row["unexplained"] for row in watched.rows().values()) == Decimal("7.2500000001")
    watched.stop()


def test_a_failure_that_upstream_bills_all_the_same_shows_up(books, simulator):
    watched = Watched(books)
    simulator.script(f"model {TURBO} answers status=502;billed-failure\n")
    assert watched.call() == 502 or watched.call() == 503
    simulator.script("")
    wait_quiet(simulator)
    charged = bill(simulator)
    assert charged > 0
    watched.look()
    wait_for(lambda: watched.rows().get(TODAY, {}).get("unexplained"), "what nobody explains")
    row = watched.rows()[TODAY]
    assert row["told"] == charged
    assert row["booked"] + row["unexplained"] == charged and row["unexplained"] > 0, row
    watched.stop()


def test_a_key_that_others_use_too_is_not_compared(simulator, tmp_path):
    shared = CONFIG + '[upstream]\nkeys = [{ env = "SHARED_KEY", exclusive = false }]\n'
    environment = {"SHARED_KEY": secrets.UPSTREAM_KEY}
    with Books(tmp_path / "gantry", simulator, shared, environment) as books:
        watched = Watched(books)
        strangers_spend(simulator, "5")
        watched.look()
        assert watched.rows() == {} and watched.events() == []
        watched.stop()
