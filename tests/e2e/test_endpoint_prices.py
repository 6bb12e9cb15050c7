"""Bounds rest on the dearest endpoint of a model once its endpoints are known: those of models that routes name at once, those of
models that budgets pay for within a minute or so. Until then a max_price keeps dearer endpoints out."""

import pytest
from harness.clients import Admin, environment_in
from harness.control import Control
from harness.gateway import QUICK, Gateway
from harness.waiting import wait_for
from harness.witness import Witness

NAMED, OTHER = "openai/gpt-4.1", "openai/gpt-4o-mini"
CONFIG = f'fallback_for_plain_ids = false\n{QUICK}[routes.default]\nprimary = "{NAMED}"\nfallbacks = []\nretries = 0\n'


@pytest.fixture
def witness(simulator):
    with Witness(simulator) as server:
        yield server



def test_endpoints_are_asked_for_and_bounds_rest_on_them(witness, simulator, tmp_path):
    with Control() as control, Gateway(tmp_path, witness.base_url, CONFIG,
                                       environment=environment_in(tmp_path) | control.environment) as gateway:  # fmt: skip
        admin = Admin(gateway, tmp_path)
        before = simulator.mark()
        control.advance(1.2)
        gateway.wait_for_catalogue()
        client = admin.make("paying", limits={"total": "5"})
        wait_for(lambda: before.attempts(f"{NAMED}/endpoints"), "the endpoints of the route's model")

        def sent(model: str, **fields) -> dict:
            assert client.chat(model, max_tokens=20, **fields).status_code == 200
            return witness.asked[-1].get("provider", {})

        wait_for(lambda: "max_price" not in sent(NAMED), "bounds over endpoints")
        price = sent(OTHER)["max_price"]
        assert float(price["prompt"]) > 0 and float(price["completion"]) > 0, "its endpoints are not known yet"
        assert sent(OTHER, provider={"max_price": {"prompt": 10_000}, "sort": "price"}) == {"sort": "price", "max_price": price}
        assert admin.make("free of budgets").chat(OTHER, max_tokens=20).status_code == 200
        assert "max_price" not in witness.asked[-1].get("provider", {})
        assert before.attempts(f"{OTHER}/endpoints") == []
        control.advance(61)
        wait_for(lambda: before.attempts(f"{OTHER}/endpoints"), "the endpoints of the model that was paid for")
        wait_for(lambda: "max_price" not in sent(OTHER), "bounds over endpoints")
        assert len(before.attempts("/endpoints")) == 2

        simulator.script(f"path /models/{NAMED}/endpoints answers 500\n")
        try:
            control.advance(3600)
            assert "max_price" not in sent(NAMED), "the last good list stays"
            control.advance(3600 + 120)
            wait_for(lambda: "max_price" in sent(NAMED), "an old list to be forgotten")
        finally:
            simulator.script("")
        control.advance(3600 + 600)
        wait_for(lambda: "max_price" not in sent(NAMED), "a new list")
        assert gateway.metrics()["gantry_catalogue_models"] > 0
