"""Budgets: a call must fit in every account above its key, in every period, and what does not fit is told why and until when."""

import threading
from decimal import Decimal

import pytest
from harness import secrets
from harness.clients import Admin, cost_of, environment_in, over_budget
from harness.gateway import QUICK, Gateway, error_of
from harness.held import Held
from harness.waiting import wait_for
from harness.witness import Witness

TURBO, SMALL = "openai/gpt-4-turbo", "openai/gpt-3.5-turbo"
CONFIG = (
    "fallback_for_plain_ids = false\n"
    + QUICK
    + f'[routes.work]\nprimary = "{TURBO}"\nfallbacks = ["{SMALL}"]\nretries = 0\n'
    + f'[routes.clamping]\nprimary = "{TURBO}"\nfallbacks = []\nretries = 0\non_tight_budget = "clamp"\n'
    + f'[routes.held]\nprimary = "{TURBO}"\nfallbacks = []\nretries = 0\nhold = "$0.5"\n'
)
PERIODS = ["daily", "weekly", "monthly", "total"]
MONDAY = 1_790_000_000  # 2026-09-21T13:33:20Z


@pytest.fixture(scope="module")
def witness(simulator):
    with Witness(simulator) as server:
        yield server


@pytest.fixture(scope="module")
def admin(witness, tmp_path_factory):
    folder = tmp_path_factory.mktemp("budgets")
    with Gateway(folder, witness.base_url, CONFIG, environment=environment_in(folder)) as gateway:
        gateway.wait_for_catalogue()
        yield Admin(gateway, folder)


def most(admin: Admin, model: str = TURBO, **fields) -> Decimal:
    """What such a call may cost, as the refusal of a key without money says."""
    poor = admin.make("poor", limits={"total": "0"})
    return over_budget(poor.chat(model, **fields))["amount"]


def spent(admin: Admin, account: str, period: str = "total") -> Decimal:
    """Once all that is under way is settled."""
    return wait_for(
        lambda: next((w["settled"] for w in [admin.window(account, period)] if Decimal(w["settled"])), None), "what was spent"
    )


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("level", ["organisation", "project", "key"])
def test_each_account_refuses_in_each_period(admin, witness, level, period):
    name = f"{level}-{period}"
    project = admin.project(name)
    client = admin.make(name, project=name)
    account = {"organisation": "organisation", "project": project, "key": client.id}[level]
    admin.limit(account, **{period: "0.000001"})
    before = len(witness.asked)
    told = over_budget(client.chat(max_tokens=20))
    admin.limit(account, **{period: None})
    assert told["period"] == period
    assert name in told["account"] or told["account"] == "the organisation"
    assert told["limit"] == Decimal("0.000001")
    assert ("It resets at " in told["remedy"]) == (period != "total")
    assert len(witness.asked) == before
    assert client.chat(max_tokens=20).status_code == 200


def test_money_that_is_spent_is_told_and_more_of_it_helps_the_next_call(admin):
    amount = most(admin, max_tokens=20)
    client = admin.make("spender", limits={"total": str(amount)})
    cost = cost_of(client.chat(max_tokens=20))
    assert 0 < cost <= amount
    told = over_budget(client.chat(max_tokens=20))
    assert (told["limit"], told["spent"], told["amount"]) == (amount, cost, amount)
    admin.change(client, limits={"total": str(amount + cost)})
    assert client.chat(max_tokens=20).status_code == 200


def test_many_calls_at_once_never_spend_more_than_the_budget(admin):
    amount = most(admin, max_tokens=20)
    limit = amount * 5
    client = admin.make("crowd", limits={"daily": str(limit)})
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(client.chat(max_tokens=20))) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {200, 402}
    paid = sum(cost_of(answer) for answer in answers if answer.status_code == 200)
    assert 0 < paid <= limit
    wait_for(lambda: Decimal(admin.window(client.id, "daily")["settled"]) == paid, "the costs of all of them")
    assert Decimal(admin.window(client.id, "daily")["overshoot"]) == 0


def test_a_tight_budget_lowers_max_tokens_where_the_route_says_so(admin, witness):
    amount = most(admin, max_tokens=100)
    client = admin.make("tight", limits={"total": str(amount)})
    answered = client.chat("clamping", max_tokens=4000)
    assert answered.status_code == 200, answered.text
    clamped = int(answered.headers["x-gantry-max-tokens"])
    assert 50 <= clamped <= 100
    assert witness.asked[-1]["max_tokens"] == clamped
    assert cost_of(answered) <= amount
    stranger = admin.make("not clamped", limits={"total": str(amount)})
    over_budget(stranger.chat("work", max_tokens=400_000))
    loose = admin.make("loose", limits={"total": "100"}).chat("clamping", max_tokens=40)
    assert "x-gantry-max-tokens" not in loose.headers


UNBOUNDED = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]}


def ask_unbounded(client, model: str):
    return client.gateway.http.post(
        "/api/v1/chat/completions", json={"model": model, "max_tokens": 20} | UNBOUNDED, headers=client.headers
    )


def test_a_call_without_a_bound_is_refused_unless_its_route_says_what_to_hold(admin, witness):
    client = admin.make("unbounded", limits={"total": "0.75"})
    before = len(witness.asked)
    response = ask_unbounded(client, TURBO)
    error = error_of(response, 402)
    assert "no bound" in error["message"] and "hold" in error["metadata"]["gantry"]["remedy"]
    assert len(witness.asked) == before
    assert ask_unbounded(client, "held").status_code == 200
    admin.change(client, limits={"total": "0.4"})
    told = over_budget(ask_unbounded(client, "held"))
    assert told["amount"] == Decimal("0.5")
    assert ask_unbounded(admin.make("without a budget"), TURBO).status_code == 200


def test_a_free_model_fits_in_any_budget(admin):
    free = next(
        model["id"] for model in admin.make("looking").get("/api/v1/models").json()["data"] if model["id"].endswith(":free")
    )
    answered = admin.make("penniless", limits={"total": "0"}).chat(free, max_tokens=20)
    assert answered.status_code == 200, answered.text


def test_the_money_of_an_attempt_that_failed_comes_back(admin, simulator):
    amount = max(most(admin, TURBO, max_tokens=20), most(admin, SMALL, max_tokens=20))
    client = admin.make("failing", limits={"total": str(amount)})
    simulator.script(f"model {TURBO} answers 503\n")
    try:
        for _ in range(3):
            admin.gateway.close_breakers()
            answered = client.chat("work", max_tokens=20)
            if answered.status_code == 402:
                break
            assert answered.headers["x-gantry-substituted"] == SMALL
    finally:
        simulator.script("")
    first = wait_for(lambda: Decimal(admin.window(client.id, "total")["settled"]), "the cost")
    assert 0 < first < amount
    simulator.script("model * answers 503\n")
    try:
        rich = admin.make("all fail", limits={"total": str(amount)})
        for _ in range(3):
            admin.gateway.close_breakers()
            assert rich.chat("work", max_tokens=20).status_code == 503
    finally:
        simulator.script("")
    admin.gateway.close_breakers()
    assert rich.chat("work", max_tokens=20).status_code == 200


# ---- windows, under a clock that stands still


@pytest.fixture
def held(tmp_path):
    with Held(tmp_path, CONFIG, environment=environment_in(tmp_path / "gateway")) as pair:
        pair.wait_for_catalogue()
        yield pair


def test_budgets_reset_at_midnight_on_monday_and_with_the_month(held, tmp_path):
    admin = Admin(held.gateway, tmp_path / "gateway")
    amount = most(admin, max_tokens=20)
    clients = {period: admin.make(period, limits={period: str(amount)}) for period in PERIODS}

    def refused() -> dict[str, str]:
        """Who is, and until when."""
        out = {}
        for period, client in clients.items():
            answered = client.chat(max_tokens=20)
            if answered.status_code == 402:
                out[period] = over_budget(answered)["remedy"].partition("It resets at ")[2]
        return out

    assert refused() == {}
    tuesday, monday, october = "2026-09-22T00:00:00Z.", "2026-09-28T00:00:00Z.", "2026-10-01T00:00:00Z."
    assert refused() == {"daily": tuesday, "weekly": monday, "monthly": october, "total": ""}
    for moment, left in [
        (1_790_035_199, {"daily": tuesday, "weekly": monday, "monthly": october, "total": ""}),
        (1_790_035_201, {"weekly": monday, "monthly": october, "total": ""}),
        (1_790_553_601, {"monthly": october, "total": ""}),
        (1_790_812_801, {"weekly": "2026-10-05T00:00:00Z.", "total": ""}),
    ]:
        held.advance(moment - MONDAY - held.passed)
        assert refused() == left, moment


def test_a_stream_over_midnight_is_paid_by_the_day_on_which_it_began(held, tmp_path):
    admin = Admin(held.gateway, tmp_path / "gateway")
    amount = most(admin, max_tokens=20)
    client = admin.make("night", limits={"daily": str(amount)})
    held.advance(1_790_035_195 - MONDAY - held.passed)
    held.simulator.script("model * answers stall-mid=10s\n")
    body = {"model": TURBO, "messages": [{"role": "user", "content": secrets.PROMPT}], "stream": True, "max_tokens": 20}
    with held.gateway.http.stream("POST", "/api/v1/chat/completions", json=body, headers=client.headers) as running:
        assert running.status_code == 200
        over_budget(client.chat(max_tokens=20))
        held.advance(11)
        running.read()
        cost = cost_of(running)
    held.simulator.script("")
    wait_for(lambda: Decimal(admin.window(client.id, "total")["settled"]) == cost, "the cost")
    assert Decimal(admin.window(client.id, "daily")["settled"]) == 0
    rows = admin.usage("day", key=client.id)
    assert [(row["day"], Decimal(row["cost"])) for row in rows] == [("2026-09-21", cost)]
    assert client.chat(max_tokens=20).status_code == 200
