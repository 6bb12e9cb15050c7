"""The clock steps back, and a day ends, while calls are under way: the sums still agree."""

import threading
from decimal import Decimal

import pytest
from harness.control import Control
from harness.money import Books, Caller, bill, wait_quiet
from harness.simulator import Simulator
from harness.waiting import wait_for

DAY = 86_400
MIDNIGHT = 1_790_035_200  # 2026-09-22, a Tuesday
HOUR = 3600
CALLS = 24
LIMIT = Decimal("0.02")  # a day


def wait_for_catalogue(books: Books, control: Control) -> int:
    """Returns how many seconds have passed."""
    passed = 0

    def come():
        nonlocal passed
        control.advance(1)
        passed += 1
        return books.gateway.metrics()["gantry_catalogue_models"]

    wait_for(come, "the catalogue")
    return passed


class Wave:
    """Calls that upstream keeps waiting in the middle, so that they are under way until they are all let go."""

    def __init__(self, books: Books, simulator: Simulator, key: str):
        self._books, self._simulator = books, simulator
        mark = simulator.mark()
        simulator.script("answers stall-mid=2s;after=3;tokens=40")
        self.statuses: list[int] = []
        self._threads = [threading.Thread(target=self._call, args=(key, n % 2 == 0), daemon=True) for n in range(CALLS)]
        for thread in self._threads:
            thread.start()
        wait_for(lambda: len(mark.attempts()) == CALLS, "all calls to be under way")
        assert any(each["ended_ms"] is None for each in mark.attempts())

    def _call(self, key: str, stream: bool) -> None:
        caller = Caller(self._books.gateway.url, key)
        status = caller.stream()[0] if stream else caller.plain().status_code
        self.statuses.append(status)
        caller.close()

    def end(self) -> None:
        for thread in self._threads:
            thread.join(60)
        assert self.statuses == [200] * CALLS, self.statuses
        self._simulator.script("")
        wait_quiet(self._simulator)


def call_on(books: Books, simulator: Simulator, key: str, count: int) -> None:
    caller = Caller(books.gateway.url, key)
    for _ in range(count):
        assert caller.plain().status_code == 200
    caller.close()
    wait_quiet(simulator)


def assert_agree(books: Books, simulator: Simulator, account: str) -> None:
    charged = bill(simulator)
    wait_for(lambda: books.used() == charged, f"the ledger to say {charged}")
    assert books.used("pending") == 0 and not books.unsettled()
    total = books.window(account, "total")
    assert total["settled"] == charged and total["pending"] == 0 and total["overshoot"] == 0, total


def test_a_day_that_ends_while_calls_are_under_way(tmp_path):
    with (
        Control(wall_seconds=MIDNIGHT - HOUR) as control,
        Simulator(tmp_path) as simulator,
        Books(tmp_path / "gantry", simulator, environment=control.environment) as books,
    ):
        books.start()
        control.advance(HOUR - 2 - wait_for_catalogue(books, control))
        account, key = books.make_key(daily=str(LIMIT))
        wave = Wave(books, simulator, key)
        control.advance(4)
        assert books.window(account, "daily")["settled"] == 0, "a new day has begun, with nothing spent"
        wave.end()
        yesterday = bill(simulator)
        call_on(books, simulator, key, 5)
        assert_agree(books, simulator, account)
        # What began before midnight is that day's, whenever it ended.
        days = {row["day"]: Decimal(row["cost"]) for row in books.usage(by="day")}
        assert days == {"2026-09-21": yesterday, "2026-09-22": bill(simulator) - yesterday}
        today = books.window(account, "daily")
        assert today["settled"] == days["2026-09-22"] and today["settled"] + today["leased"] <= LIMIT


@pytest.mark.parametrize("again", [False, True], ids=["while it runs", "over a restart"])
def test_a_clock_that_steps_back_an_hour_under_load(tmp_path, again):
    """Ten minutes after midnight, so that it is yesterday again: what was spent today stays spent."""
    with (
        Control(wall_seconds=MIDNIGHT + 600) as control,
        Control(wall_seconds=MIDNIGHT + 700 - HOUR) as earlier,
        Simulator(tmp_path) as simulator,
        Books(tmp_path / "gantry", simulator) as books,
    ):
        books.start(environment=control.environment)
        wait_for_catalogue(books, control)
        account, key = books.make_key(daily=str(LIMIT))
        wave = Wave(books, simulator, key)
        if again:
            wave.end()
            control.advance(2)
            wait_for(lambda: books.used() == bill(simulator), "all to be booked")
            books.kill()
            books.start(environment=earlier.environment)
            wait_for_catalogue(books, earlier)
        else:
            control.step(-HOUR)
            control.advance(2)
            wave.end()
        before = bill(simulator)
        call_on(books, simulator, key, 10)
        (earlier if again else control).advance(2)
        assert_agree(books, simulator, account)
        today = books.window(account, "daily")
        assert today["settled"] == bill(simulator) > before, "an hour that comes again brings no second budget"
        assert [row["day"] for row in books.usage(by="day", to="2026-09-30")] == ["2026-09-22"]
