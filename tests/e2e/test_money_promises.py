"""The promise about money (docs/decisions/0011): no overspending under load and faults, every cent that upstream bills is
booked once, and nothing of it is lost with the process."""

import random
import threading
from decimal import Decimal

import httpx
from harness.gateway import error_of
from harness.money import Books, Caller, bill, billed, usd, wait_quiet
from harness.simulator import Simulator
from harness.waiting import wait_for

CLIENTS = 200
CALLS = 6  # of each
HOLD_TOKENS = 300
# Upstream takes a little, so that calls meet each other.
PACE = ("--first-token", "20ms", "--tokens-per-second", "1000", "--threads", "1")


def chaos(seed: int, calls: int) -> str:
    """A timeline in which about a call in eight goes wrong, and of each kind some do."""
    chance = random.Random(seed)
    kinds = ("503", "mid-error;after=3", "no-usage", "close-after;after=4", "502", "no-finish;after=5", "body-error")
    rules = [f"calls {n}-{n} answers {chance.choice(kinds)}" for n in range(1, calls + 1) if chance.random() < 0.125]
    return "\n".join(rules)


def amount_of(error: dict) -> Decimal:
    """What the refused call would have set aside."""
    return usd(error["message"].rpartition("up to $")[2].removesuffix("."))


def dearer_by_token(caller: Caller, tokens: int) -> tuple[Decimal, Decimal]:
    """What a call without answer holds, and what each token adds: two refusals tell."""
    few = amount_of(error_of(caller.plain(tokens=tokens), 402))
    many = amount_of(error_of(caller.plain(tokens=tokens + 1000), 402))
    each = (many - few) / 1000
    return few - each * tokens, each


class Watch:
    """Looks all the time whether a budget is kept, also while calls are under way."""

    def __init__(self, books: Books, account: str, limit: Decimal, simulator: Simulator):
        self.looks = 0
        self.failed: list[str] = []
        self._over = threading.Event()
        self._arguments = (books, account, limit, simulator)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        books, account, limit, simulator = self._arguments
        with httpx.Client(base_url=simulator.url, trust_env=False) as own:
            while not self._over.wait(0.02):
                try:
                    now = books.window(account)
                    charged = usd(own.get("/sim/bill").json()["cost"])
                    books.gateway.close_breakers()
                except (httpx.HTTPError, KeyError) as error:
                    self.failed.append(repr(error))
                    return
                self.looks += 1
                if now["settled"] + now["pending"] + now["leased"] > limit or now["overshoot"] or charged > limit:
                    self.failed.append(f"{now}, upstream has charged {charged}")

    def end(self) -> None:
        self._over.set()
        self._thread.join(30)
        assert self.looks > 3 and not self.failed, (self.looks, self.failed)


def client(url: str, key: str, number: int, seen: list, seed: int) -> None:
    chance = random.Random(f"{seed}-{number}")
    caller = Caller(url, key)
    try:
        for _ in range(CALLS):
            way = chance.choice(("plain", "stream", "stream", "leave"))
            try:
                if way == "plain":
                    status = caller.plain(tokens=HOLD_TOKENS).status_code
                else:
                    leave = chance.randint(1, 8) if way == "leave" else 0
                    status, _ = caller.stream(tokens=HOLD_TOKENS, leave_after=leave)
            except httpx.TransportError:
                status = 0  # upstream broke in the middle, and so did the answer
            seen.append((way, status))
    finally:
        caller.close()


def in_parallel(works: list) -> None:
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
        assert not thread.is_alive(), "a client is still waiting"


def test_two_hundred_clients_at_the_cap_of_one_key(tmp_path):
    seed = 7
    limit = Decimal("0.04")
    with Simulator(tmp_path, *PACE) as simulator, Books(tmp_path / "gantry", simulator) as books:
        gateway = books.start()
        gateway.wait_for_catalogue()
        account, key = books.make_key(total=str(limit))
        simulator.script(chaos(seed, CLIENTS * CALLS))
        watch = Watch(books, account, limit, simulator)
        seen: list[tuple[str, int]] = []
        in_parallel(
            [lambda number=number: client(gateway.url, key, number, seen, seed) for number in range(CLIENTS)]
        )
        wait_quiet(simulator)
        watch.end()
        statuses = sorted({status for _, status in seen})
        counts = {status: sum(1 for _, each in seen if each == status) for status in statuses}
        assert counts.get(402), f"the cap was never reached: {counts}"
        assert counts.get(200), counts
        simulator.script("")
        books.wait_reconciled()
        # Every cent once, each with its generation.
        charged = bill(simulator)
        assert books.used() == charged <= limit
        window = books.window(account)
        assert window["settled"] == charged and window["pending"] == 0 and window["overshoot"] == 0, window
        known = [(name, cost) for name, cost, _ in books.costs() if cost]
        assert sorted(known) == sorted(billed(simulator).items())
        assert not books.unsettled() and not [row for row in books.costs() if row[2] == 2], "nothing was assumed"
        # The command says the same.
        told = books.command("usage", "--format", "json")
        assert told.returncode == 0 and f'"cost":"{charged.normalize():f}"' in told.stdout.replace(" ", ""), told
        # What is left can be had to the last token, and no more.
        caller = Caller(gateway.url, key)
        base, each = dearer_by_token(caller, 50_000)
        left = limit - charged
        if left < base + each:
            limit += Decimal("0.001")
            books.set_limits(account, total=str(limit))
            left = limit - charged
        fits = int((left - base) / each)
        assert base + each * fits <= left < base + each * (fits + 1)
        gateway.close_breakers()
        error_of(caller.plain(tokens=fits + 1), 402)
        assert caller.plain(tokens=fits).status_code == 200
        caller.close()
        wait_for(lambda: books.used() == bill(simulator), "the last call to be booked")
        print(f"calls {counts}, {watch.looks} looks, charged {charged} of {limit}")
