"""What was spent: `gantry usage` says to the last digit what upstream billed, whatever became of the calls."""

import csv
import io
import json
from decimal import Decimal

import pytest
from harness import secrets
from harness.clients import Admin, administered, cost_of, environment_in
from harness.gateway import QUICK
from harness.held import Held
from harness.waiting import wait_for

TURBO, SMALL = "openai/gpt-4-turbo", "openai/gpt-3.5-turbo"
CONFIG = (
    "fallback_for_plain_ids = false\n"
    + QUICK
    + "[routes.default]\nretries = 0\n"
    + f'[routes.failing]\nprimary = "sim/status-504"\nfallbacks = ["{SMALL}"]\nretries = 0\n'
    + f'[routes.later]\nprimary = "sim/status-503"\nfallbacks = ["sim/status-504", "{SMALL}"]\nretries = 0\n'
)
FAULTS = {
    "a time-out that is billed": "status=504;billed-failure",
    "no usage, and a late record": "no-usage;generation-after-calls=2",
    "a hang-up that is billed in full": "stall-mid=1s;tokens=50",
}
AMOUNTS = ("cost", "upstream_cost", "computed", "assumed", "overshoot", "pending")


@pytest.fixture(scope="module")
def admin(own_simulator, tmp_path_factory):
    with administered(own_simulator, tmp_path_factory.mktemp("costs"), CONFIG) as admin:
        yield admin


def bill(simulator) -> Decimal:
    return Decimal(simulator.http.get("/sim/bill").raise_for_status().json()["cost"])


def billed(own_simulator, call) -> Decimal:
    """What upstream bills for what `call` does."""
    before = bill(own_simulator)
    call()
    seen = lambda: own_simulator.journal()["attempts"]  # noqa: E731
    wait_for(lambda: all(a["ended_ms"] is not None for a in seen()), "the end of all attempts")
    return bill(own_simulator) - before


def leave(client, **fields) -> None:
    body = {"model": "sim/stall-mid-stream", "messages": [{"role": "user", "content": secrets.PROMPT}]} | fields
    with client.gateway.http.stream(
        "POST", "/api/v1/chat/completions", json=body | {"stream": True}, headers=client.headers
    ) as answer:
        next(answer.iter_bytes())


CALLS = {
    "plain": lambda client: client.chat(max_tokens=20),
    "stream": lambda client: client.chat(max_tokens=20, stream=True),
    "tools": lambda client: client.chat("sim/tool-calls", tools=[{"type": "function", "function": {"name": "f"}}]),
    "a failure": lambda client: client.chat("sim/status-503"),
    "a time-out that is billed": lambda client: client.chat("sim/plain", max_tokens=20),
    "an error in a 200": lambda client: client.chat("sim/error-200"),
    "an error in the stream": lambda client: client.chat("sim/mid-error", stream=True),
    "a cut stream": lambda client: client.chat("sim/close-mid-stream", stream=True),
    "a broken body": lambda client: client.chat("sim/broken-json"),
    "no usage": lambda client: client.chat("sim/no-usage"),
    "no usage, streamed": lambda client: client.chat("sim/no-usage", stream=True),
    "no usage, and a late record": lambda client: client.chat("sim/plain", max_tokens=20),
    "a bill above any estimate": lambda client: client.chat("sim/bill-times-ten"),
    "byok": lambda client: client.chat("sim/byok"),
    "a cache hit": lambda client: client.chat("sim/cache-hit"),
    "a hang-up": leave,
    "a hang-up that is billed in full": lambda client: leave(client, model="sim/billed-after-cancel"),
}


@pytest.mark.parametrize("name", CALLS)
def test_usage_says_what_was_billed(admin, own_simulator, name):
    client = admin.make(name)
    own_simulator.script(f"model * answers {FAULTS[name]}\n" if name in FAULTS else "")
    try:
        told = billed(own_simulator, lambda: CALLS[name](client))
    finally:
        own_simulator.script("")
    wait_for(
        lambda: [Decimal(row["cost"]) for row in admin.usage("key", key=client.id)] == [told],
        f"the cost {told} in {admin.usage('key', key=client.id)}",
    )
    row = admin.usage("key", key=client.id)[0]
    assert Decimal(row["pending"]) == Decimal(row["assumed"]) == 0
    assert client.own()["usage"] == told


def test_a_cost_that_nobody_told_is_computed_and_says_so(admin, own_simulator):
    client = admin.make("computed")
    own_simulator.script(f"model {TURBO} answers no-cost\n")
    try:
        told = billed(own_simulator, lambda: client.chat(max_tokens=20))
    finally:
        own_simulator.script("")
    row = wait_for(lambda: next(iter(admin.usage("key", key=client.id)), None), "the key's usage")
    assert Decimal(row["cost"]) == Decimal(row["computed"]) == told > 0


def test_a_bill_above_its_hold_is_booked_in_full_and_shown(admin, own_simulator):
    client = admin.make("overshoot", limits={"total": "1"})
    own_simulator.script(f"model {TURBO} answers bill-factor=1000\n")
    try:
        told = billed(own_simulator, lambda: client.chat(max_tokens=20))
    finally:
        own_simulator.script("")
    row = wait_for(lambda: next(iter(admin.usage("key", key=client.id)), None), "the key's usage")
    assert Decimal(row["cost"]) == told
    assert 0 < Decimal(row["overshoot"]) < told
    assert wait_for(lambda: Decimal(admin.window(client.id, "total")["settled"]), "the window") == told
    assert admin.gateway.process.wait_for_line("overshoot")


@pytest.mark.parametrize(
    ("name", "call", "waste"),
    [
        ("lost", lambda client: client.chat("failing", max_tokens=20), "lost_primary"),
        ("retried", lambda client: client.chat("later", max_tokens=20), "retry"),
        ("left", leave, "abandoned"),
    ],
)
def test_what_bought_no_answer_is_waste_with_its_reason(admin, own_simulator, name, call, waste):
    client = admin.make(name)
    own_simulator.script("model sim/status-504 answers billed-failure\n")
    try:
        told = billed(own_simulator, lambda: call(client))
    finally:
        own_simulator.script("")
    wait_for(
        lambda: [Decimal(row["cost"]) for row in admin.usage("key", key=client.id)] == [told], f"the cost {told}"
    )
    wasted = {why: Decimal(amount) for why, amount in admin.usage("key", key=client.id)[0]["waste"].items()}
    assert wasted.pop(waste) > 0
    assert set(wasted.values()) == {0}


def test_every_way_to_ask_says_the_same_and_the_sum_is_the_bill(admin, own_simulator):
    admin.make("one more").chat(max_tokens=20)
    total = bill(own_simulator)
    wait_for(lambda: sum(Decimal(row["cost"]) for row in admin.usage("key")) == total, "the bill")
    for by in ("key", "project", "model", "day", "key,model", "project,day", "key,project,model,day"):
        rows = admin.usage(by)
        as_json = json.loads(admin.command("usage", "--by", by, "--format", "json").stdout)["data"]["rows"]
        assert as_json == rows
        as_csv = list(csv.DictReader(io.StringIO(admin.command("usage", "--by", by, "--format", "csv").stdout)))
        assert [{name: row[name] for name in AMOUNTS} for row in as_csv] == [
            {name: row[name] for name in AMOUNTS} for row in rows
        ]
        assert sum(Decimal(row["cost"]) for row in rows) == total
        table = admin.command("usage", "--by", by)
        assert table.returncode == 0 and "COST" in table.stdout, table.stderr
    assert sum(Decimal(row["upstream_cost"]) for row in admin.usage("model")) > 0


def test_a_cost_that_is_never_told_is_assumed_in_the_end(tmp_path):
    config = CONFIG + '[ledger]\npending_for = "1h"\n'
    with Held(tmp_path, config, environment=environment_in(tmp_path / "gateway")) as held:
        held.wait_for_catalogue()
        admin = Admin(held.gateway, tmp_path / "gateway")
        client = admin.make("never", limits={"total": "1"})
        held.simulator.script(f"model {TURBO} answers no-usage;generation-after=never\n")
        answered = client.chat(max_tokens=20)
        assert answered.status_code == 200, answered.text
        row = wait_for(
            lambda: next((r for r in admin.usage("key", key=client.id) if Decimal(r["pending"])), None), "what is pending"
        )
        estimate = Decimal(row["pending"])
        assert Decimal(row["cost"]) == Decimal(row["assumed"]) == 0
        assert Decimal(admin.window(client.id, "total")["pending"]) == estimate
        held.advance(3590)
        assert Decimal(admin.usage("key", key=client.id)[0]["pending"]) == estimate

        def assumed():
            held.advance(1)
            return Decimal(admin.usage("key", key=client.id)[0]["assumed"])

        assert wait_for(assumed, "the end of the waiting") == estimate
        row = admin.usage("key", key=client.id)[0]
        assert Decimal(row["cost"]) == estimate and Decimal(row["pending"]) == 0


def test_a_cost_that_is_told_late_takes_the_place_of_the_estimate(tmp_path):
    with Held(tmp_path, CONFIG, environment=environment_in(tmp_path / "gateway")) as held:
        held.wait_for_catalogue()
        admin = Admin(held.gateway, tmp_path / "gateway")
        client = admin.make("late", limits={"total": "1"})
        held.simulator.script(f"model {TURBO} answers no-usage;generation-after=10m\n")
        assert client.chat(max_tokens=20).status_code == 200
        wait_for(lambda: any(Decimal(r["pending"]) for r in admin.usage("key", key=client.id)), "what is pending")

        def cost():
            held.advance(30)
            return Decimal(admin.usage("key", key=client.id)[0]["cost"])

        assert wait_for(cost, "the record") == bill(held.simulator)
        row = admin.usage("key", key=client.id)[0]
        assert Decimal(row["pending"]) == Decimal(row["assumed"]) == 0
        assert client.own()["limit_remaining"] == 1 - bill(held.simulator)
