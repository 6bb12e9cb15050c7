"""curl, as a person or a script would use it."""

import base64
import json
import subprocess

import pytest
from harness import secrets
from harness.gateway import sse_events
from harness.simulator import sha256


def curl(*arguments: str, data: bytes | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60", *map(str, arguments)],
        input=data,
        capture_output=True,
        timeout=90,
    )


def post(gateway, body_file, *arguments: str) -> subprocess.CompletedProcess:
    return curl(
        f"{gateway.base_url}/chat/completions",
        "-H", "Content-Type: application/json",
        "-H", f"Authorization: Bearer {secrets.CLIENT_KEY}",
        "--data-binary", f"@{body_file}",
        *arguments,
    )  # fmt: skip


@pytest.fixture
def picture_body(tmp_path):
    """A request of about 3 MB, whose size is a picture's and not a prompt's."""
    picture = "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 9000).decode()
    body = json.dumps(
        {
            "model": "openai/gpt-4-turbo",
            "max_tokens": 20,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": secrets.PROMPT},
                        {"type": "image_url", "image_url": {"url": picture}},
                    ],
                }
            ],
        }
    ).encode()
    file = tmp_path / "body.json"
    file.write_bytes(body)
    return file


@pytest.fixture
def small_body(tmp_path):
    def write(**fields):
        file = tmp_path / "small.json"
        body = {"model": "openai/gpt-4-turbo", "max_tokens": 20}
        file.write_text(json.dumps(body | {"messages": [{"role": "user", "content": secrets.PROMPT}]} | fields))
        return file

    return write


def test_a_plain_call(gateway, small_body):
    done = post(gateway, small_body())
    assert json.loads(done.stdout)["choices"][0]["message"]["content"], done


def test_a_stream_ends_with_done(gateway, small_body):
    done = post(gateway, small_body(stream=True), "--no-buffer")
    assert sse_events(done.stdout.decode())[-1] == "[DONE]"


def test_the_alias_without_api(gateway, small_body):
    body = small_body()
    done = curl(f"{gateway.url}/v1/chat/completions", "--json", f"@{body}")
    assert json.loads(done.stdout)["choices"][0]["message"]["content"], done


def test_a_large_body_waits_for_100_continue_and_arrives_whole(gateway, simulator, picture_body):
    before = simulator.mark()
    done = post(gateway, picture_body, "--verbose", "-H", "Expect: 100-continue", "--expect100-timeout", "60")
    assert json.loads(done.stdout)["choices"][0]["message"]["content"], done.stdout
    assert b"HTTP/1.1 100" in done.stderr
    assert before.only()["body_sha256"] == sha256(picture_body.read_bytes())


def test_a_chunked_upload_arrives_whole(gateway, simulator, picture_body):
    before = simulator.mark()
    done = post(gateway, picture_body, "-H", "Transfer-Encoding: chunked", "-H", "Expect:")
    assert json.loads(done.stdout)["choices"][0]["message"]["content"], done.stdout
    assert before.only()["body_sha256"] == sha256(picture_body.read_bytes())


def test_a_body_over_the_limit_is_refused_before_it_is_sent(start_gateway, picture_body):
    gateway = start_gateway('[server]\ndrain_delay = "0s"\nmax_body = "1MiB"\n')
    done = post(
        gateway, picture_body, "-H", "Expect: 100-continue", "--expect100-timeout", "60", "--write-out", "\n%{http_code} %{size_upload}"
    )  # fmt: skip
    body, _, facts = done.stdout.decode().rpartition("\n")
    assert facts.split() == ["413", "0"], facts
    assert "max_body" in json.loads(body)["error"]["metadata"]["gantry"]["remedy"]


def test_hanging_up_cancels_upstream(gateway, simulator, small_body):
    before = simulator.mark()
    body = small_body(model="sim/slow-tokens", max_tokens=500, stream=True)
    command = ["curl", "--silent", "--no-buffer", "--noproxy", "*", f"{gateway.base_url}/chat/completions", "--json", f"@{body}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout.readline().startswith(b"data: ")
        running.kill()
    attempt = before.wait_ended()
    assert attempt["cancelled"]
    assert attempt["bytes_sent"] > 0


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [("http://evil.example", "127.0.0.1", "403"), ("http://localhost", "evil.example", "200"), ("", "evil.example", "403")],
)
def test_an_absolute_target_says_whom_a_request_is_for_whatever_host_says(gateway, target, host, status):
    done = curl(
        f"{gateway.url}/health", "--request-target", f"{target}/health", "-H", f"Host: {host}", "-w", "\n%{http_code}"
    )
    assert done.stdout.decode().splitlines()[-1] == status, done
