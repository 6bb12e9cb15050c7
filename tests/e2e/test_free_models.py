"""`:free` models answer 20 calls a minute (CONTRACT §7.1): what a program sees of that, with and without a fallback."""

import pytest
from harness import secrets
from harness.control import Control
from harness.gateway import QUICK, Gateway, error_of
from harness.simulator import Simulator

FREE, PAID = "openai/gpt-oss-20b:free", "openai/gpt-3.5-turbo"
ROUTES = (
    'fallback_for_plain_ids = false\n' + QUICK
    + f'[routes.bare]\nprimary = "{FREE}"\nfallbacks = []\nretries = 0\n'
    + f'[routes.chain]\nprimary = "{FREE}"\nfallbacks = ["{PAID}"]\nretries = 0\n'
)  # fmt: skip


@pytest.fixture
def limited(tmp_path):
    """A simulator whose minute ends when the test says so, and a gateway before it; both read the same clock time."""
    for folder in ("simulator", "gateway"):
        (tmp_path / folder).mkdir()
    with (
        Control() as sim_clock,
        Control() as clock,
        Simulator(tmp_path / "simulator", environment=sim_clock.environment) as simulator,
        Gateway(tmp_path / "gateway", simulator.base_url, ROUTES, environment=clock.environment) as gateway,
    ):

        def advance(seconds: float) -> None:
            for each in (sim_clock, clock):
                each.advance(seconds)

        yield simulator, gateway, advance


def ask(gateway: Gateway, route: str):
    return gateway.chat(model=route, max_tokens=1)


def test_the_twenty_first_call_of_a_minute_is_told_so_and_the_next_minute_answers(limited):
    simulator, gateway, advance = limited
    assert [ask(gateway, "bare").status_code for _ in range(20)] == [200] * 20
    error_of(ask(gateway, "bare"), 429)
    direct = simulator.http.post(
        "/api/v1/chat/completions",
        json={"model": FREE, "messages": [{"role": "user", "content": "Hello"}]},
        headers={"authorization": f"Bearer {secrets.UPSTREAM_KEY}"},
    )
    metadata = direct.json()["error"]["metadata"]
    assert direct.headers["x-ratelimit-reset"] == metadata["headers"]["X-RateLimit-Reset"] == "1790000040000"
    advance(41)
    assert ask(gateway, "bare").status_code == 200


def test_a_chain_goes_on_with_a_model_that_is_paid(limited):
    simulator, gateway, _ = limited
    before = simulator.mark()
    assert [ask(gateway, "chain").status_code for _ in range(25)] == [200] * 25
    models = before.models()
    assert models[:20] == [FREE] * 20 and models[-1] == PAID
    assert models.count(PAID) == 5
