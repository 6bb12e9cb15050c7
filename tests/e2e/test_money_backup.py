"""gantry ledger backup, restore and check, with the gateway that the ledger belongs to."""

import json
import stat
from decimal import Decimal

from harness.money import Books, Caller, bill, billed, wait_quiet
from harness.money_load import Load
from harness.postgres import Postgres
from harness.simulator import Simulator
from harness.waiting import wait_for

PACE = ("--first-token", "15ms", "--tokens-per-second", "800")
CLIENTS = 8


def checked(books: Books) -> str:
    told = books.command("ledger", "check")
    assert (told.returncode, told.stderr) == (0, ""), told
    return told.stdout


def copied(books: Books, name: str):
    file = books.folder / name
    told = books.command("ledger", "backup", str(file), "--format", "json")
    assert told.returncode == 0, told
    data = json.loads(told.stdout)["data"]
    assert data["bytes"] == file.stat().st_size and stat.S_IMODE(file.stat().st_mode) == 0o600
    return file, data["whole"], told.stderr


def restored(books: Books, file) -> dict:
    told = books.command("ledger", "restore", str(file), "--format", "json")
    assert told.returncode == 0, told
    return json.loads(told.stdout)["data"]


def test_a_backup_under_load_is_restored_and_the_journals_tell_the_rest_once(tmp_path):
    with Simulator(tmp_path, *PACE) as simulator, Books(tmp_path / "gantry", simulator) as books:
        books.start().wait_for_catalogue()
        account, key = books.make_key(total="5")
        caller = Caller(books.gateway.url, key)
        assert caller.plain().status_code == 200
        before = bill(simulator)
        load = Load([books.gateway.url], key, 3, CLIENTS)
        load.wait(200)
        file, whole, said = copied(books, "copy.db")
        assert whole and not said
        assert "agree" in checked(books)
        load.wait(load.events + 200)
        books.kill()
        load.end()
        caller.close()
        wait_quiet(simulator)
        assert "agree" in checked(books), "a ledger whose gateway was killed can be looked at"
        _, whole, said = copied(books, "later.db")
        assert not whole and "journals" in said
        data = restored(books, file)
        assert data["kept"] == f"{books.state}/ledger.db.replaced" and data["journal_files"] > 0 and not data["wrong"]
        beyond = Decimal(data["beyond"]["cost"])
        assert data["beyond"]["attempts"] > 0 and beyond > 0, data
        books.start().wait_for_catalogue()
        wait_for(lambda: not [name for name, _ in books.unsettled() if name], "all that was named to be told", 60)
        named = {name: cost for name, cost, _ in books.costs() if name}
        charged = billed(simulator)
        assert {name: cost for name, cost in named.items() if cost} == {n: c for n, c in charged.items() if n in named}
        # The journals of a run that wrote less than a segment still tell all of it.
        assert load.told.items() <= named.items()
        assert before < books.used() == sum(named.values()) <= bill(simulator)
        window = books.window(account)
        assert (window["settled"], window["overshoot"]) == (books.used(), 0), window
        assert "agree" in checked(books)
        refused = books.command("ledger", "restore", str(file))
        assert refused.returncode == 1 and f"is locked by process {books.gateway.process.pid}" in refused.stderr
        print(f"{data['beyond']} came back from {data['journal_files']} journal files; {load.statuses}")
        books.stop()


def test_an_older_backup_than_the_last_two_starts(tmp_path):
    """The journals have the number of a holder that the backup does not know."""
    with Simulator(tmp_path, *PACE) as simulator, Books(tmp_path / "gantry", simulator) as books:
        books.start().wait_for_catalogue()
        _, key = books.make_key()
        file, _, _ = copied(books, "copy.db")
        books.stop()
        books.start().wait_for_catalogue()
        caller = Caller(books.gateway.url, key)
        assert [caller.plain().status_code for _ in range(5)] == [200] * 5
        caller.close()
        wait_quiet(simulator)
        wait_for(lambda: books.used() == bill(simulator), "all to be booked")
        books.kill()
        assert restored(books, file)["beyond"]["attempts"] == 5
        books.start().wait_for_catalogue()
        assert books.used() == bill(simulator)
        assert "agree" in checked(books)
        # What ended in order has no journals: the file that was kept is all that knows of it.
        books.stop()
        data = restored(books, file)
        assert data["kept"].endswith(".replaced-2") and data["journal_files"] == 0
        assert Decimal(data["beyond"]["cost"]) == bill(simulator)
        books.start().wait_for_catalogue()
        assert books.used() == 0
        books.stop()
        assert restored(books, data["kept"])["beyond"]["attempts"] == -5
        books.start().wait_for_catalogue()
        assert books.used() == bill(simulator)


def test_what_is_wrong_is_one_line_each(tmp_path):
    with Simulator(tmp_path) as simulator, Books(tmp_path / "gantry", simulator) as books:
        books.start().wait_for_catalogue()
        _, key = books.make_key()
        caller = Caller(books.gateway.url, key)
        assert caller.plain().status_code == 200
        caller.close()
        wait_for(lambda: books.used() == bill(simulator), "it to be booked")
        books.meddle("UPDATE spend SET settled = settled + 1 WHERE account = 1")
        told = books.command("ledger", "check")
        assert told.returncode == 1 and told.stdout.count("settled is") == len(told.stdout.splitlines()) == 4, told
        listed = books.command("ledger", "check", "--format", "json")
        assert listed.returncode == 1 and json.loads(listed.stdout)["data"]["wrong"] == told.stdout.splitlines()


def test_a_ledger_in_postgresql_is_checked_and_left_to_its_own_tools(tmp_path):
    with Postgres() as postgres, Simulator(tmp_path) as simulator, Books(tmp_path / "gantry", simulator, database=postgres) as books:
        books.start().wait_for_catalogue()
        assert "agree" in checked(books)
        told = books.command("ledger", "backup", str(tmp_path / "copy.db"))
        assert told.returncode == 2 and "pg_dump" in told.stderr and not (tmp_path / "copy.db").exists()
