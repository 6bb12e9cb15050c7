"""Prices outlive the process: a gateway that starts while OpenRouter's lists cannot be read knows bounds and costs from the
last good list, says how old that is, and takes the next one as soon as it comes."""

import re

import pytest
from harness.control import Control
from harness.money import Books, Caller, usd
from harness.simulator import Simulator
from harness.waiting import wait_for

UNREADABLE = "path /models answers 500\n"
HOUR = 3600


@pytest.fixture
def simulator(tmp_path):
    folder = tmp_path / "sim"
    folder.mkdir()
    with Simulator(folder) as process:
        yield process


def kept_lines(books: Books) -> list[str]:
    return [line for line in books.gateway.process.lines if "kept_prices" in line]


def wait_kept(books: Books) -> str:
    rows = wait_for(lambda: books.rows("SELECT body FROM documents WHERE name = 'prices.at'"), "the list to be kept")
    return rows[0][0]


def test_a_gateway_without_lists_bounds_calls_by_the_last_good_one(simulator, tmp_path):
    with Books(tmp_path / "books", simulator) as books:
        books.start()
        _, key = books.make_key(total="1")
        first = Caller(books.gateway.url, key)
        refused = first.plain()
        assert refused.status_code in (200, 503), "503 while no list ever came"
        books.gateway.wait_for_catalogue()
        assert kept_lines(books) == []
        assert first.plain().status_code == 200
        wait_kept(books)
        bounded = books.gateway.http.post("/api/v1/chat/completions", json=first.body("openai/gpt-4.1-mini", 10**9, False),
                                          headers={"authorization": f"Bearer {key}"})  # fmt: skip
        assert bounded.status_code == 402
        books.stop()

        simulator.script(UNREADABLE)
        books.start()
        assert re.search(r"kept_prices.*models=\d+.*age_s=\d+", kept_lines(books)[0]), kept_lines(books)
        assert books.gateway.metrics()["gantry_catalogue_models"] == 0, "an old list says nothing of what models can do"
        again = Caller(books.gateway.url, key)
        answer = again.plain()
        assert answer.status_code == 200, answer.text
        bounded = again.http.post("/api/v1/chat/completions", json=again.body("openai/gpt-4.1-mini", 10**9, False))
        assert bounded.status_code == 402 and "does not hold this call" in bounded.json()["error"]["message"]
        status, text = again.stream(tokens=50)
        assert status == 200 and "[DONE]" in text
        assert 0 < books.used() < usd("1")


def test_an_old_list_tells_its_age_and_gives_way_to_the_next(simulator, tmp_path):
    with Books(tmp_path / "books", simulator) as books:
        with Control() as control:
            books.start(environment=control.environment)
            control.advance(1.2)
            books.gateway.wait_for_catalogue()
            told = int(wait_kept(books))
            books.stop()
        simulator.script(UNREADABLE)
        later = told + 30 * HOUR
        with Control(wall_seconds=later) as control:
            books.start(environment=control.environment)
            (line,) = kept_lines(books)
            assert f"age_s={30 * HOUR}" in line
            simulator.script("")
            control.advance(1.2)
            books.gateway.wait_for_catalogue()
            assert books.gateway.metrics()["gantry_catalogue_age_seconds"] == 0
            wait_for(lambda: int(wait_kept(books)) >= later, "the list to be dated anew")


def test_the_prices_of_another_upstream_are_not_used(simulator, tmp_path):
    with Books(tmp_path / "books", simulator) as books:
        books.start().wait_for_catalogue()
        _, key = books.make_key(total="1")
        wait_kept(books)
        books.stop()
        other = tmp_path / "other"
        other.mkdir()
        with Simulator(other) as stranger:
            stranger.script(UNREADABLE)
            books.simulator = stranger
            books.start()
            assert "of another upstream" in kept_lines(books)[0]
            answer = Caller(books.gateway.url, key).plain()
            assert answer.status_code == 503 and "prices are not known yet" in answer.text
            books.stop()
