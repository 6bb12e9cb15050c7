"""SIGHUP changes the configuration and drops nothing; SIGTERM ends well, at the pace it was told."""

import json
import re
import signal
import threading

import httpx
import pytest
from harness import secrets
from harness.control import Control
from harness.gateway import QUICK, sse_events
from harness.waiting import wait_for

ROUTE = '[routes.fast]\nprimary = "{model}"\nfallbacks = []\n'


class Streaming:
    """A stream that is being read by a thread of its own."""

    def __init__(self, gateway, model: str, **fields):
        self.text = ""
        self.status: int | None = None
        self._body = {"model": model, "messages": [{"role": "user", "content": secrets.PROMPT}], "stream": True} | fields
        self._url = f"{gateway.base_url}/chat/completions"
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            with client.stream("POST", self._url, json=self._body) as response:
                self.status = response.status_code
                for piece in response.iter_text():
                    self.text += piece

    def wait_begun(self) -> "Streaming":
        wait_for(lambda: "data:" in self.text, "the stream's first event")
        return self

    def wait_ended(self) -> list[str]:
        self._thread.join(30)
        assert not self._thread.is_alive(), f"the stream goes on: {self.text[-300:]}"
        return sse_events(self.text)


def test_a_reload_takes_effect_for_the_next_call(start_gateway, simulator):
    gateway = start_gateway(QUICK + ROUTE.format(model="openai/gpt-4-turbo"))
    before = simulator.mark()
    assert gateway.chat(model="fast", max_tokens=5).status_code == 200
    start = gateway.reload(QUICK + ROUTE.format(model="openai/gpt-3.5-turbo"))
    gateway.process.wait_for_line(r"(?i)reload", start)

    def served_by_the_new_one():
        assert gateway.chat(model="fast", max_tokens=5).status_code == 200
        return before.models()[-1] == "openai/gpt-3.5-turbo"

    wait_for(served_by_the_new_one, "the new configuration")


def test_a_bad_configuration_is_refused_and_the_old_one_stays(start_gateway):
    gateway = start_gateway(QUICK + ROUTE.format(model="openai/gpt-4-turbo"))
    start = gateway.reload("[server]\nno_such_setting = 1\n")
    gateway.process.wait_for_line("no_such_setting", start)
    assert gateway.chat(model="fast", max_tokens=5).status_code == 200
    assert gateway.http.get("/ready").status_code == 200


def test_a_reload_drops_no_call(start_gateway):
    gateway = start_gateway(QUICK)
    stream = Streaming(gateway, "sim/slow-tokens", max_tokens=20).wait_begun()
    start = gateway.reload(QUICK + ROUTE.format(model="openai/gpt-4-turbo"))
    gateway.process.wait_for_line(r"(?i)reload", start)
    assert stream.wait_ended()[-1] == "[DONE]"


def test_what_needs_a_restart_says_so(start_gateway):
    gateway = start_gateway(QUICK)
    for _ in range(2):  # as long as the process runs with the old value
        start = gateway.reload(QUICK + "threads = 1\n")
        gateway.process.wait_for_line("reload_needs_restart.*server.threads: 0 -> 1", start)
    start = gateway.reload(QUICK)
    gateway.process.wait_for_line("reloaded", start)
    assert not any("reload_needs_restart" in line for line in gateway.process.lines[start:])
    assert gateway.http.get("/ready").status_code == 200


def test_a_call_under_way_is_finished_before_the_end(start_gateway):
    gateway = start_gateway(QUICK)
    stream = Streaming(gateway, "sim/slow-tokens", max_tokens=20).wait_begun()
    gateway.process.signal(signal.SIGTERM)
    assert stream.wait_ended()[-1] == "[DONE]"
    assert gateway.process.wait() == 0


def test_a_stream_past_the_drain_limit_is_ended_with_an_error_event(start_gateway):
    gateway = start_gateway('[server]\ndrain_delay = "0s"\ndrain_limit = "200ms"\n')
    stream = Streaming(gateway, "sim/stall-mid-stream").wait_begun()
    gateway.process.signal(signal.SIGTERM)
    last = [event for event in stream.wait_ended() if event != "[DONE]"][-1]
    assert json.loads(last)["error"]["code"] == 503
    assert gateway.process.wait() == 0


def test_a_second_sigterm_ends_it_at_once(start_gateway):
    gateway = start_gateway('[server]\ndrain_delay = "1h"\n')
    gateway.process.signal(signal.SIGTERM)
    wait_for(lambda: gateway.http.get("/ready").status_code == 503, "/ready to say that it drains")
    gateway.process.signal(signal.SIGTERM)
    gateway.process.wait()


def test_draining_is_told_at_once_and_listeners_close_after_the_delay(start_gateway):
    """With the clock in hand: nothing here waits for five seconds to pass."""
    with Control() as control:
        gateway = start_gateway('[server]\ndrain_delay = "5s"\n', environment=control.environment)
        assert gateway.http.get("/ready").status_code == 200
        gateway.process.signal(signal.SIGTERM)
        wait_for(lambda: httpx.get(f"{gateway.url}/ready", trust_env=False).status_code == 503, "/ready to say 503")
        response = httpx.get(f"{gateway.url}/health", trust_env=False)
        assert response.status_code == 200
        assert response.headers["connection"].lower() == "close"
        answered = gateway.chat(max_tokens=5)
        assert answered.status_code == 200, "calls are still served during the delay"
        control.advance(5.1)
        assert gateway.process.wait() == 0


def test_a_silent_upstream_is_given_up_at_its_time_and_the_next_model_answers(start_gateway, simulator):
    with Control() as control:
        gateway = start_gateway(
            QUICK + '[routes.quiet]\nprimary = "sim/stall-headers"\nfallbacks = ["openai/gpt-4-turbo"]\n'
            '[routes.quiet.timeouts]\nsilence = "60s"\n',
            environment=control.environment,
        )
        before = simulator.mark()
        stream = Streaming(gateway, "quiet", max_tokens=10)
        wait_for(lambda: before.models() == ["sim/stall-headers"], "the first attempt")
        control.advance(61)
        assert stream.wait_ended()[-1] == "[DONE]"
        assert before.models() == ["sim/stall-headers", "openai/gpt-4-turbo"]


@pytest.mark.parametrize("setting", ["drain_delay", "drain_limit"])
def test_durations_need_a_unit(start_gateway, setting):
    gateway = start_gateway(QUICK)
    start = gateway.reload(f"[server]\n{setting} = 5\n")
    line = gateway.process.wait_for_line(re.compile(f".*{setting}.*"), start).group(0)
    assert "gantry.toml:2" in line
