"""`gantry verify`: the launch checks, as a table for people and as JSON for programs."""

import json
import re
import subprocess

import pytest
from harness import secrets
from harness.process import clean_environment, dev_binary


@pytest.fixture
def verify(simulator, tmp_path):
    def run(*arguments: str, config: str = "", key: str = secrets.UPSTREAM_KEY, base_url: str | None = None):
        file = tmp_path / "gantry.toml"
        file.write_text(config)
        file.chmod(0o600)
        environment = {"OPENROUTER_BASE_URL": base_url or simulator.base_url}
        if key:
            environment["OPENROUTER_API_KEY"] = key
        done = subprocess.run(
            [dev_binary(), "verify", "--config", file, *arguments],
            cwd=tmp_path,
            env=clean_environment(tmp_path, environment),
            capture_output=True,
            text=True,
            timeout=120,
        )
        secrets.assert_clean(done.stdout + done.stderr, "verify")
        return done

    return run


@pytest.fixture
def scripted(simulator):
    yield simulator.script
    simulator.script("")


def test_a_good_configuration_is_all_green(verify):
    done = verify()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("✓") >= 7, done.stdout
    assert "✗" not in done.stdout
    for word in ("key", "credit", "ms", "$"):
        assert word in done.stdout.lower(), done.stdout


def test_the_json_says_the_same(verify):
    done = verify("--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["passed"] is True
    assert len(report["checks"]) >= 7
    for check in report["checks"]:
        assert check["verdict"] in ("pass", "warn", "fail", "skipped")
        assert check["title"]


def test_every_model_of_the_chain_is_asked_for_a_few_tokens(verify, simulator):
    before = simulator.mark()
    assert verify().returncode == 0
    assert len(set(before.models())) == 4


def test_a_model_that_is_gone_is_named_with_its_closest_living_relatives(verify):
    done = verify(config='[routes.default]\nprimary = "anthropic/claude-3.5-sonnet"\n')
    assert done.returncode == 1
    assert "✗" in done.stdout
    assert "anthropic/claude-3.5-sonnet" in done.stdout
    assert re.search(r"anthropic/claude-(?!3\.5-sonnet)[\w.-]*sonnet", done.stdout), done.stdout


def test_the_checklists_own_models_work_as_configuration(verify):
    done = verify(
        config='[routes.default]\nprimary = "openai/gpt-4-turbo"\n'
        'fallbacks = ["openai/gpt-3.5-turbo", "meta-llama/llama-3.1-70b-instruct"]\n'
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("credit", "code"), [("10", 1), ("10.01", 0), ("0", 1), ("null", 0)],
    ids=["exactly ten is not more than ten", "a cent more is", "nothing left", "no limit on the key is a warning"],
)  # fmt: skip
def test_credit(verify, scripted, credit, code):
    scripted(f"path /key answers credit={credit}")
    done = verify("--format", "json")
    assert done.returncode == code, done.stdout
    check = next(check for check in json.loads(done.stdout)["checks"] if check["id"] == "credit")
    assert check["verdict"] == {"null": "warn"}.get(credit, "pass" if code == 0 else "fail")


def test_a_wrong_key_fails_and_says_what_to_do(verify):
    done = verify(key="sk-or-v1-00000000000000000000000000000000")
    assert done.returncode == 1
    assert "401" in done.stdout + done.stderr
    assert "openrouter.ai/keys" in done.stdout


def test_an_unreachable_api_fails_every_check_that_needs_it(verify):
    done = verify("--format", "json", base_url="http://127.0.0.1:9/api/v1")
    assert done.returncode == 1
    assert json.loads(done.stdout)["checks"][0]["verdict"] == "fail"


def test_a_model_that_refuses_few_tokens_is_asked_for_more(verify, simulator):
    """Some providers want at least 16."""
    done = verify("--format", "json", config='[routes.default]\nprimary = "openai/gpt-5-mini"\n')
    assert done.returncode == 0, done.stdout


def test_a_model_of_another_upstream_is_asked_there(verify, simulator):
    before = simulator.mark()
    done = verify(
        "--format", "json",
        config=f'[upstreams.spare]\nbase_url = "{simulator.base_url}"\nkey = {{ env = "OPENROUTER_API_KEY" }}\n'
        '[routes.default]\nprimary = "openai/gpt-4-turbo"\nfallbacks = ["spare:openai/gpt-3.5-turbo", "spare:no-such-model"]\n',
    )  # fmt: skip
    assert done.returncode == 1
    verdicts = {check["model"]: check["verdict"] for check in json.loads(done.stdout)["checks"] if check["model"]}
    assert verdicts == {"openai/gpt-4-turbo": "pass", "spare:openai/gpt-3.5-turbo": "pass", "spare:no-such-model": "fail"}
    assert set(before.models()) == {"openai/gpt-4-turbo", "openai/gpt-3.5-turbo", "no-such-model"}
