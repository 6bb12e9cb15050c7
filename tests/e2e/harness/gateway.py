"""`gantry serve` as a process, in front of a simulator."""

import signal
import ssl
from pathlib import Path
from typing import ClassVar

import httpx

from . import secrets
from .process import Process, dev_binary
from .waiting import wait_for

# Drains at once, unless a test is about draining.
QUICK = '[server]\ndrain_delay = "0s"\n'


class Gateway:
    """Started with a configuration file in `folder`; `config` is TOML. `verify` is for a gateway that serves TLS."""

    running: ClassVar[set["Gateway"]] = set()

    def __init__(
        self,
        folder: Path,
        base_url: str,
        config: str = QUICK,
        environment: dict[str, str] | None = None,
        program: Path | None = None,
        verify: ssl.SSLContext | bool = True,
        listen: str = "127.0.0.1:0",
    ):
        self.config_file = folder / "gantry.toml"
        self.write_config(config)
        self.process = Process(
            [program or dev_binary(), "serve", "--config", self.config_file, "--listen", listen],
            folder,
            {"OPENROUTER_API_KEY": secrets.UPSTREAM_KEY, "OPENROUTER_BASE_URL": base_url} | (environment or {}),
        )
        try:
            self.url = self.process.address().replace("0.0.0.0", "127.0.0.1")
        except AssertionError:
            self.process.kill()
            raise
        self.http = httpx.Client(
            base_url=self.url,
            trust_env=False,
            verify=verify,
            timeout=60,
            headers={"authorization": f"Bearer {secrets.CLIENT_KEY}"},
        )
        Gateway.running.add(self)

    @property
    def base_url(self) -> str:
        return f"{self.url}/api/v1"

    def write_config(self, config: str) -> None:
        self.config_file.write_text(config)
        self.config_file.chmod(0o600)

    def reload(self, config: str) -> int:
        """Rewrites the configuration and sends SIGHUP. Returns the index of the first output line after it."""
        start = len(self.process.lines)
        self.write_config(config)
        self.process.signal(signal.SIGHUP)
        return start

    def chat(self, model: str | None = "openai/gpt-4-turbo", headers: dict | None = None, **fields) -> httpx.Response:
        body = {"messages": [{"role": "user", "content": secrets.PROMPT}]} | fields
        if model is not None:
            body = {"model": model} | body
        return self.http.post("/api/v1/chat/completions", json=body, headers=headers)

    def metrics(self) -> dict[str, float]:
        """Samples by their whole name, labels included."""
        text = self.http.get("/metrics").raise_for_status().text
        secrets.assert_clean(text, "/metrics")
        samples = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples

    def wait_for_catalogue(self) -> None:
        """Until OpenRouter's lists have come, a second after the start."""
        wait_for(lambda: self.metrics()["gantry_catalogue_models"], "the catalogue")

    def breakers(self) -> dict[tuple[str, str], dict]:
        """The scopes by kind and name."""
        return {(each["scope"], each["name"]): each for each in self.http.get("/admin/v1/breakers").json()["data"]}

    def close_breakers(self) -> int:
        return self.http.post("/admin/v1/breakers/reset", json={}).raise_for_status().json()["closed"]

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, kind, value, traceback) -> None:
        Gateway.running.discard(self)
        try:
            if kind is None and self.process.alive:
                self.metrics()
        finally:
            self.http.close()
            self.process.__exit__(kind, value, traceback)
        if kind is None:
            secrets.assert_clean(self.process.output, "the log")


def error_of(response: httpx.Response, status: int) -> dict:
    """The envelope's error, checked for its form: status, code, message and remedy agree, and nothing leaks."""
    assert response.status_code == status, response.text
    secrets.assert_clean(response.text, "an error")
    error = response.json()["error"]
    assert error["code"] == status
    assert error["message"]
    assert error["metadata"]["gantry"]["remedy"]
    return error


def sse_events(text: str) -> list[str]:
    """The data of each event; comments are left out."""
    events = []
    for block in text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        data = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
        if data:
            events.append("\n".join(data))
    return events
