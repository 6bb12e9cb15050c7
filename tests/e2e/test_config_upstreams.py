"""Several upstream keys and several upstreams in the configuration: what `gantry config` says of them."""

import subprocess

import pytest
from harness import secrets
from harness.process import clean_environment, dev_binary

SPARE_KEY = "sk-or-v1-spare00000000000000000000"
LOCAL = '[upstreams.local]\nbase_url = "http://127.0.0.1:9/v1"\n'
WHOLE = (
    """\
[upstream]
base_url = "http://127.0.0.1:9/api/v1"
keys = [
  { env = "OPENROUTER_API_KEY", weight = 3, name = "blue" },
  { file = "FOLDER/spare" },
]
"""
    + LOCAL
    + """\
zdr = true
region = "eu"
[upstreams.local.prices]
"llama3.1:8b" = { prompt = "$0.05", completion = "$0.08" }
[routes.default]
fallbacks = ["openai/gpt-4.1", "local:llama3.1:8b"]
[routes.home]
primary = "local:llama3.1:8b"
fallbacks = []
region = "eu"
"""
)


@pytest.fixture
def gantry_config(tmp_path):
    """Runs `gantry config COMMAND` on a file of this text; FOLDER in it is the test's folder."""

    def run(command: str, text: str, key: str = secrets.UPSTREAM_KEY) -> subprocess.CompletedProcess:
        spare = tmp_path / "spare"
        spare.write_text(SPARE_KEY)
        file = tmp_path / "gantry.toml"
        file.write_text(text.replace("FOLDER", str(tmp_path)))
        for each in (spare, file):
            each.chmod(0o600)
        done = subprocess.run(
            [dev_binary(), "config", command, "--config", file],
            env=clean_environment(tmp_path, {"OPENROUTER_API_KEY": key}),
            capture_output=True,
            text=True,
            timeout=60,
        )
        told = done.stdout + done.stderr
        secrets.assert_clean(told, f"config {command}")
        assert SPARE_KEY not in told
        return done

    return run


def test_a_whole_configuration_is_in_order(gantry_config):
    done = gantry_config("check", WHOLE)
    assert done.returncode == 0, done.stderr


def test_what_is_shown_can_be_read_again_and_shows_the_same(gantry_config):
    shown = gantry_config("show", WHOLE)
    assert shown.returncode == 0, shown.stderr
    again = gantry_config("show", shown.stdout)
    assert again.returncode == 0, again.stderr

    def settings(text: str) -> list[str]:
        return [line.partition("  # ")[0] for line in text.splitlines() if not line.startswith("#")]

    assert settings(again.stdout) == settings(shown.stdout)
    assert "gantry.toml:3" in next(line for line in shown.stdout.splitlines() if line.startswith("keys = "))
    for part in ('name = "blue"', "weight = 3", "[upstreams.local]", '"local:llama3.1:8b"', 'prompt = "$0.05"'):
        assert part in shown.stdout, shown.stdout


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ('[upstream]\nkey = { env = "A" }\nkeys = [{ env = "B" }]\n', 3, ["key and upstream.keys", "take key out"]),
        ('[upstream]\nkeys = [\n  { env = "OPENROUTER_API_KEY" },\n  { env = "ABSENT" },\n]\n', 4, ["key-2", "ABSENT"]),
        ('[upstream]\nkeys = [{ env = "OPENROUTER_API_KEY", weight = 1001 }]\n', 2, ["weight", "1000"]),
        ('[upstream]\nkeys = [\n  "sk-or-v1-abcdefghijkl",\n]\n', 3, ["an OpenRouter key stands in this file"]),
        ('[upstreams.local]\nzdr = true\n', 1, ["base_url"]),
        ('[upstreams.local]\nbase_url = "https://x.example"\nkey = { env = "ABSENT" }\n', 3, ["upstreams.local.key", "ABSENT"]),
        (LOCAL + '[routes.default]\nfallbacks = [\n  "openai/gpt-4.1",\n  "lokal:llama3.1:8b",\n]\n', 6, ["lokal", "did you mean local?"]),
        ('[routes.default]\nfallbacks = ["openai/gpt-4.1:free", "azure:gpt-4.1"]\n', 2, ["azure", "[upstreams.azure]"]),
        ('[routes.default]\nregion = "eu"\n', 2, ["region"]),
    ],
    ids=["both", "missing", "weight", "literal", "address", "missing-elsewhere", "misspelt", "unknown", "region"],
)
def test_a_mistake_is_told_with_its_line_and_remedy(gantry_config, text, line, parts):
    done = gantry_config("check", text)
    assert done.returncode == 2
    assert f"gantry.toml:{line}: " in done.stderr, done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr
    assert "abcdefghijkl" not in done.stderr


def test_one_key_under_two_names_is_refused_with_both_places(gantry_config):
    text = '[upstream]\nkeys = [\n  { env = "OPENROUTER_API_KEY" },\n  { file = "FOLDER/spare" },\n]\n'
    assert gantry_config("check", text).returncode == 0
    done = gantry_config("check", text, key=SPARE_KEY)
    assert done.returncode == 2
    assert "gantry.toml:4: " in done.stderr and "gantry.toml:3)" in done.stderr, done.stderr
