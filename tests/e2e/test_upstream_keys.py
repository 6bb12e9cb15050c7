"""`gantry upstream-keys` against the simulator's management API, through the real binary."""

import json
import subprocess

import pytest
from harness.process import clean_environment, dev_binary
from harness.secrets import PROMPT
from harness.simulator import Simulator

MANAGEMENT_KEY = "sk-or-mgmt-canary-0123456789abcdef"


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    with Simulator(tmp_path_factory.mktemp("management")) as process:
        yield process


@pytest.fixture
def run(upstream, tmp_path):
    """Runs a verb; the management key must show up nowhere."""

    def run(*arguments: str, key: str | None = MANAGEMENT_KEY, config: str = "", base_url: str | None = None, code: int = 0):
        file = tmp_path / "gantry.toml"
        file.write_text(config)
        file.chmod(0o600)
        environment = {"OPENROUTER_BASE_URL": base_url or upstream.base_url}
        if key:
            environment["OPENROUTER_MANAGEMENT_KEY"] = key
        done = subprocess.run(
            [dev_binary(), "upstream-keys", *arguments, "--config", file],
            cwd=tmp_path,
            env=clean_environment(tmp_path, environment),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert MANAGEMENT_KEY not in done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def call(upstream):
    """The status of a completion with a key."""

    def call(key: str) -> int:
        body = {"model": "sim/plain", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 5}
        headers = {"authorization": f"Bearer {key}"}
        return upstream.http.post("/api/v1/chat/completions", json=body, headers=headers).status_code

    return call


def show(run, key: str) -> dict:
    return json.loads(run("show", key, "--format", "json").stdout)


def test_a_made_key_is_printed_alone_and_works(run, call):
    made = run("create", "--name", "alone", "--limit", "$50", "--reset", "monthly", "--expires", "2035-12-31")
    key = made.stdout.strip()
    assert made.stdout == f"{key}\n" and key.startswith("sk-or-v1-")
    assert key not in made.stderr and "secret store" in made.stderr
    assert call(key) == 200
    info = show(run, "alone")
    assert (info["limit"], info["limit_reset"], info["expires_at"]) == ("50", "monthly", "2035-12-31T23:59:59.000Z")
    for listing in (run("list"), run("list", "--format", "json"), run("show", "alone")):
        assert "alone" in listing.stdout and key not in listing.stdout


def test_update_changes_what_is_given_and_nothing_else(run):
    run("create", "--name", "changing", "--limit", "5 USD", "--reset", "daily")
    changed = json.loads(run("update", "changing", "--limit", "none", "--format", "json").stdout)
    assert (changed["limit"], changed["limit_reset"], changed["name"]) == (None, "daily", "changing")
    renamed = json.loads(run("update", changed["hash"][:10], "--name", "changed", "--format", "json").stdout)
    assert (renamed["hash"], renamed["name"], renamed["limit_reset"]) == (changed["hash"], "changed", "daily")


def test_a_rotation_keeps_both_keys_until_the_old_one_is_disabled_and_deleted(run, call):
    old = json.loads(run("create", "--name", "turning", "--limit", "$7", "--reset", "weekly", "--format", "json").stdout)
    new = run("rotate", "turning")
    key = new.stdout.strip()
    assert call(old["key"]) == call(key) == 200
    old_hash = old["info"]["hash"]
    assert f"gantry upstream-keys disable {old_hash}" in new.stderr
    listed = json.loads(run("list", "--format", "json").stdout)["keys"]
    twins = [k for k in listed if k["name"] == "turning"]
    assert len(twins) == 2 and {(k["limit"], k["limit_reset"]) for k in twins} == {("7", "weekly")}
    assert "2 keys have this" in run("show", "turning", code=1).stderr
    run("disable", old_hash)
    assert (call(old["key"]), call(key)) == (401, 200)
    assert "turning" not in run("list").stdout.replace("turning", "", 1), "the disabled one is listed only on demand"
    assert run("list", "--all").stdout.count("turning") == 2
    run("update", old_hash, "--enable")
    assert call(old["key"]) == 200
    run("delete", old_hash)
    assert (call(old["key"]), call(key)) == (401, 200)


def test_a_rotation_can_disable_the_old_key_at_once(run, call):
    old = run("create", "--name", "swift").stdout.strip()
    new = run("rotate", "swift", "--disable-old").stdout.strip()
    assert (call(old), call(new)) == (401, 200)


def test_the_key_may_come_from_where_the_configuration_says(run, tmp_path):
    secret = tmp_path / "management"
    secret.write_text(MANAGEMENT_KEY)
    secret.chmod(0o600)
    config = f'[upstream]\nmanagement_key = {{ file = "{secret}" }}\n'
    assert "NAME" in run("list", key=None, config=config).stdout


@pytest.mark.parametrize(
    ("key", "script", "arguments", "told"),
    [
        (None, "", ["list"], ["no management key", "OPENROUTER_MANAGEMENT_KEY"]),
        ("sk-or-v1-nobody-knows-this-key-at-all", "", ["list"], ["401", "does not know the management key"]),
        (MANAGEMENT_KEY, "path /keys answers 403", ["list"], ["403", "no management key"]),
        (MANAGEMENT_KEY, "path /keys answers 429", ["create", "--name", "x"], ["429", "wait a minute"]),
        (MANAGEMENT_KEY, "path /keys* answers status=502;shape=html", ["list"], ["502", "status.openrouter.ai"]),
        (MANAGEMENT_KEY, "", ["show", "0" * 64], ["404", "there is no such key"]),
        (MANAGEMENT_KEY, "", ["delete", "nothing-of-that-name"], ["no key has this", "list --all"]),
    ],
    ids=["none", "unknown", "ordinary", "too often", "html", "no such hash", "no such name"],
)
def test_an_error_says_what_happened_why_and_what_to_do(run, upstream, key, script, arguments, told):
    upstream.script(script)
    try:
        done = run(*arguments, key=key, code=1)
    finally:
        upstream.script("")
    assert done.stdout == ""
    for words in told:
        assert words in done.stderr


def test_an_upstream_that_is_not_there_is_told(run):
    assert "upstream.base_url" in run("list", base_url="http://127.0.0.1:1/api/v1", code=1).stderr


def test_config_show_prints_the_reference_alone(run, tmp_path):
    done = subprocess.run(
        [dev_binary(), "config", "show"],
        cwd=tmp_path,
        env=clean_environment(tmp_path, {"OPENROUTER_MANAGEMENT_KEY": MANAGEMENT_KEY}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert 'management_key = { env = "OPENROUTER_MANAGEMENT_KEY" }' in done.stdout
    assert MANAGEMENT_KEY not in done.stdout + done.stderr
