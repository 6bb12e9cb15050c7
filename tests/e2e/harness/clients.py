"""Client keys and budgets of a running gateway: what an operator asks of its admin API, and what the holder of a key sends."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx

from . import secrets
from .gateway import Gateway
from .process import clean_environment, dev_binary
from .simulator import Simulator

ADMIN_TOKEN = "gk-admin-canary0admin0token0123456789"
ENVIRONMENT = {"GANTRY_ADMIN_TOKEN": ADMIN_TOKEN}


def environment_in(folder: Path) -> dict[str, str]:
    """For a gateway and for the commands that shall find it."""
    return ENVIRONMENT | {"STATE_DIRECTORY": str(folder / "state")}


@dataclass
class Client:
    """The holder of one key."""

    gateway: Gateway
    key: str
    id: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def chat(self, model: str = "openai/gpt-4-turbo", headers: dict | None = None, **fields) -> httpx.Response:
        return self.gateway.chat(model, self.headers | (headers or {}), **fields)

    def get(self, path: str) -> httpx.Response:
        return self.gateway.http.get(path, headers=self.headers)

    def own(self) -> dict:
        """What the key is told of itself, money as it stands in the text."""
        return json.loads(self.get("/api/v1/key").raise_for_status().text, parse_float=Decimal, parse_int=Decimal)["data"]


class Admin:
    """The admin API of a gateway that was started with `environment_in(folder)`."""

    def __init__(self, gateway: Gateway, folder: Path):
        self.gateway, self._folder = gateway, folder
        self.tokens: list[str] = []

    def ask(self, method: str, path: str, body: dict | None = None, token: str | None = ADMIN_TOKEN) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}" if token else ""}
        return self.gateway.http.request(method, f"/admin/v1{path}", json=body, headers=headers)

    def make(self, name: str, **settings) -> Client:
        """`settings` as the API takes them: project, limits, policy, expires_at. Names are unique, so a number follows."""
        made = self.ask("POST", "/keys", {"name": f"{name} {len(self.tokens)}"} | settings)
        assert made.status_code == 201, made.text
        self.tokens.append(made.json()["key"])
        return Client(self.gateway, self.tokens[-1], made.json()["data"]["id"])

    def change(self, client: Client, **change) -> dict:
        return self._account("PATCH", f"/keys/{client.id}", change)

    def limit(self, account: str, **limits) -> dict:
        return self._account("PATCH", f"/accounts/{account}", {"limits": limits})

    def project(self, name: str, **limits) -> str:
        return self._account("POST", "/projects", {"name": name, "limits": limits})["id"]

    def window(self, account: str, period: str) -> dict:
        return self._account("GET", f"/accounts/{account}")["windows"][period]

    def rotate(self, client: Client, overlap_seconds: int) -> Client:
        made = self.ask("POST", f"/keys/{client.id}/rotate", {"overlap_seconds": overlap_seconds})
        assert made.status_code == 201, made.text
        self.tokens.append(made.json()["key"])
        return Client(self.gateway, self.tokens[-1], client.id)

    def delete(self, client: Client) -> None:
        assert self.ask("DELETE", f"/keys/{client.id}").status_code == 200

    def usage(self, by: str = "", **query) -> list[dict]:
        text = "&".join(f"{name}={value}" for name, value in ({"by": by} | query).items())
        return self._account("GET", f"/usage?{text}")["rows"]

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        """`gantry …` on the gateway's machine."""
        return subprocess.run(
            [dev_binary(), *arguments],
            cwd=self._folder,
            env=clean_environment(self._folder, {"STATE_DIRECTORY": str(self._folder / "state")}),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def assert_no_key_in(self, text: str, where: str) -> None:
        for token in [*self.tokens, ADMIN_TOKEN]:
            for line in text.splitlines():
                assert token[3:] not in line, f"{where} shows a key: {line[:200]}"

    def _account(self, method: str, path: str, body: dict | None = None) -> dict:
        answered = self.ask(method, path, body)
        assert answered.status_code in (200, 201), answered.text
        return answered.json()["data"]


OVER = re.compile(
    r"The (?P<period>\w+) budget of (?P<account>.+) does not hold this call: of \$(?P<limit>[\d.]+) are "
    r"\$(?P<spent>[\d.]+) spent and \$(?P<held>[\d.]+) held, and it may cost up to \$(?P<amount>[\d.]+)\."
)


@contextmanager
def administered(simulator: Simulator, folder: Path, config: str) -> Iterator[Admin]:
    """A gateway before `simulator` that knows its models."""
    with Gateway(folder, simulator.base_url, config, environment=environment_in(folder)) as gateway:
        gateway.wait_for_catalogue()
        yield Admin(gateway, folder)


def over_budget(response: httpx.Response) -> dict:
    """What a 402 of ours says: the texts `period` and `account`, the amounts, and the `remedy`."""
    assert response.status_code == 402, response.text
    secrets.assert_clean(response.text, "an error")
    error = response.json()["error"]
    assert error["code"] == 402
    assert error["metadata"]["error_type"] == "payment_required"
    found = OVER.search(error["message"])
    assert found, error["message"]
    told = found.groupdict()
    for amount in ("limit", "spent", "held", "amount"):
        told[amount] = Decimal(told[amount])
    assert told["spent"] + told["held"] + told["amount"] > told["limit"]
    return told | {"remedy": error["metadata"]["gantry"]["remedy"]}


def cost_of(response: httpx.Response) -> Decimal:
    """`usage.cost` as it stands in the text: a float would round it."""
    return Decimal(re.search(r'"cost":([0-9.eE+-]+)', response.text).group(1))
