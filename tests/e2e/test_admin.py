"""Administration from the command line: every reply against the admin API's own OpenAPI file, and the ways to a server."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import jsonschema
import pytest
import yaml
from harness.process import ROOT, clean_environment, dev_binary

DOCUMENT = yaml.safe_load((ROOT / "src" / "access" / "openapi.yaml").read_text())
TOKEN = "gk-admin-0123456789canary"


@pytest.fixture
def run(tmp_path):
    def run_once(*arguments, environment: dict | None = None):
        return subprocess.run(
            [dev_binary(), *arguments],
            cwd=tmp_path,
            env=clean_environment(tmp_path, {"STATE_DIRECTORY": str(tmp_path / "state")} | (environment or {})),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run_once


def resolved(node: dict) -> dict:
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def check(operation: str, status: int, body: str):
    """The body against what the document says of the operation's reply."""
    method = next(
        method
        for path in DOCUMENT["paths"].values()
        for method in path.values()
        if isinstance(method, dict) and method.get("operationId") == operation
    )
    response = resolved(method["responses"].get(str(status), method["responses"].get("default")))
    schema = response["content"]["application/json"]["schema"] | {"components": DOCUMENT["components"]}
    instance = json.loads(body)
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(instance))
    assert not errors, f"{operation}: {errors[0].json_path}: {errors[0].message}"
    return instance


def as_json(run, *arguments):
    ended = run(*arguments, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_document_is_openapi():
    assert DOCUMENT["openapi"].startswith("3.1")
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reply_is_as_the_document_says(run):
    check("createProject", 201, as_json(run, "accounts", "create", "--name", "web", "--monthly", "$100"))
    made = check(
        "createKey",
        201,
        as_json(run, "keys", "create", "--name", "backend", "--project", "web", "--daily", "0.000000000001", "--models", "openai/*")
    )
    key = made["data"]["id"]
    assert made["data"]["limits"]["daily"] == "0.000000000001"
    check("listKeys", 200, as_json(run, "keys", "list"))
    check("showKey", 200, as_json(run, "keys", "show", key))
    check("changeKey", 200, as_json(run, "keys", "update", key, "--expires", "30d", "--rpm", "60", "--allow", "debug"))
    rotated = check("rotateKey", 201, as_json(run, "keys", "rotate", key))
    assert rotated["key"] != made["key"] and len(rotated["data"]["secrets"]) == 2
    check("showAccounts", 200, as_json(run, "accounts", "list", "--keys"))
    check("changeAccount", 200, as_json(run, "accounts", "set", "organisation", "--total", "$5000"))
    check("showUsage", 200, as_json(run, "usage", "--by", "key,project,model,day"))
    check("showUnexplained", 200, as_json(run, "usage", "--unexplained"))
    check("showLeases", 200, as_json(run, "usage", "--leases"))
    check("deleteKey", 200, as_json(run, "keys", "delete", key))
    check("deleteProject", 200, as_json(run, "accounts", "delete", "project:web"))


def test_a_new_key_stands_alone_on_stdout_and_nowhere_else(run, tmp_path):
    key = run("keys", "create", "--name", "backend").stdout
    assert key.startswith("gk-") and key.endswith("\n") and len(key) == 47
    for shown in (run("keys", "list"), run("keys", "show", "backend"), run("accounts", "list", "--keys")):
        assert key.strip() not in shown.stdout + shown.stderr
    for file in (tmp_path / "state").iterdir():
        assert key.strip().encode() not in file.read_bytes(), file
        assert file.stat().st_mode & 0o077 == 0, file


class Server:
    """Stands in for a gateway: says what it was asked, answers what it is told."""

    def __init__(self, status: int, body: str):
        self.asked: list[tuple[str, str, dict, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def handle_any(handler):
                length = int(handler.headers.get("content-length", 0))
                self.asked.append(
                    (handler.command, handler.path, dict(handler.headers), handler.rfile.read(length).decode())
                )
                handler.send_response(status)
                handler.send_header("content-type", "application/json")
                handler.send_header("content-length", str(len(body.encode())))
                handler.end_headers()
                handler.wfile.write(body.encode())

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def test_a_server_elsewhere_is_asked_with_the_token(run, tmp_path):
    with Server(200, '{"data":[]}') as server:
        ended = run("keys", "list", "--project", "a b&c", "--url", server.url, environment={"GANTRY_ADMIN_TOKEN": TOKEN})
    assert ended.returncode == 0, ended.stderr
    method, path, headers, _ = server.asked[0]
    assert (method, path) == ("GET", "/admin/v1/keys?project=a%20b%26c")
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == f"Bearer {TOKEN}"
    assert not (tmp_path / "state").exists()


def test_what_a_server_refuses_is_told(run):
    body = json.dumps(
        {"error": {"code": 403, "message": "Not this token.", "metadata": {"gantry": {"remedy": "Use the other one."}}}}
    )
    with Server(403, body) as server:
        ended = run(
            "keys", "update", "key_4", "--daily", "$1", "--url", server.url, environment={"GANTRY_ADMIN_TOKEN": TOKEN}
        )
    assert ended.returncode == 2
    assert ended.stderr == "Not this token.\n    Use the other one.\n"
    assert server.asked[0][0] == "PATCH" and json.loads(server.asked[0][3]) == {"limits": {"daily": "1"}}
    with Server(200, "<html>") as server:
        assert run("keys", "list", "--url", server.url, environment={"GANTRY_ADMIN_TOKEN": TOKEN}).returncode == 1
    assert TOKEN not in ended.stdout + ended.stderr


def test_the_server_that_holds_the_state_directory_is_asked(run, tmp_path):
    import fcntl

    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    with Server(200, '{"data":[]}') as server, open(state / "lock", "w") as lock:
        os.chmod(state / "lock", 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = state / "server.json"
        file.write_text(json.dumps({"url": server.url, "admin_token": TOKEN, "pid": os.getpid()}))
        file.chmod(0o600)
        ended = run("keys", "list")
        assert ended.returncode == 0, ended.stderr
        assert server.asked[0][1] == "/admin/v1/keys"
        file.chmod(0o640)
        refused = run("keys", "list")
    assert refused.returncode == 1 and "chmod 600" in refused.stderr


def test_a_token_does_not_travel_in_the_clear(run):
    ended = run("keys", "list", "--url", "http://gantry.example", environment={"GANTRY_ADMIN_TOKEN": TOKEN})
    assert ended.returncode == 2 and "readable on its way" in ended.stderr
