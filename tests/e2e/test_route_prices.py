"""Prices that an operator states in a route win over OpenRouter's list: for what a call is held for, and for costs that are computed
because nobody told them. What upstream tells is the truth all the same."""

from decimal import Decimal

import pytest
from harness.clients import Admin, cost_of, environment_in, over_budget
from harness.gateway import QUICK, Gateway
from harness.waiting import wait_for

MODEL = "openai/gpt-4.1"
CONFIG = (
    f'fallback_for_plain_ids = false\n{QUICK}[routes.default]\nretries = 0\n'
    f'[routes.listed]\nprimary = "{MODEL}"\nfallbacks = []\nretries = 0\n'
    f'[routes.stated]\nprimary = "{MODEL}"\nfallbacks = []\nretries = 0\n'
    f'[routes.stated.prices]\n"{MODEL}" = {{ prompt = "$0", completion = "$1000", request = "$0.25" }}\n'
)


@pytest.fixture(scope="module")
def admin(simulator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stated")
    with Gateway(folder, simulator.base_url, CONFIG, environment=environment_in(folder)) as gateway:
        gateway.wait_for_catalogue()
        yield Admin(gateway, folder)


def most(admin: Admin, route: str) -> Decimal:
    poor = admin.make("poor", limits={"total": "0"})
    return over_budget(poor.chat(route, max_tokens=100))["amount"]


def test_bounds_rest_on_what_is_stated(admin):
    assert most(admin, "stated") == Decimal("0.25") + 100 * Decimal("0.001")
    assert 0 < most(admin, "listed") < Decimal("0.1")


def test_costs_that_nobody_told_are_computed_with_it(admin, simulator):
    client = admin.make("untold", limits={"total": "10"})
    simulator.script(f"model {MODEL} answers no-cost\n")
    try:
        answer = client.chat("stated", max_tokens=20)
    finally:
        simulator.script("")
    assert answer.status_code == 200, answer.text
    expected = Decimal("0.25") + answer.json()["usage"]["completion_tokens"] * Decimal("0.001")
    wait_for(lambda: Decimal(admin.window(client.id, "total")["settled"]) == expected, "the computed cost")


def test_costs_that_are_told_stay_as_they_are(admin):
    client = admin.make("told", limits={"total": "10"})
    cost = cost_of(client.chat("stated", max_tokens=20))
    wait_for(lambda: Decimal(admin.window(client.id, "total")["settled"]) == cost, "the told cost")


def test_a_wrong_price_is_told_with_its_line(admin):
    gateway = admin.gateway
    start = gateway.reload(CONFIG + '"x/y" = { prompt = "$1", completion = "$1", cach_read = "$1" }\n')
    gateway.process.wait_for_line(f"gantry.toml:{CONFIG.count(chr(10)) + 1}.*not a price of a model", start)
    gateway.process.wait_for_line("reloaded", gateway.reload(CONFIG))
