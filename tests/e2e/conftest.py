"""Fixtures: one simulator and one plain gateway for the tests that change nothing, fresh ones for those that do."""

import os
from pathlib import Path

import pytest
from harness.gateway import QUICK, Gateway
from harness.process import ROOT
from harness.simulator import Simulator

# Every fault shows as itself: no second model, no second try.
BARE = 'fallback_for_plain_ids = false\n' + QUICK + '[routes.default]\nretries = 0\n'


@pytest.fixture(scope="session")
def simulator(tmp_path_factory):
    with Simulator(tmp_path_factory.mktemp("sim")) as process:
        yield process


@pytest.fixture(scope="module")
def own_simulator(tmp_path_factory):
    """Of one file's tests alone: nobody else spends."""
    with Simulator(tmp_path_factory.mktemp("sim")) as process:
        yield process


@pytest.fixture(scope="session")
def gateway(simulator, tmp_path_factory):
    """No fallback and no retry, so that each upstream fault is seen once and as what it is."""
    with Gateway(tmp_path_factory.mktemp("gateway"), simulator.base_url, BARE) as process:
        yield process


@pytest.fixture(scope="session")
def default_gateway(simulator, tmp_path_factory):
    """Everything at its default but the drain delay: the default chain, fallback for plain ids."""
    with Gateway(tmp_path_factory.mktemp("default"), simulator.base_url) as process:
        yield process


@pytest.fixture(autouse=True)
def breakers_closed():
    """What one test did to a model is nothing to the next, though they share a gateway."""
    for running in Gateway.running:
        if running.process.alive:
            running.close_breakers()


@pytest.fixture
def start_gateway(simulator, tmp_path):
    """Starts a gateway of the test's own: start_gateway(config, base_url=...)."""
    started = []

    def start(config: str = QUICK, base_url: str | None = None, **options) -> Gateway:
        folder = tmp_path / f"gateway-{len(started)}"
        folder.mkdir()
        process = Gateway(folder, base_url or simulator.base_url, config, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.__exit__(None, None, None)


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Facts that are not part of the project; tests that need them are skipped without."""
    folder = Path(os.environ.get("GANTRY_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the folder with the shared facts is absent (GANTRY_SHARED)")
    return folder
