"""What can happen to a state directory: somebody else has it, it cannot be written, what is in it was damaged, its disk is
full. Each time: a clear word, nothing lost, and it goes on when the cause is gone."""

import contextlib
import os
import sqlite3
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from harness.money import Books, Caller, bill, billed, wait_quiet
from harness.process import Process, dev_binary
from harness.secrets import UPSTREAM_KEY
from harness.simulator import Simulator
from harness.waiting import wait_for

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@pytest.fixture
def books(tmp_path):
    with Simulator(tmp_path) as simulator, Books(tmp_path / "gantry", simulator) as own:
        yield own


@contextlib.contextmanager
def mounted(where: Path, options: str):
    where.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=0700,{options}", "tmpfs", where], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", where], check=True)


def refused_start(books: Books) -> tuple[int, str]:
    """The exit code of a start that fails, and what it said."""
    process = Process(
        [dev_binary(), "serve", "--config", books.folder / "gantry.toml", "--listen", "127.0.0.1:0"],
        books.folder,
        {"OPENROUTER_API_KEY": UPSTREAM_KEY, "OPENROUTER_BASE_URL": books.simulator.base_url} | books.environment,
    )
    try:
        return process.wait(), process.output
    finally:
        process.kill()


def spend(books: Books, key: str, calls: int = 5) -> None:
    caller = Caller(books.gateway.url, key)
    for _ in range(calls):
        assert caller.plain().status_code == 200
    caller.close()
    wait_quiet(books.simulator)


def begin(books: Books, **limits: str) -> tuple[str, str]:
    books.start().wait_for_catalogue()
    account, key = books.make_key(**limits)
    spend(books, key)
    return account, key


def test_a_second_process_is_told_who_has_the_directory(books):
    _, key = begin(books, total="1")
    code, said = refused_start(books)
    assert code == 2, said
    assert f"{books.state}/lock is locked by process {books.gateway.process.pid}" in said and "name another directory" in said
    spend(books, key)
    assert books.used() == bill(books.simulator)


@AS_ROOT
def test_a_directory_that_cannot_be_written(books):
    with mounted(books.state, "size=64m"):
        _, key = begin(books, total="1")
        books.stop()
        subprocess.run(["mount", "-o", "remount,ro", books.state], check=True)
        code, said = refused_start(books)
        assert code in (1, 2) and str(books.state) in said and "Read-only file system" in said, (code, said)
        subprocess.run(["mount", "-o", "remount,rw", books.state], check=True)
        books.start().wait_for_catalogue()
        spend(books, key)
        assert books.used() == bill(books.simulator)
        books.stop()


@pytest.mark.parametrize("where", ["its head", "all of it behind its head"])
def test_a_ledger_that_is_damaged(books, where):
    _, key = begin(books, total="1")
    books.stop()
    file = books.state / "ledger.db"
    whole = file.read_bytes()
    keep = 0 if where == "its head" else 4096
    damaged = whole[:keep] + b"\xa5" * (len(whole) - keep if keep else 100) + (b"" if keep else whole[100:])
    file.write_bytes(damaged)
    code, said = refused_start(books)
    assert code in (1, 2) and "ledger.db" in said, (code, said)
    assert file.read_bytes() == damaged, "nothing was changed by trying"
    file.write_bytes(whole)
    books.start().wait_for_catalogue()
    spend(books, key)
    assert books.used() == bill(books.simulator)


@contextlib.contextmanager
def ledger_away(books: Books):
    """Somebody else has the ledger file, so that what is spent stays in the journals."""
    with sqlite3.connect(books.state / "ledger.db", isolation_level=None, timeout=30) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    other.close()


def killed_with_a_full_journal(books: Books, key: str) -> dict[str, Decimal]:
    """Returns what upstream charged for while the ledger was away. Nothing of it is in the ledger."""
    before = set(billed(books.simulator))
    booked = len(books.costs())
    with ledger_away(books):
        spend(books, key, 12)
        books.kill()
    assert len(books.costs()) == booked
    return {name: cost for name, cost in billed(books.simulator).items() if name not in before}


def last_used(state: Path) -> tuple[Path, int]:
    """The segment that was written last, and the end of what is in it."""
    used = [(len(file.read_bytes().rstrip(b"\0")), file) for file in sorted(state.glob("journal-*"))]
    end, file = max(used, key=lambda each: each[0])
    return file, end


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 0xFF
    file.write_bytes(content)


def test_what_is_only_in_the_journal_is_booked_at_the_next_start(books):
    _, key = begin(books)
    killed_with_a_full_journal(books, key)
    books.start().wait_for_catalogue()
    assert books.used() == bill(books.simulator) and not books.unsettled()
    assert {name: cost for name, cost, _ in books.costs()} == billed(books.simulator)


def test_a_journal_whose_last_entry_is_torn(books):
    _, key = begin(books)
    killed_with_a_full_journal(books, key)
    file, end = last_used(books.state)
    flip(file, end - 3)
    books.start().wait_for_catalogue()
    books.gateway.process.wait_for_line("journal_torn")
    assert list(books.state.glob("torn-journal-*")), "what could not be read is kept"
    # The end was torn, and with it the name of its generation: what had begun counts with its estimate.
    charged = billed(books.simulator)
    wait_for(lambda: len(books.costs()) == len(charged) - 1, "all others to be booked")
    known = {name: cost for name, cost, _ in books.costs()}
    assert known.items() < charged.items() and books.used() == sum(known.values())
    (pending,) = books.unsettled()
    assert pending[1] >= bill(books.simulator) - books.used() > 0 and books.used("pending") == pending[1]


def test_a_journal_that_is_damaged_in_the_middle(books):
    _, key = begin(books)
    killed_with_a_full_journal(books, key)
    file, end = last_used(books.state)
    flip(file, end // 2)
    books.start().wait_for_catalogue()
    books.gateway.process.wait_for_line("journal_torn")
    wait_for(lambda: not [name for name, _ in books.unsettled() if name], "what had a name to be told")
    charged = billed(books.simulator)
    known = {name: cost for name, cost, _ in books.costs()}
    assert known.items() <= charged.items() and 5 < len(known) < len(charged)
    assert books.used() == sum(known.values())
    # Where the damage begins an attempt may have begun without a name: it counts with its estimate.
    pending = [most for _, most in books.unsettled()]
    assert len(pending) <= 1 and all(most > 0 for most in pending) and books.used("pending") == sum(pending)
    spend(books, key)


@AS_ROOT
def test_a_full_disk(books):
    with mounted(books.state, "size=24m"):
        limit = Decimal("1")
        account, key = begin(books, total=str(limit))
        ballast = books.state / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 4096):
                pass
        caller = Caller(books.gateway.url, key)
        statuses: dict[int, int] = {}
        for _ in range(1500):
            status = caller.plain(tokens=400).status_code
            statuses[status] = statuses.get(status, 0) + 1
            if statuses.get(503, 0) >= 5:
                break
        assert set(statuses) <= {200, 503}, statuses
        print(f"on a full disk: {statuses}")
        if 503 in statuses:
            books.gateway.process.wait_for_line("ledger_away|journal_full")
        ballast.unlink()
        wait_for(lambda: caller.plain().status_code == 200, "calls to go on when there is room")
        caller.close()
        wait_quiet(books.simulator)
        wait_for(lambda: books.used() == bill(books.simulator), "everything to be booked")
        assert books.window(account)["settled"] == bill(books.simulator) <= limit
        books.stop()


@AS_ROOT
def test_a_start_on_a_full_disk(books):
    with mounted(books.state, "size=4m"):
        books.folder.mkdir(exist_ok=True)
        file = books.folder / "gantry.toml"
        file.write_text(books.config)
        file.chmod(0o600)
        code, said = refused_start(books)
        assert code in (1, 2) and "No space left" in said and str(books.state) in said, (code, said)
        subprocess.run(["mount", "-o", "remount,size=64m", books.state], check=True)
        begin(books, total="1")
        assert books.used() == bill(books.simulator)
        books.stop()
