"""`gantry breakers`: the list of a running gateway, and closing what is open, from the command line."""

import json
import subprocess

import pytest
from harness.gateway import QUICK, error_of
from harness.process import clean_environment, dev_binary

GONE = "anthropic/claude-3.5-sonnet"


@pytest.fixture
def breakers(tmp_path):
    def run(*arguments) -> subprocess.CompletedProcess:
        return subprocess.run(
            [dev_binary(), "breakers", *arguments],
            cwd=tmp_path,
            env=clean_environment(tmp_path, {}),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def gateway(start_gateway):
    """One model is known to be gone, two more have failed often enough to be left alone."""
    gateway = start_gateway(QUICK + "[routes.default]\nretries = 0\n")
    for model in [GONE, *["sim/status-503"] * 5, *["sim/status-500"] * 5]:
        gateway.chat(model=model, headers={"x-gantry-fallback": "none"})
    return gateway


def shut(gateway) -> set[str]:
    return {name for (_, name), each in gateway.breakers().items() if each["state"] != "closed"}


def test_the_list_begins_with_what_is_left_alone(breakers, gateway):
    done = breakers("--url", gateway.url)
    assert (done.returncode, done.stderr) == (0, "")
    head, *lines, sum_line = done.stdout.splitlines()
    assert head.split() == ["SCOPE", "NAME", "IN", "STATE", "REASON", "FOR", "ASKED", "AGAIN"]
    assert {line.split()[1] for line in lines[:3]} == {GONE, "sim/status-503", "sim/status-500"}
    assert all(line.split()[3] == "open" for line in lines[:3])
    assert all("closed" in line for line in lines[3:])
    assert sum_line == f"3 of {len(lines)} not closed"


def test_programs_get_what_the_admin_api_answers(breakers, gateway):
    done = breakers("--url", gateway.url, "--format", "json")
    assert done.returncode == 0
    listed = {(each["scope"], each["name"]): each for each in json.loads(done.stdout)["data"]}
    assert listed.keys() == gateway.breakers().keys()
    assert listed["model", GONE]["reason"] == "gone"


def test_one_is_closed_by_its_name_and_then_the_rest(breakers, gateway):
    assert breakers("reset", GONE, "--url", gateway.url).stdout == "1 closed\n"
    assert shut(gateway) == {"sim/status-503", "sim/status-500"}
    assert breakers("reset", GONE, "--url", gateway.url).stdout == "0 closed\n"
    assert json.loads(breakers("--url", gateway.url, "--format", "json", "reset").stdout) == {"closed": 2}
    assert shut(gateway) == set()
    gateway.process.wait_for_line(rf"breaker .*name={GONE} change=closed reason=gone by=operator")


def test_a_name_that_nothing_has_is_a_wrong_command_line(breakers, gateway):
    done = breakers("reset", "acme/none", "--url", gateway.url)
    assert done.returncode == 2
    assert "No breaker is named acme/none." in done.stderr
    assert len(shut(gateway)) == 3


def test_where_the_gateway_is_comes_from_the_configuration(breakers, gateway, tmp_path):
    (tmp_path / "gantry.toml").write_text(f'[server]\nlisten = "{gateway.url.removeprefix("http://")}"\n')
    (tmp_path / "gantry.toml").chmod(0o600)
    done = breakers()
    assert done.returncode == 0, done.stderr
    assert GONE in done.stdout


def test_without_a_server_it_says_so_and_what_to_do(breakers):
    done = breakers("--url", "http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (1, "")
    assert "http://127.0.0.1:9: " in done.stderr and "gantry up" in done.stderr


def test_another_server_than_a_gateway_is_told_apart(breakers, simulator):
    done = breakers("--url", simulator.url)
    assert (done.returncode, done.stdout) == (1, "")
    assert simulator.url in done.stderr


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"nmae":"x"}', b'{"name":7}', b'{"name":"x","all":true}'])
def test_what_is_not_understood_closes_nothing(gateway, body):
    response = gateway.http.post(
        "/admin/v1/breakers/reset", content=body, headers={"content-type": "application/json"}
    )
    error_of(response, 400)
    assert len(shut(gateway)) == 3
