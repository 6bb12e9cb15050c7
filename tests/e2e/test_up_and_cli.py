"""`gantry up`, the main job; the configuration commands; and what is refused before anything starts."""

import re
import subprocess

import httpx
import pytest
from harness import secrets
from harness.process import Process, clean_environment, dev_binary, release_binary

QUICK = '[server]\ndrain_delay = "0s"\n'


@pytest.fixture
def run(tmp_path):
    def run_once(*arguments, environment: dict | None = None):
        return subprocess.run(
            [dev_binary(), *arguments],
            cwd=tmp_path,
            env=clean_environment(tmp_path, environment or {}),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run_once


@pytest.fixture
def write_config(tmp_path):
    def write(text: str):
        file = tmp_path / "gantry.toml"
        file.write_text(text)
        file.chmod(0o600)
        return file

    return write


@pytest.mark.release
@pytest.mark.parametrize("binary", [dev_binary, release_binary], ids=["dev", "release"])
def test_up_with_the_simulator_prints_a_curl_line_that_answers_and_fails_over(binary, tmp_path, write_config):
    write_config(QUICK)
    with Process([binary(), "up", "--sim", "--listen", "127.0.0.1:0"], tmp_path) as process:
        address = process.address()
        process.wait_for_line("^Next: ")
        output = process.output
        assert "SIMULATED" in output
        start = output.index("curl ")
        pasted = re.match(r"(?:.*\\\n)*.*", output[start:]).group(0)
        done = subprocess.run(["bash", "-c", pasted], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (pasted, done.stderr)
        assert '"choices"' in done.stdout or "data:" in done.stdout, done.stdout
        assert "anthropic/claude-3.5-sonnet" in pasted
        served = re.search(r'"model":\s*"([^"]+)"', done.stdout).group(1)
        assert served != "anthropic/claude-3.5-sonnet"
        ready = httpx.get(f"{address}/ready", trust_env=False)
        assert ready.status_code == 200 and "SIMULATED" in ready.text
        listed = httpx.get(f"{address}/api/v1/models", trust_env=False)
        assert listed.headers["x-gantry-simulated"] == "1"


def test_up_without_a_key_and_without_the_simulator_names_both_ways(run):
    done = run("up", "--listen", "127.0.0.1:0")
    assert done.returncode == 2
    told = done.stdout + done.stderr
    assert "OPENROUTER_API_KEY" in told and "--sim" in told


def test_up_serves_degraded_and_loud_when_only_upstream_fails(simulator, tmp_path, write_config):
    write_config(QUICK + '[routes.default]\nprimary = "anthropic/claude-3.5-sonnet"\n')
    environment = {"OPENROUTER_API_KEY": secrets.UPSTREAM_KEY, "OPENROUTER_BASE_URL": simulator.base_url}
    with Process([dev_binary(), "up", "--listen", "127.0.0.1:0"], tmp_path, environment) as process:
        address = process.address()
        process.wait_for_line("✗")
        body = {"model": "openai/gpt-4-turbo", "messages": [{"role": "user", "content": secrets.PROMPT}]}
        assert httpx.post(f"{address}/api/v1/chat/completions", json=body, trust_env=False, timeout=30).status_code == 200
    secrets.assert_clean(process.output, "the log")


def test_a_wrong_key_is_refused_at_the_start(simulator, tmp_path, write_config):
    write_config(QUICK)
    environment = {"OPENROUTER_API_KEY": "sk-or-v1-wrong000000000000", "OPENROUTER_BASE_URL": simulator.base_url}
    process = Process([dev_binary(), "up", "--listen", "127.0.0.1:0"], tmp_path, environment)
    try:
        assert process.wait() != 0
    finally:
        process.kill()
    assert "401" in process.output
    assert "wrong000000" not in process.output


@pytest.mark.parametrize(
    "arguments",
    [("serve", "--base-url", "http://127.0.0.1:9/api/v1?key=sk-or-v1-abcdefghijkl"), ("serve", "sk-or-v1-abcdefghijkl")],
)
def test_a_key_on_the_command_line_is_refused(run, arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "OPENROUTER_API_KEY" in done.stderr
    assert "abcdefghijkl" not in done.stdout + done.stderr


def test_a_key_in_the_configuration_is_refused(run, write_config):
    file = write_config('[upstream]\nkey = "sk-or-v1-abcdefghijkl"\n')
    done = run("config", "check", "--config", file)
    assert done.returncode == 2
    told = done.stdout + done.stderr
    assert "gantry.toml:2" in told and "env" in told
    assert "abcdefghijkl" not in told


def test_config_check_prints_every_error_with_its_line_and_remedy(run, write_config):
    file = write_config('[server]\nlisten = "nowhere"\ntypo = 1\n[routes.default]\nretries = 99\n[log]\nlevel = "loud"\n')
    done = run("config", "check", "--config", file)
    assert done.returncode == 2
    told = done.stdout + done.stderr
    for line in (2, 3, 5, 7):
        assert f"gantry.toml:{line}" in told, told


def test_config_show_tells_each_values_origin_and_no_secret(run, write_config):
    file = write_config('[routes.default]\nmax_tokens = 123\n')
    done = run(
        "config", "show", "--config", file, "--listen", "127.0.0.1:0",
        environment={"OPENROUTER_API_KEY": secrets.UPSTREAM_KEY, "OPENROUTER_BASE_URL": "http://127.0.0.1:9/api/v1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    secrets.assert_clean(done.stdout, "config show")
    lines = done.stdout.splitlines()
    for value, origin in (("123", "gantry.toml:2"), ("127.0.0.1:9/api", "OPENROUTER_BASE_URL"), ("127.0.0.1:0", "--listen")):
        assert any(value in line and origin in line for line in lines), done.stdout
    again = write_config(done.stdout)
    environment = {"OPENROUTER_API_KEY": secrets.UPSTREAM_KEY}
    assert run("config", "check", "--config", again, environment=environment).returncode == 0


def test_a_plain_http_upstream_beyond_loopback_must_be_asked_for(run):
    environment = {"OPENROUTER_API_KEY": secrets.UPSTREAM_KEY, "OPENROUTER_BASE_URL": "http://192.0.2.1/api/v1"}
    done = run("config", "check", environment=environment)
    assert done.returncode == 2
    assert "allow_plain_http" in done.stdout + done.stderr


def test_beyond_loopback_every_call_needs_a_client_key_or_the_operators_word(start_gateway):
    wide = '[server]\ndrain_delay = "0s"\n'
    closed = start_gateway(wide, listen="0.0.0.0:0")
    refused = closed.chat()
    assert refused.status_code == 401
    assert "gantry keys create" in refused.json()["error"]["metadata"]["gantry"]["remedy"]
    opened = start_gateway(wide + "allow_unauthenticated = true\n", listen="0.0.0.0:0")
    assert opened.chat().status_code == 200


def test_a_config_file_that_others_can_write_is_refused(run, write_config):
    file = write_config(QUICK)
    file.chmod(0o666)
    done = run("config", "check", "--config", file)
    assert done.returncode == 2
    assert "chmod" in done.stdout + done.stderr
