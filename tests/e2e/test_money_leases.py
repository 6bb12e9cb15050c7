"""What several gateways on one ledger own of one budget: what lies idle is had before anybody is refused, whatever their clocks
say, and what one still owns that is gone is told of until it is explained."""

import contextlib
import datetime
import json
import threading
from decimal import Decimal

import httpx
import pytest
from harness.control import Control
from harness.gateway import error_of
from harness.money import ADMIN, Books, Caller, bill, wait_quiet
from harness.postgres import Postgres
from harness.simulator import Simulator
from harness.waiting import wait_for

DEAR = 20_000  # tokens: a call that holds more than half of LIMIT
LIMIT = Decimal("0.05")


@pytest.fixture
def postgres():
    with Postgres() as server:
        yield server


class Replica:
    """A gateway with one client, on a clock that the test moves."""

    def __init__(self, folder, simulator, postgres, control: Control | None = None):
        self.control = control
        self.books = Books(folder, simulator, database=postgres, environment=control.environment if control else None)

    def start(self) -> "Replica":
        gateway = self.books.start()
        wait_for(lambda: self.pass_time(0.2) and gateway.metrics()["gantry_catalogue_models"], "the catalogue")
        return self

    def pass_time(self, seconds: float) -> bool:
        if self.control:
            self.control.advance(seconds)
        return True

    def call(self, key: str, tokens: int = 50):
        caller = Caller(self.books.gateway.url, key)
        try:
            return caller.plain(tokens=tokens)
        finally:
            caller.close()

    def known(self, key: str) -> "Replica":
        wait_for(lambda: self.pass_time(0.2) and self.call(key).status_code == 200, "the key to be known")
        return self


@contextlib.contextmanager
def running(*of: Replica):
    """Their clocks go on by themselves, so that what waits for another gateway waits for its time to pass, too."""
    over = threading.Event()
    controls = [each.control for each in of]
    for each in of:
        each.control = None

    def run():
        while not over.wait(0.02):
            for control in controls:
                control.advance(0.1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def leave_quietly(caller: Caller, heard: threading.Event) -> None:
    with contextlib.suppress(httpx.TransportError):
        caller.stream(tokens=DEAR, heard=heard.set)


@contextlib.contextmanager
def replicas(tmp_path, simulator, postgres, *controls):
    with contextlib.ExitStack() as stack:
        made = []
        for n, control in enumerate(controls):
            replica = Replica(tmp_path / f"replica-{n}", simulator, postgres, control)
            stack.enter_context(replica.books)
            made.append(replica.start())
        yield made


def leases(books: Books) -> dict[int, dict]:
    told = books.gateway.http.get("/admin/v1/usage/leases", headers=ADMIN).raise_for_status().json()
    return {row["holder"]: row for row in told["data"]["rows"]}


def test_no_call_is_refused_for_what_lies_idle_elsewhere(postgres, tmp_path):
    with Simulator(tmp_path) as simulator, replicas(tmp_path, simulator, postgres, None, None) as (one, two):
        account, key = one.books.make_key(total=str(LIMIT))
        one.known(key), two.known(key)
        for n in range(12):
            asked, other = (one, two) if n % 2 else (two, one)
            # Who has just called still owns what its call held and did not cost; the next one asks elsewhere.
            answer = asked.call(key, DEAR)
            assert answer.status_code == 200, (n, answer.text, leases(other.books))
        [(recalls,)] = postgres.rows("SELECT number FROM meta WHERE name = 'last_recall'")
        assert int(recalls) > 0, "nothing had to be asked back"
        wait_quiet(simulator)
        wait_for(lambda: one.books.used() == bill(simulator), "all to be booked")
        window = one.books.window(account)
        assert window["settled"] == bill(simulator) and window["settled"] + window["leased"] <= LIMIT
        # What is left can be had to the last call from either, and then both say no.
        dear = 2 * DEAR
        for asked in (one, two):
            error_of(asked.call(key, dear), 402)


def midnight_after(postgres: Postgres) -> float:
    [(now,)] = postgres.rows("SELECT extract(epoch FROM clock_timestamp())")
    return (float(now) // 86_400 + 1) * 86_400


def test_clocks_that_are_apart_charge_to_the_days_of_the_ledger(postgres, tmp_path):
    """One clock is before a midnight and the other behind it, five seconds apart, and both are hours ahead of the ledger's."""
    midnight = midnight_after(postgres)
    with (
        Control(wall_seconds=midnight - 2.5) as before,
        Control(wall_seconds=midnight + 2.5) as behind,
        Simulator(tmp_path) as simulator,
        replicas(tmp_path, simulator, postgres, before, behind) as (one, two),
        running(one, two),
    ):
        account, key = one.books.make_key(daily=str(LIMIT))
        one.known(key), two.known(key)
        for _ in range(5):
            for each in (one, two):
                assert each.call(key).status_code == 200
        wait_quiet(simulator)
        wait_for(lambda: one.books.window(account, "daily")["settled"] == bill(simulator), "both to have charged to one day")
        rows = postgres.rows("SELECT DISTINCT day FROM usage")
        if midnight_after(postgres) == midnight:  # else the test itself ran over it
            assert rows == [(str(int(midnight // 86_400) - 1),)], rows
        # One limit for both, whatever day they think it is.
        one.books.set_limits(account, daily=str(bill(simulator) + Decimal("0.0000001")))
        for each in (one, two):
            wait_for(lambda each=each: each.call(key).status_code == 402, "the new limit")
            assert datetime.datetime.fromtimestamp(midnight, datetime.UTC).strftime("%Y-%m-%d") in each.call(key).text


def test_nothing_is_granted_from_a_lease_whose_heart_was_not_heard(postgres, tmp_path):
    with (
        Control() as control,
        Simulator(tmp_path) as simulator,
        replicas(tmp_path, simulator, postgres, control) as (one,),
    ):
        account, key = one.books.make_key(total=str(LIMIT))
        one.known(key)
        assert one.call(key, DEAR).status_code == 200
        before = bill(simulator)
        postgres.stop()
        assert one.call(key).status_code == 200, "its lease suffices"
        control.advance(13)
        error_of(one.call(key), 503)
        assert bill(simulator) - before < Decimal("0.001"), "nothing was sent"
        postgres.start()
        wait_for(lambda: one.pass_time(0.2) and one.call(key).status_code == 200, "calls to go on")
        # It was not heard of for longer than it lives, and nobody has ended it: it goes on with what it had.
        [before] = leases(one.books)
        postgres.rows("UPDATE holders SET lives_until = 0 WHERE ended IS NULL")
        assert leases(one.books)[before]["gone"]
        wait_for(lambda: one.pass_time(0.2) and not leases(one.books)[before]["gone"], "its heart to beat again")
        assert [*leases(one.books)] == [before] and one.call(key, DEAR).status_code == 200
        wait_quiet(simulator)
        wait_for(lambda: one.pass_time(0.2) and one.books.used() == bill(simulator), "all to be booked")
        assert one.books.window(account)["settled"] <= LIMIT


def test_what_a_gateway_still_owns_that_is_gone_is_told_until_it_is_explained(postgres, tmp_path):
    with Simulator(tmp_path) as simulator, replicas(tmp_path, simulator, postgres, None, None) as (one, two):
        account, key = one.books.make_key(total=str(LIMIT))
        one.known(key), two.known(key)
        [lost] = [number for number, row in leases(one.books).items() if row["state_id"] == (two.books.state / "id").read_text()]
        mark = simulator.mark()
        simulator.script("answers stall-mid=600s;after=3")
        caller = Caller(two.books.gateway.url, key)
        heard = threading.Event()
        stuck = threading.Thread(target=lambda: leave_quietly(caller, heard), daemon=True)
        stuck.start()
        assert heard.wait(30) and len(mark.attempts()) == 1
        simulator.script("")
        wait_for(lambda: leases(one.books)[lost]["open"]["attempts"] == 1, "it to be in the ledger")
        two.books.kill()
        stuck.join(30)
        caller.close()
        told = json.loads(one.books.command("usage", "--format", "json").stdout)["data"]
        assert told["gone"] == [], "its lease has not ended yet"
        early = one.books.command("ledger", "end", str(lost))
        assert early.returncode == 2 and "is alive" in early.stderr, early
        wait_for(lambda: leases(one.books)[lost]["gone"], "its lease to end", 40)
        owned = Decimal(leases(one.books)[lost]["leased"])
        assert owned > 0 and leases(one.books)[lost]["open"]["attempts"] == 1
        page = one.books.command("usage").stdout
        assert f"holder {lost} is gone since" in page and "comes back when gantry starts on that state directory" in page, page
        table = one.books.command("usage", "--format", "csv")
        assert "gone" not in table.stdout and f"holder {lost} is gone since" in table.stderr
        assert f"\r\n{lost},".encode() in one.books.gateway.http.get("/admin/v1/usage/leases?format=csv", headers=ADMIN).content
        # It stays counted: nobody can say that it was not spent.
        window = one.books.window(account)
        assert window["leased"] >= owned
        assert "by a gateway that is gone)" in error_of(one.call(key, DEAR), 402)["message"]
        # Its journals prove the rest: what the open call held stays, as pending, until upstream has told.
        two.start()
        assert lost not in leases(one.books)
        assert one.books.window(account)["leased"] < owned
        assert json.loads(one.books.command("usage", "--format", "json").stdout)["data"]["gone"] == []
        one.books.wait_reconciled()
        wait_quiet(simulator)
        wait_for(lambda: one.books.used() == bill(simulator), "all to be booked")
        assert one.call(key, DEAR).status_code == 200, "and what was idle can be had"


def test_a_gateway_whose_directory_is_lost_is_given_up_by_an_operator(postgres, tmp_path):
    with Simulator(tmp_path) as simulator, replicas(tmp_path, simulator, postgres, None, None) as (one, two):
        account, key = one.books.make_key(total=str(LIMIT))
        one.known(key), two.known(key)
        assert two.call(key, DEAR).status_code == 200
        [lost] = [number for number, row in leases(one.books).items() if row["state_id"] == (two.books.state / "id").read_text()]
        wait_for(lambda: one.books.used() == bill(simulator), "all to be booked")
        two.books.kill()
        wait_for(lambda: leases(one.books)[lost]["gone"], "its lease to end", 40)
        owned = leases(one.books)[lost]["leased"]
        ended = one.books.command("ledger", "end", str(lost), "--format", "json")
        assert ended.returncode == 0, ended
        assert json.loads(ended.stdout)["data"] == {"holder": lost, "given_back": owned, "made_pending": 0}
        assert lost not in leases(one.books)
        assert one.books.command("ledger", "end", str(lost)).returncode == 2
        assert one.books.window(account)["leased"] <= LIMIT
        assert one.call(key, DEAR).status_code == 200
