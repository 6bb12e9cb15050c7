"""kill -9 at random moments: no cost is lost, none is booked twice, no budget is exceeded, and what nobody can know is listed
at its estimate. GANTRY_KILLS and GANTRY_SEED change how often and when."""

import os
import random
from decimal import Decimal

from harness.money import BARE, Books, bill, wait_quiet
from harness.money_load import Load, assert_books_are_upstreams
from harness.simulator import Simulator
from harness.waiting import wait_for

KILLS = int(os.environ.get("GANTRY_KILLS", "10"))
SEED = int(os.environ.get("GANTRY_SEED", "11"))
CLIENTS = 16
PACE = ("--first-token", "15ms", "--tokens-per-second", "800")
ASSUMES = BARE + '[ledger]\npending_for = "1s"\n'


def test_killed_at_random_moments_under_load(tmp_path):
    chance = random.Random(SEED)
    limit = Decimal("0.004") * KILLS
    told: dict[str, Decimal] = {}
    statuses: dict[int, int] = {}
    with Simulator(tmp_path, *PACE) as simulator, Books(tmp_path / "gantry", simulator) as books:
        books.start().wait_for_catalogue()
        account, key = books.make_key(total=str(limit))
        for run in range(KILLS):
            moment = chance.randint(1, 500)
            load = Load([books.gateway.url], key, SEED + run, CLIENTS)
            load.wait(moment)
            books.kill()
            load.end()
            told |= load.told
            for status, count in load.statuses.items():
                statuses[status] = statuses.get(status, 0) + count
            books.start().wait_for_catalogue()
            now = books.window(account)
            assert now["settled"] + now["pending"] + now["leased"] <= limit and now["overshoot"] == 0, now
            assert bill(simulator) <= limit
        wait_quiet(simulator)
        settled, waiting, count = assert_books_are_upstreams([books], simulator, told, CLIENTS * KILLS)
        now = books.window(account)
        assert (now["settled"], now["pending"], now["overshoot"]) == (settled, waiting, 0)
        assert settled + waiting <= limit
        print(
            f"{KILLS} kills, seed {SEED}: {statuses}, {len(told)} answers known to clients; upstream charged {bill(simulator)}, "
            f"settled {settled}, {count} pending at {waiting} of {limit}"
        )
        books.stop()
        assert [row for row in books.unsettled()] != [] or count == 0, "an orderly stop settles nothing that is not known"
        # Nobody will ever tell: after their time they are booked at their estimates, and marked.
        books.start(ASSUMES)
        wait_for(lambda: not books.unsettled(), "what nobody told to be assumed")
        assert books.used("assumed") == waiting and books.used() == settled + waiting >= bill(simulator)
        assert books.used("pending") == 0
        books.stop()
        assert books.rows("PRAGMA integrity_check") == [("ok",)]
        assert books.rows("SELECT name, number FROM meta WHERE name IN ('gaps', 'strays') AND number <> 0") == []
