"""What somebody should hear of: events in the log, each once, whoever sees it and however often the gateway starts."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness import secrets
from harness.control import Control
from harness.gateway import QUICK, error_of
from harness.money import ADMIN, Books, Caller, wait_quiet
from harness.simulator import Simulator
from harness.waiting import wait_for

HOUR = 3600
NINE = 1_790_067_600  # 2026-09-22T09:00:00Z, a Tuesday
CONFIG = "fallback_for_plain_ids = false\n" + QUICK + "[routes.default]\nretries = 0\n"


@pytest.fixture
def simulator(tmp_path):
    with Simulator(tmp_path) as process:
        yield process


def events(books: Books, kind: str) -> list[dict[str, str]]:
    """The fields of each event of this kind in the log, in their order."""
    lines = [line for line in books.gateway.process.log if re.search(rf"Z \w+ {kind} ", line)]
    for line in lines:
        secrets.assert_clean(line, "an event")
    return [dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)) for line in lines]


class Spender:
    """One key, and calls that cost what a test says."""

    def __init__(self, books: Books, simulator: Simulator):
        self.books, self.simulator = books, simulator
        self.id, self.key = books.make_key()

    def spend(self, factor: int = 1) -> None:
        """A call of some $0.0006 times `factor`; returns when it is booked."""
        before = self.books.used()
        self.simulator.script(f"model * answers bill-factor={factor}\n")
        caller = Caller(self.books.gateway.url, self.key)
        assert caller.plain("openai/gpt-4-turbo", 20).status_code == 200
        caller.close()
        wait_quiet(self.simulator)
        wait_for(lambda: self.books.used() > before, "the cost to be booked")


def start_at(books: Books, moment: int) -> Control:
    """Starts the gateway with its clock held at that moment."""
    control = Control(wall_seconds=moment)
    books.start(environment=control.environment)
    control.advance(2)
    return control


def test_an_hour_that_costs_like_no_other_is_told_once_for_each_account(simulator, tmp_path):
    with Books(tmp_path / "gantry", simulator, CONFIG) as books:
        control = start_at(books, NINE)
        spender = Spender(books, simulator)
        for _ in range(24):
            spender.spend()
            control.advance(HOUR)
        spender.spend(factor=100)
        control.advance(2)
        assert events(books, "burn") == [], "less than a dollar is nobody's alarm"
        spender.spend(factor=10_000)
        wait_for(lambda: (control.advance(1.1), len(events(books, "burn")) >= 3)[1], "the events")
        told = events(books, "burn")
        assert {each["hour"] for each in told} == {"2026-09-23T09:00:00Z"}
        accounts = {each["account"] for each in told}
        assert len(told) == len(accounts) == 3, "the key, its project and the organisation"
        assert all(float(each["cost_usd"]) >= 1 and float(each["usual_usd"]) < 0.01 for each in told)
        spender.spend(factor=10_000)
        control.advance(2)
        books.stop()
        control.close()

        control = start_at(books, NINE + 24 * HOUR + 600)
        spender.spend(factor=10_000)
        control.advance(2)
        assert events(books, "burn") == [], "told before the restart"
        control.advance(HOUR)
        spender.spend(factor=10_000)
        told = wait_for(lambda: (control.advance(1.1), events(books, "burn"))[1], "the event of another hour")
        assert {each["hour"] for each in told} == {"2026-09-23T10:00:00Z"}
        books.stop()
        control.close()


# ---- credit at upstream


def strangers_spend(simulator: Simulator, usd: str) -> None:
    simulator.http.post("/sim/spend", json={"usd": usd}).raise_for_status()


def gauge(books: Books, name: str) -> float | None:
    return books.gateway.metrics().get(f'gantry_upstream_key_{name}{{key="key-1"}}')


def look(books: Books, control: Control) -> None:
    """Lets time pass until OpenRouter has told of the key anew, and what follows from that is through."""
    control.advance(75)
    wait_for(lambda: (gauge(books, "told_age_seconds") or 0) <= 3 or control.advance(0.5), "another look")
    for _ in range(3):
        control.advance(0.2)
        books.gateway.http.get("/health").raise_for_status()


def wait_first_look(books: Books, control: Control) -> None:
    wait_for(lambda: gauge(books, "usage_usd") is not None or control.advance(1.1), "the first look")


def wait_states(books: Books, control: Control, *states: str) -> list[dict[str, str]]:
    """Until these are the states that were told of, and no others."""

    def told():
        control.advance(1.1)
        return events(books, "credit")

    wait_for(lambda: [each["state"] for each in told()] == list(states), f"{states} in {events(books, 'credit')}")
    return events(books, "credit")


def test_little_and_no_credit_are_told_once_and_again_after_there_was_more(simulator, tmp_path):
    with Books(tmp_path / "gantry", simulator, CONFIG) as books:
        control = start_at(books, NINE)
        wait_first_look(books, control)
        assert gauge(books, "left_usd") == 100
        strangers_spend(simulator, "89.9")
        look(books, control)
        assert gauge(books, "left_usd") == pytest.approx(10.1) and events(books, "credit") == []
        strangers_spend(simulator, "1")
        look(books, control)
        told = wait_states(books, control, "low")[0]
        assert told == {"scope": "key", "name": "key-1", "state": "low", "left_usd": "9.1", "wanted_usd": "10"}
        strangers_spend(simulator, "1")
        look(books, control)
        wait_states(books, control, "low")
        strangers_spend(simulator, "9")
        look(books, control)
        assert wait_states(books, control, "low", "out")[1]["left_usd"] == "-0.9"
        wait_for(lambda: books.gateway.breakers()["key", "key-1"]["reason"] == "out_of_money", "the key to be set aside")
        simulator.http.post("/sim/reset").raise_for_status()
        look(books, control)
        wait_states(books, control, "low", "out", "fine")
        strangers_spend(simulator, "95")
        look(books, control)
        wait_states(books, control, "low", "out", "fine", "low")
        books.stop()
        control.close()

        control = start_at(books, NINE + HOUR)
        wait_first_look(books, control)
        look(books, control)
        assert gauge(books, "left_usd") == 5 and events(books, "credit") == [], "told before the restart"
        books.stop()
        control.close()


def test_a_402_is_told_at_once_and_once(simulator, tmp_path):
    with Books(tmp_path / "gantry", simulator, CONFIG) as books:
        control = start_at(books, NINE)
        wait_first_look(books, control)
        strangers_spend(simulator, "101")
        assert books.gateway.chat(max_tokens=20).status_code != 200
        wait_for(lambda: books.gateway.breakers()["key", "key-1"].get("reason") == "out_of_money", "the key to be set aside")
        wait_states(books, control, "out")
        assert books.gateway.chat(max_tokens=20).status_code == 503
        look(books, control)
        wait_states(books, control, "out")
        books.stop()
        control.close()


class Upstream(ThreadingHTTPServer):
    """As much of OpenRouter as is asked about money, when it answers."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.well = True
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a head and a body go out as two writes

    def do_GET(self):
        self.server.asked.append(self.path)
        text = json.dumps({"data": {"usage": 1, "limit_remaining": None}}).encode()
        self.send_response(200 if self.server.well else 503)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def test_upstream_is_asked_more_rarely_while_it_does_not_answer(simulator, tmp_path, start_gateway):
    upstream = Upstream()
    with Control() as control:
        gateway = start_gateway(
            CONFIG, base_url=f"http://127.0.0.1:{upstream.server_port}/api/v1", environment=control.environment
        )
        asked = lambda: upstream.asked.count("/api/v1/key")  # noqa: E731
        wait_for(lambda: asked() == 1 or control.advance(1.1), "the first look")
        upstream.well = False
        for _ in range(30):
            control.advance(60)
            gateway.http.get("/health").raise_for_status()
        assert 3 <= asked() <= 7, "not thirty times in thirty minutes"
        gateway.process.wait_for_line(r"warn money_watch path=/key key=key-1 error=\"status 503\"")
        upstream.well = True
        before = asked()
        wait_for(lambda: asked() > before or control.advance(120), "another look")
        gateway.process.wait_for_line(r"info money_watch looks_failed=\d")
        assert len([line for line in gateway.process.log if "money_watch" in line]) == 2
    upstream.shutdown()
    upstream.server_close()


# ---- the whole account


def test_the_accounts_credit_is_told_to_who_has_the_admin_token(simulator, tmp_path):
    config = CONFIG + "[watch]\ncredits = true\n"
    environment = {"OPENROUTER_MANAGEMENT_KEY": "sk-or-mgmt-0123456789abcdef"}
    with Books(tmp_path / "gantry", simulator, config, environment) as books:
        control = start_at(books, NINE)
        ask = lambda path="/api/v1/credits", **headers: books.gateway.http.get(path, headers=headers or ADMIN)  # noqa: E731
        assert error_of(ask(), 503)["message"].startswith("OpenRouter has not told")
        told = wait_for(lambda: (control.advance(1.1), ask())[1].status_code == 200 and ask(), "the account's credit")
        assert told.json() == {"data": {"total_credits": 1000, "total_usage": 0}}
        assert ask("/v1/credits").json() == told.json()
        assert books.gateway.metrics()["gantry_upstream_account_left_usd"] == 1000
        assert "mgmt" not in books.gateway.process.output

        _, key = books.make_key()
        remedy = error_of(ask(authorization=f"Bearer {key}"), 403)["metadata"]["gantry"]["remedy"]
        assert "GANTRY_ADMIN_TOKEN" in remedy
        assert "GANTRY_ADMIN_TOKEN" in error_of(ask(authorization=""), 401)["metadata"]["gantry"]["remedy"]

        other = simulator.http.post(
            "/api/v1/keys", json={"name": "other"}, headers={"authorization": "Bearer sk-or-mgmt-0123456789abcdef"}
        ).json()["key"]
        simulator.http.post("/sim/spend", json={"usd": "995", "key": other}).raise_for_status()
        look(books, control)
        states = wait_states(books, control, "low")
        assert states[0] == {"scope": "account", "name": "openrouter", "state": "low", "left_usd": "5", "wanted_usd": "10"}
        assert ask().json() == {"data": {"total_credits": 1000, "total_usage": 995}}
        books.stop()
        control.close()


def test_without_a_management_key_the_accounts_credit_is_not_known(simulator, tmp_path):
    with Books(tmp_path / "gantry", simulator, CONFIG) as books:
        books.start()
        error = error_of(books.gateway.http.get("/api/v1/credits", headers=ADMIN), 404)
        assert "watch.credits" in error["metadata"]["gantry"]["remedy"]
        error_of(books.gateway.http.post("/api/v1/credits", json={}, headers=ADMIN), 405)
        books.stop()
