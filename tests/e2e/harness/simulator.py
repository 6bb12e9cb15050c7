"""The simulator as a process, and what its journal saw."""

import hashlib
from pathlib import Path

import httpx

from . import secrets
from .process import Process, dev_binary
from .waiting import wait_for


class Simulator:
    """`gantry sim` that accepts only the upstream key: an answer proves that the gateway sent it."""

    def __init__(self, folder: Path, *arguments: str, environment: dict[str, str] | None = None):
        self.process = Process(
            [dev_binary(), "sim", "--listen", "127.0.0.1:0", "--key", secrets.UPSTREAM_KEY, *arguments],
            folder,
            environment,
        )
        try:
            self.url = self.process.address()
        except AssertionError:
            self.process.kill()
            raise
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=30)

    @property
    def base_url(self) -> str:
        return f"{self.url}/api/v1"

    def journal(self) -> dict:
        return self.http.get("/sim/journal").raise_for_status().json()

    def mark(self) -> "Mark":
        return Mark(self, self.journal()["seen"])

    def script(self, text: str) -> None:
        """Replaces the fault timeline; an empty text ends it."""
        self.http.post("/sim/script", content=text).raise_for_status()

    def __enter__(self) -> "Simulator":
        return self

    def __exit__(self, *exception) -> None:
        self.http.close()
        self.process.__exit__(*exception)


class Mark:
    """A place in the journal: what came after it."""

    def __init__(self, simulator: Simulator, seen: int):
        self._simulator = simulator
        self._seen = seen

    def attempts(self, path: str = "/chat/completions") -> list[dict]:
        """What was asked of that path since, oldest first."""
        journal = self._simulator.journal()
        return [a for a in journal["attempts"] if a["number"] > self._seen and a["path"].endswith(path)]

    def models(self) -> list[str]:
        return [entry["model"] for entry in self.attempts()]

    def only(self) -> dict:
        attempts = self.attempts()
        assert len(attempts) == 1, f"expected one attempt, saw {attempts}"
        return attempts[0]

    def wait_ended(self) -> dict:
        """The one attempt, once it has ended one way or the other."""
        return wait_for(lambda: next((e for e in self.attempts() if e["ended_ms"] is not None), None), "the attempt's end")


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
