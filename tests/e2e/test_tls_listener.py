"""The gateway listens with TLS: what programs of several languages see, who is turned away, and how a certificate is
renewed."""

import json
import os
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import openai
import pytest
from harness import secrets
from harness.control import Control
from harness.gateway import QUICK, Gateway, sse_events
from harness.process import clean_environment, dev_binary
from harness.waiting import wait_for

HERE = Path(__file__).parent
MODEL = "openai/gpt-4-turbo"
MESSAGES = [{"role": "user", "content": secrets.PROMPT}]


def openssl(*arguments) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


class Authority:
    """A throwaway certificate authority with an intermediate one, as public ones have: a client can only follow a
    listener's certificate to the root if the listener sends the whole chain."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.root = self._issue("root", None, "basicConstraints=critical,CA:TRUE")
        self._issue("intermediate", "root", "basicConstraints=critical,CA:TRUE")

    def listener(self, name: str) -> Path:
        """A certificate for this machine; the chain is in NAME.pem, the key in NAME.key."""
        leaf = self._issue(name, "intermediate", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        leaf.write_text(leaf.read_text() + (self.folder / "intermediate.pem").read_text())
        return leaf

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.root)

    def _issue(self, name: str, issuer: str | None, extension: str) -> Path:
        settings = self.folder / "openssl.cnf"
        settings.write_text("[req]\ndistinguished_name = subject\n[subject]\n")
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        signed_by = ["-CA", self.folder / f"{issuer}.pem", "-CAkey", self.folder / f"{issuer}.key"] if issuer else []
        openssl(
            "req", "-x509", "-config", settings, "-subj", f"/CN={name}", "-days", "1", "-addext", extension,
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
            *signed_by,
        )  # fmt: skip
        key.chmod(0o600)
        return certificate


def settings(folder: Path, name: str = "listener") -> str:
    return QUICK + f'tls_certificate = "{folder / name}.pem"\ntls_key = "{folder / name}.key"\n'


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.listener("listener")
    return made


@pytest.fixture(scope="module")
def secure(authority, simulator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("secure")
    with Gateway(folder, simulator.base_url, settings(authority.folder), verify=authority.trust()) as gateway:
        assert gateway.url.startswith("https://127.0.0.1:")
        yield gateway


def address_of(gateway: Gateway) -> tuple[str, int]:
    url = httpx.URL(gateway.url)
    return url.host, url.port


def certificate_shown(gateway: Gateway, trust: ssl.SSLContext) -> str:
    """The common name of what a new connection is shown."""
    with socket.create_connection(address_of(gateway), timeout=30) as plain:
        with trust.wrap_socket(plain, server_hostname="localhost") as secured:
            return dict(part[0] for part in secured.getpeercert()["subject"])["commonName"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_is_answered(secure, authority, tmp_path, stream, version):
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"model": MODEL, "messages": MESSAGES, "max_tokens": 20, "stream": stream}))
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--max-time", "60", version, "--cacert", authority.root,
         "--json", f"@{body}", f"{secure.base_url}/chat/completions"],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if stream:
        assert sse_events(done.stdout)[-1] == "[DONE]"
    else:
        assert json.loads(done.stdout)["choices"][0]["message"]["content"]


def test_curl_refuses_a_certificate_that_it_does_not_know(secure):
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", f"{secure.url}/health"], capture_output=True, timeout=90)
    assert done.returncode == 60, done


@pytest.mark.parametrize("stream", [False, True])
def test_the_python_sdk_is_answered(secure, authority, stream):
    with openai.OpenAI(
        base_url=secure.base_url,
        api_key=secrets.CLIENT_KEY,
        max_retries=0,
        http_client=httpx.Client(verify=authority.trust(), trust_env=False),
    ) as client:
        reply = client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=20, stream=stream)
        if stream:
            chunks = list(reply)
            assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
            assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] in ("stop", "length")
        else:
            assert reply.choices[0].message.content


@pytest.mark.parametrize("action", ["plain", "stream"])
def test_the_node_sdk_is_answered(secure, authority, action):
    done = subprocess.run(
        ["node", HERE / "node" / "openai.mjs", action, MODEL],
        env={
            "PATH": os.environ["PATH"],
            "BASE_URL": secure.base_url,
            "API_KEY": secrets.CLIENT_KEY,
            "PROMPT": secrets.PROMPT,
            "NODE_EXTRA_CA_CERTS": str(authority.root),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["choices"][0]["message"]["content"] if action == "plain" else seen["text"]), seen


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_versions_are_spoken(secure, authority, version):
    trust = authority.trust()
    trust.minimum_version = trust.maximum_version = version
    assert certificate_shown(secure, trust) == "listener"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(secure, authority, version):
    trust = authority.trust()
    trust.set_ciphers("ALL:@SECLEVEL=0")  # else this client would refuse them itself
    trust.minimum_version = trust.maximum_version = version
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        certificate_shown(secure, trust)


def everything_from(connection: socket.socket) -> bytes:
    """What the peer says until it closes; a reset is an end as well, a timeout is none."""
    said = b""
    try:
        while piece := connection.recv(4096):
            said += piece
    except ConnectionResetError:
        pass
    return said


def test_a_plain_http_request_is_closed_and_not_answered(secure):
    with socket.create_connection(address_of(secure), timeout=30) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"HTTP/" not in everything_from(connection)
    with pytest.raises(httpx.TransportError):
        httpx.get(secure.url.replace("https:", "http:") + "/health", trust_env=False, timeout=30)
    assert secure.http.get("/health").status_code == 200


def test_bytes_that_are_no_tls_are_closed(secure):
    with socket.create_connection(address_of(secure), timeout=30) as connection:
        connection.sendall(b"\x00" * 1000)
        everything_from(connection)


def test_a_handshake_that_does_not_come_is_given_up_at_its_time(authority, start_gateway):
    with Control() as control:
        gateway = start_gateway(
            settings(authority.folder) + 'head_time = "30s"\n', environment=control.environment, verify=authority.trust()
        )
        with socket.create_connection(address_of(gateway), timeout=30) as connection:
            connection.sendall(b"\x16\x03\x01")  # the beginning of a hello
            assert gateway.http.get("/health").status_code == 200, "nobody else waits for it"
            control.advance(31)
            everything_from(connection)


def test_a_renewed_certificate_is_taken_by_a_reload_and_calls_under_way_go_on(authority, start_gateway):
    old, new = authority.listener("old"), authority.listener("new")
    folder = authority.folder
    for kind in ("pem", "key"):
        (folder / f"current.{kind}").write_bytes((folder / f"old.{kind}").read_bytes())
        (folder / f"current.{kind}").chmod(0o600)
    config = settings(folder, "current")
    gateway = start_gateway(config, verify=authority.trust())
    assert certificate_shown(gateway, authority.trust()) == "old"

    body = {"model": "sim/slow-tokens", "messages": MESSAGES, "stream": True, "max_tokens": 20}
    with gateway.http.stream("POST", "/api/v1/chat/completions", json=body) as response:
        pieces = response.iter_text()
        text = next(pieces)
        (folder / "current.pem").write_bytes(new.read_bytes())
        (folder / "current.key").write_bytes((folder / "new.key").read_bytes())
        start = gateway.reload(config)
        gateway.process.wait_for_line("reloaded", start)
        wait_for(lambda: certificate_shown(gateway, authority.trust()) == "new", "the new certificate")
        text += "".join(pieces)
    assert sse_events(text)[-1] == "[DONE]"

    (folder / "current.pem").write_bytes(old.read_bytes())  # without its key: half a renewal
    start = gateway.reload(config)
    refused = gateway.process.wait_for_line("reload_refused", start).string
    assert "current.key does not belong to" in refused
    assert certificate_shown(gateway, authority.trust()) == "new"


@pytest.mark.parametrize("before", ["plain", "tls"])
def test_turning_tls_on_or_off_says_that_it_needs_a_restart(authority, start_gateway, before):
    plain, tls = QUICK, settings(authority.folder)
    first, second = (plain, tls) if before == "plain" else (tls, plain)
    gateway = start_gateway(first, verify=authority.trust())
    start = gateway.reload(second)
    refused = gateway.process.wait_for_line("reload_refused", start).string
    assert "server.tls_certificate" in refused and "restart gantry" in refused
    assert gateway.http.get("/ready").status_code == 200


@pytest.fixture
def refused_start(tmp_path):
    """What `gantry serve` says about a configuration that it does not start with."""

    def serve(config: str) -> str:
        file = tmp_path / "gantry.toml"
        file.write_text(config)
        file.chmod(0o600)
        done = subprocess.run(
            [dev_binary(), "serve", "--config", file, "--listen", "127.0.0.1:0"],
            cwd=tmp_path,
            env=clean_environment(tmp_path, {"OPENROUTER_API_KEY": secrets.UPSTREAM_KEY}),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 2, done
        secrets.assert_clean(done.stdout + done.stderr, "the refusal")
        return done.stderr

    return serve


def test_a_key_that_others_can_read_is_refused_at_the_start_with_the_remedy(authority, refused_start):
    authority.listener("open")
    (authority.folder / "open.key").chmod(0o644)
    told = refused_start(settings(authority.folder, "open"))
    assert "gantry.toml:4" in told and "server.tls_key" in told
    assert "open.key can be read by everyone (chmod o-r)" in told


def test_a_key_of_another_certificate_is_refused_at_the_start(authority, refused_start):
    authority.listener("mine")
    (authority.folder / "mine.key").write_bytes((authority.folder / "listener.key").read_bytes())
    told = refused_start(settings(authority.folder, "mine"))
    assert "mine.key does not belong to" in told and "another gantry" not in told


def test_a_certificate_without_a_key_is_refused_at_the_start(authority, refused_start):
    told = refused_start(QUICK + f'tls_certificate = "{authority.folder}/listener.pem"\n')
    assert "server.tls_key" in told and "come together" in told
