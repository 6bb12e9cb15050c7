"""Books under test: a gateway on a state directory that outlives it, what its ledger says, and what upstream has billed."""

import os
import sqlite3
import subprocess
from decimal import Decimal
from pathlib import Path

import httpx

from . import secrets
from .cost_pages import costs_of
from .gateway import QUICK, Gateway
from .postgres import Postgres
from .process import clean_environment, dev_binary
from .simulator import Simulator
from .waiting import wait_for

TOKEN = "gk-admin-0123456789abcdef0123456789abcdef"
ADMIN = {"authorization": f"Bearer {TOKEN}"}
# What upstream does is booked as it is: no second model, no second try.
BARE = "fallback_for_plain_ids = false\n" + QUICK + "[routes.default]\nretries = 0\n"
PICO = Decimal(1).scaleb(-12)
PERIODS = ("daily", "weekly", "monthly", "total")


def usd(text: str) -> Decimal:
    return Decimal(text)


def bill(simulator: Simulator) -> Decimal:
    """What was charged in all, to the last digit."""
    return usd(simulator.http.get("/sim/bill").raise_for_status().json()["cost"])


def billed(simulator: Simulator) -> dict[str, Decimal]:
    """By generation: those that were charged for."""
    return {
        a["generation"]: usd(a["cost"])
        for a in simulator.journal()["attempts"]
        if a["generation"] and a["cost"] is not None and usd(a["cost"])
    }


def wait_quiet(simulator: Simulator) -> None:
    """Until upstream has nothing under way."""
    wait_for(
        lambda: all(a["ended_ms"] is not None for a in simulator.journal()["attempts"]), "the end of all attempts at upstream"
    )


class Books:
    """One state directory and the gateways that run on it, one after the other."""

    def __init__(
        self,
        folder: Path,
        simulator: Simulator,
        config: str = BARE,
        environment: dict[str, str] | None = None,
        database: Postgres | None = None,
        program: Path | None = None,
    ):
        self.folder = folder
        self.state = folder / "state"
        self.simulator = simulator
        self.config = config + (f'[ledger]\nurl = "{database.url}"\n' if database else "")
        self.database = database
        self.program = program
        self.environment = {"STATE_DIRECTORY": str(self.state), "GANTRY_ADMIN_TOKEN": TOKEN} | (environment or {})
        self.gateway: Gateway | None = None
        folder.mkdir(parents=True, exist_ok=True)

    # ---- its process

    def start(self, config: str | None = None, environment: dict[str, str] | None = None) -> Gateway:
        self.gateway = Gateway(
            self.folder,
            self.simulator.base_url,
            self.config if config is None else config,
            environment=self.environment | (environment or {}),
            program=self.program,
        )
        return self.gateway

    def kill(self) -> None:
        """As kill -9 does."""
        self.gateway.process.kill()
        self._forget()

    def stop(self) -> None:
        self.gateway.process.stop()
        self._forget()

    def _forget(self) -> None:
        Gateway.running.discard(self.gateway)
        self.gateway.http.close()

    def __enter__(self) -> "Books":
        return self

    def __exit__(self, *_exception) -> None:
        if self.gateway:
            self.kill()

    # ---- administration

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [dev_binary(), *arguments],
            cwd=self.folder,
            env=clean_environment(self.folder, self.environment),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def make_key(self, **limits: str) -> tuple[str, str]:
        """Its id and its text."""
        fields = {"name": f"key-{os.urandom(4).hex()}", "limits": limits}
        made = self.gateway.http.post("/admin/v1/keys", json=fields, headers=ADMIN).raise_for_status().json()
        return made["data"]["id"], made["key"]

    def set_limits(self, account: str, **limits: str) -> None:
        path = f"/admin/v1/{'keys' if account.startswith('key_') else 'accounts'}/{account}"
        self.gateway.http.patch(path, json={"limits": limits}, headers=ADMIN).raise_for_status()

    def window(self, account: str, period: str = "total") -> dict[str, Decimal | None]:
        """What the ledger says of an account."""
        path = f"/admin/v1/{'keys' if account.startswith('key_') else 'accounts'}/{account}"
        told = self.gateway.http.get(path, headers=ADMIN).raise_for_status().json()["data"]["windows"][period]
        names = ("settled", "pending", "leased", "overshoot", "limit", "remaining")
        return {name: None if told[name] is None else usd(told[name]) for name in names}

    def usage(self, by: str = "key", **query: str) -> list[dict]:
        told = self.gateway.http.get("/admin/v1/usage", params={"by": by} | query, headers=ADMIN)
        return told.raise_for_status().json()["data"]["rows"]

    def used(self, column: str = "cost", **query: str) -> Decimal:
        return sum((usd(row[column]) for row in self.usage(**query)), Decimal(0))

    def wait_reconciled(self, limit: float = 60) -> None:
        """Until nothing is pending any more."""
        wait_for(lambda: self.used("pending") == 0, "all pending costs to be told", limit)

    # ---- the tables themselves, for what no API tells

    def rows(self, query: str) -> list[tuple]:
        if self.database:
            return self.database.rows(query)
        with sqlite3.connect(f"file:{self.state}/ledger.db?mode=ro", uri=True, timeout=30) as database:
            return database.execute(query).fetchall()

    def meddle(self, statement: str) -> None:
        """As somebody who has the file and should not."""
        with sqlite3.connect(self.state / "ledger.db", timeout=30) as database:
            database.execute(statement)
        database.close()

    def costs(self) -> list[tuple[str, Decimal, int]]:
        """Of each attempt that is settled: generation, cost, source (0 told, 1 computed, 2 assumed, 3 free)."""
        column = "encode(body, 'hex')" if self.database else "hex(body)"
        pages = [bytes.fromhex(page) for (page,) in self.rows(f"SELECT {column} FROM cost_pages")]
        return [(name, cost * PICO, source) for page in pages for name, cost, source in costs_of(page)]

    def unsettled(self) -> list[tuple[str, Decimal]]:
        """Of each attempt that is not: generation, estimate."""
        return [(name, int(most) * PICO) for name, most in self.rows("SELECT generation, estimate FROM attempts")]


class Caller:
    """One client with a connection of its own."""

    def __init__(self, url: str, key: str):
        self.http = httpx.Client(
            base_url=url, trust_env=False, timeout=60, headers={"authorization": f"Bearer {key}"}
        )

    def body(self, model: str, tokens: int, stream: bool) -> dict:
        messages = [{"role": "user", "content": secrets.PROMPT}]
        return {"model": model, "messages": messages, "max_tokens": tokens, "stream": stream}

    def plain(self, model: str = "openai/gpt-4.1-mini", tokens: int = 200) -> httpx.Response:
        return self.http.post("/api/v1/chat/completions", json=self.body(model, tokens, False))

    def stream(self, model: str = "openai/gpt-4.1-mini", tokens: int = 200, leave_after: int = 0, heard=None) -> tuple[int, str]:
        """Status and text; `leave_after` hangs up after so many pieces. `heard` is called at each."""
        text, pieces = b"", 0
        with self.http.stream("POST", "/api/v1/chat/completions", json=self.body(model, tokens, True)) as answer:
            for piece in answer.iter_raw():
                text += piece
                pieces += 1
                if heard:
                    heard()
                if leave_after and pieces >= leave_after:
                    break
        return answer.status_code, text.decode("utf-8", "replace")

    def close(self) -> None:
        self.http.close()
