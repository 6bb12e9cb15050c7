"""Several gateways with one ledger on PostgreSQL, and one budget for all of them."""

import os
import random
from decimal import Decimal

import httpx
import pytest
from harness.gateway import error_of
from harness.money import Books, Caller, bill, wait_quiet
from harness.money_load import Load, assert_books_are_upstreams
from harness.postgres import Postgres
from harness.process import dev_binary
from harness.simulator import Simulator
from harness.waiting import wait_for

PACE = ("--first-token", "15ms", "--tokens-per-second", "800")
CLIENTS = 12


@pytest.fixture
def postgres():
    with Postgres() as server:
        yield server


def assert_kept(books: Books, limit: Decimal, simulator: Simulator) -> None:
    """While the ledger may be away."""
    assert bill(simulator) <= limit
    try:
        now = books.window("organisation")
    except httpx.HTTPStatusError as refused:
        assert refused.response.status_code == 503, refused.response.text
        return
    assert now["settled"] + now["pending"] + now["leased"] <= limit and now["overshoot"] == 0, now


def test_three_replicas_at_the_cap_of_one_organisation(postgres, tmp_path):
    limit = Decimal("0.03")
    chance = random.Random(5)
    with (
        Simulator(tmp_path, *PACE) as simulator,
        Books(tmp_path / "one", simulator, database=postgres) as one,
        Books(tmp_path / "two", simulator, database=postgres) as two,
        Books(tmp_path / "three", simulator, database=postgres) as three,
    ):
        for each in (one, two, three):
            each.start().wait_for_catalogue()
        one.set_limits("organisation", total=str(limit))
        _, key = one.make_key()
        for each in (two, three):
            caller = Caller(each.gateway.url, key)
            wait_for(lambda caller=caller: caller.plain(tokens=50).status_code == 200, "the new key to be known everywhere")
            caller.close()
        load = Load([each.gateway.url for each in (one, two, three)], key, 3, CLIENTS)
        load.wait(400 + chance.randint(0, 300))
        assert_kept(one, limit, simulator)
        two.kill()
        load.wait(load.events + 300)
        assert_kept(one, limit, simulator)
        postgres.stop()
        load.wait(load.events + 50)
        assert_kept(one, limit, simulator)
        postgres.start()
        wait_for(lambda: one.gateway.http.get("/health").status_code == 200, "the gateway to live")
        load.wait_status(402)
        assert_kept(one, limit, simulator)
        load.end()
        two.start().wait_for_catalogue()
        second = Load([each.gateway.url for each in (one, two, three)], key, 4, CLIENTS)
        second.wait_status(402, 20)
        second.end()
        wait_quiet(simulator)
        settled, waiting, count = assert_books_are_upstreams([one, two, three], simulator, load.told | second.told, CLIENTS)
        for each in (one, two, three):
            now = each.window("organisation")
            assert (now["settled"], now["pending"], now["overshoot"]) == (settled, waiting, 0), now
        assert_kept(one, limit, simulator)
        # What is left can still be had, from whoever is asked, once the others have given back what they do not need.
        left = limit - settled - waiting
        caller = Caller(three.gateway.url, key)
        error_of(caller.plain(tokens=100_000), 402)
        if left > Decimal("0.0003"):
            wait_for(lambda: caller.plain(tokens=50).status_code == 200, "idle leases to come back", 60)
        caller.close()
        print(
            f"three replicas: {load.statuses} and then {second.statuses}; settled {settled}, {count} pending at {waiting} "
            f"of {limit}, upstream charged {bill(simulator)}"
        )
        for each in (three, two, one):
            each.stop()
        assert postgres.rows("SELECT count(*) FROM holders WHERE ended IS NULL") == [("0",)]
        assert postgres.rows("SELECT name, number FROM meta WHERE name IN ('gaps', 'strays') AND number <> 0") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give two processes different folders under one path")
def test_replicas_on_two_machines_may_have_their_state_at_the_same_path(postgres, tmp_path):
    """Each machine calls it /var/lib/gantry: a start on one is not the end of the other."""
    place = tmp_path / "var-lib-gantry"
    place.mkdir(mode=0o700)
    with Simulator(tmp_path, *PACE) as simulator:
        machines = []
        for name in ("first", "second"):
            own = tmp_path / name / "disk"
            own.mkdir(parents=True, mode=0o700)
            program = tmp_path / name / "gantry"
            program.write_text(
                f"#!/bin/sh\nexec unshare -m sh -c 'mount --bind {own} {place} && exec {dev_binary()} \"$@\"' gantry \"$@\"\n"
            )
            program.chmod(0o755)
            machines.append(
                Books(
                    tmp_path / name,
                    simulator,
                    environment={"STATE_DIRECTORY": str(place)},
                    database=postgres,
                    program=program,
                )
            )
        first, second = machines
        with first, second:
            first.start().wait_for_catalogue()
            account, key = first.make_key(total="0.01")
            caller = Caller(first.gateway.url, key)
            assert caller.plain(tokens=50).status_code == 200
            alive = "SELECT holder FROM holders WHERE ended IS NULL ORDER BY holder"
            before = postgres.rows(alive)
            second.start().wait_for_catalogue()
            after = postgres.rows(alive)
            assert len(after) == 2 and after[0] == before[0], f"the second start ended the first: {before}, {after}"
            caller.close()
