"""The eyes: alive, ready, evidence of OpenRouter, and figures that add up."""

import json
import re

import pytest
from harness import secrets
from harness.gateway import QUICK, Gateway


@pytest.fixture
def fresh(start_gateway):
    return start_gateway("fallback_for_plain_ids = false\n" + QUICK + "[routes.default]\nretries = 0\n")


def test_alive_and_ready_do_not_depend_on_openrouter(start_gateway):
    gateway = start_gateway(base_url="http://127.0.0.1:9/api/v1")
    assert gateway.http.get("/health").status_code == 200
    assert gateway.http.get("/ready").status_code == 200


def test_without_evidence_nothing_is_claimed(fresh, simulator):
    before = simulator.mark()
    answer = fresh.http.get("/health/openrouter")
    told = answer.json()
    assert told["response_received"] is False
    assert told["evidence"] == "none"
    assert before.attempts() == [], "asking costs nothing"


def test_a_real_call_is_the_evidence(fresh):
    assert fresh.chat(max_tokens=5).status_code == 200
    answer = fresh.http.get("/health/openrouter")
    told = answer.json()
    assert answer.status_code == 200
    assert (told["status"], told["response_received"], told["evidence"]) == ("healthy", True, "traffic")
    assert told["model"].startswith("openai/gpt-4-turbo")


def test_failures_alone_are_unhealthy(fresh):
    assert fresh.chat(model="sim/status-503").status_code == 503
    answer = fresh.http.get("/health/openrouter")
    told = answer.json()
    assert answer.status_code == 503
    assert (told["status"], told["response_received"]) == ("unhealthy", False)
    secrets.assert_clean(answer.text, "/health/openrouter")


def test_the_probe_asks_once_a_window(start_gateway, simulator):
    gateway = start_gateway(QUICK + "[health]\nprobe = true\n")
    before = simulator.mark()
    answers = [gateway.http.get("/health/openrouter") for _ in range(5)]
    assert answers[-1].status_code == 200, answers[-1].text
    assert answers[-1].json()["evidence"] == "probe"
    assert len(before.attempts()) == 1


def test_the_metrics_are_prometheus_text(fresh):
    fresh.chat(max_tokens=5)
    response = fresh.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    typed = set()
    sample = re.compile(r'^([a-zA-Z_:][\w:]*)(\{([a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? [-+]?([\d.]+(e[-+]?\d+)?|Inf|NaN)$')
    for line in response.text.splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif line and not line.startswith("#"):
            found = sample.match(line)
            assert found, line
            name = re.sub(r"_(bucket|sum|count)$", "", found.group(1))
            assert name in typed or found.group(1) in typed, f"no # TYPE for {line}"


def total(metrics: dict[str, float], name: str, *labels: str) -> float:
    return sum(v for sample, v in metrics.items() if sample.split("{")[0] == name and all(label in sample for label in labels))


def test_calls_attempts_tokens_and_cost_are_counted(fresh):
    before = fresh.metrics()
    replies = [fresh.chat(max_tokens=20).json() for _ in range(3)]
    fresh.chat(model="sim/status-503")
    after = fresh.metrics()

    def grown(name, *labels):
        return total(after, name, *labels) - total(before, name, *labels)

    assert grown("gantry_calls_total") == 4
    assert grown("gantry_attempts_total", 'outcome="delivered"') == 3
    assert grown("gantry_attempts_total", 'outcome="overloaded"') == 1
    assert grown("gantry_tokens_total") == sum(r["usage"]["total_tokens"] for r in replies)
    assert grown("gantry_cost_usd_total") == pytest.approx(sum(r["usage"]["cost"] for r in replies), rel=1e-9)


def test_refusals_and_calls_are_counted_apart(fresh):
    before = fresh.metrics()
    fresh.chat(model="no-prefix")
    after = fresh.metrics()
    assert total(after, "gantry_calls_total") == total(before, "gantry_calls_total")
    assert total(after, "gantry_refused_total") == total(before, "gantry_refused_total") + 1


def test_one_structured_log_line_a_call_without_prompt_answer_or_key(simulator, tmp_path):
    with Gateway(tmp_path, simulator.base_url, QUICK + '[log]\nformat = "json"\n') as gateway:
        reply = gateway.chat(max_tokens=30).json()
        found = gateway.process.wait_for_line(r'.*"call".*' + re.escape(reply["id"]) + ".*")
        line = json.loads(found.group(0))
        assert line["status"] == 200
        answer = reply["choices"][0]["message"]["content"]
    assert answer not in gateway.process.output
    matching = [text for text in gateway.process.lines if reply["id"] in text]
    assert len(matching) == 1
    for text in gateway.process.log:
        json.loads(text)
