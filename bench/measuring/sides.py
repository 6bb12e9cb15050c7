"""The upstream and the two measured sides: nginx and the gateway, each alone on the proxy's core."""

import json
import os
import resource
import shutil
import socket
import subprocess
import time
from pathlib import Path

from .processes import BenchError, free_port, free_ports, Process

PROXY_CORE = 0
LOAD_CORE = 1
# Not a secret: its form is that of an upstream key, so that code that looks at keys does its work.
KEY = "sk-or-v1-" + "0123456789abcdef" * 4
START_LIMIT_S = 10


class Upstream:
    """The bench's own upstream, plain and with TLS."""

    def __init__(self, tools: Path, folder: Path):
        self.certificate = make_certificate(folder)
        log = folder / "upstream.log"
        log.unlink(missing_ok=True)
        self.process = Process(
            [str(tools / "bench_upstream"), "--core", str(LOAD_CORE), "--certificate", str(self.certificate),
             "--key", str(folder / "upstream-key.pem")], LOAD_CORE, log)
        ports = dict(word.split("=") for word in self._first_line().split())
        self.plain, self.secure = int(ports["plain"]), int(ports["secure"])

    def _first_line(self) -> str:
        while self.process.alive() and time.monotonic() - self.process.started < START_LIMIT_S:
            text = self.process.log.read_text()
            if text.endswith("\n"):
                return text
            time.sleep(0.01)
        raise BenchError(f"the upstream did not start: {self.process.last_words()}")


def make_certificate(folder: Path) -> Path:
    """A throwaway certificate for localhost, valid for a day."""
    certificate = folder / "upstream-certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(folder / "upstream-key.pem"), "-out", str(certificate)],
        check=True, capture_output=True, timeout=30)
    return certificate


def raise_descriptor_limit(wanted: int = 24_000) -> int:
    """Lets children open as many descriptors as the biggest row needs, if the system permits; says how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, hard), max(wanted, hard)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Side:
    """A measured proxy: where it listens and which processes it is."""

    name: str
    process: Process

    def port(self, streaming: bool = False) -> int:
        raise NotImplementedError

    def wait_until_it_answers(self) -> float:
        """Seconds from its start to the first answered call."""
        while self.process.alive() and time.monotonic() - self.process.started < START_LIMIT_S:
            status = try_call(self.port())
            if status == 200:
                return time.monotonic() - self.process.started
            time.sleep(0.0005 if status is None else 0.01)
        raise BenchError(f"{self.name} did not answer a call within {START_LIMIT_S} s: {self.process.last_words()}")


def try_call(port: int) -> int | None:
    """The status of one small chat call; None when nobody listens or the connection breaks."""
    body = json.dumps({"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Ready?"}]})
    request = (f"POST /api/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(request.encode())
            reply = b""
            while more := connection.recv(65536):
                reply += more
        return int(reply.split(b" ", 2)[1])
    except (OSError, IndexError, ValueError):
        return None


class Nginx(Side):
    """nginx from bench/nginx.conf.in, in a folder of its own. One process serves all four of its ports."""

    def __init__(self, upstream: Upstream, folder: Path, tls: bool = False, name: str = "nginx"):
        self.name = name
        self._tls = tls
        place = folder / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        words = ("PLAIN", "SECURE", "STREAM", "STREAM_SECURE")
        self._ports = dict(zip(words, free_ports(len(words)), strict=True))
        template = (Path(__file__).parent.parent / "nginx.conf.in").read_text()
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        # More connections than descriptors: nginx begins to drop waiting ones when fewer than a sixteenth are left.
        words = {**self._ports, "CORE_MASK": f"{1 << PROXY_CORE:b}", "DESCRIPTORS": descriptors,
                 "CONNECTIONS": descriptors + descriptors // 10, "KEY": KEY, "CERTIFICATE": upstream.certificate,
                 "UPSTREAM_PLAIN": upstream.plain, "UPSTREAM_SECURE": upstream.secure}
        for word, value in words.items():
            template = template.replace(f"@{word}@", str(value))
        (place / "nginx.conf").write_text(template)
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = Process([program, "-p", str(place), "-c", "nginx.conf", "-e", "nginx-error.log"], PROXY_CORE,
                               place / "output.log")

    def port(self, streaming: bool = False) -> int:
        word = ("STREAM_SECURE" if self._tls else "STREAM") if streaming else ("SECURE" if self._tls else "PLAIN")
        return self._ports[word]


class Gateway(Side):
    """`gantry serve` with default features; its log goes to a file, as a service's does."""

    def __init__(self, binary: Path, upstream: Upstream, folder: Path, tls: bool = False):
        self.name = "gateway"
        place = folder / "gateway"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        self._port = free_port()
        base = f"https://localhost:{upstream.secure}" if tls else f"http://127.0.0.1:{upstream.plain}"
        config = place / "gantry.toml"
        # Default but for the prompt limit: the 5 MB body is text, and 100,000 code points would refuse it.
        trust = f'[upstream]\nca_file = "{upstream.certificate}"\n' if tls else ""
        # The ledger is on the disk of the build, as a service's is on its own.
        config.write_text(trust + f'[ledger]\nstate = "{place}/state"\n[routes.default]\nmax_prompt = "context"\n')
        environment = {"OPENROUTER_BASE_URL": base + "/api/v1", "OPENROUTER_API_KEY": KEY, "NO_PROXY": "*"}
        self.process = Process([str(binary), "serve", "--listen", f"127.0.0.1:{self._port}", "--config", str(config)],
                               PROXY_CORE, place / "output.log", environment)

    def port(self, streaming: bool = False) -> int:
        return self._port


class Bench:
    """What the rows need: the tools, the upstream, and fresh sides. `binary` "nginx" stands nginx in for the gateway,
    which shows the bench's own noise: every ratio should be 1."""

    def __init__(self, tools: Path, folder: Path, binary: str, upstream: Upstream):
        self.tools, self.folder, self.binary, self.upstream = tools, folder, binary, upstream
        self.descriptors = raise_descriptor_limit()

    def nginx(self, tls: bool = False) -> Side:
        return Nginx(self.upstream, self.folder, tls)

    def gateway(self, tls: bool = False) -> Side:
        if self.binary == "nginx":
            return Nginx(self.upstream, self.folder, tls, "nginx-as-gateway")
        return Gateway(Path(self.binary), self.upstream, self.folder, tls)

    def binary_bytes(self) -> int:
        return os.stat(shutil.which(self.binary) or self.binary).st_size
