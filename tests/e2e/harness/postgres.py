"""A PostgreSQL of the test's own: in a folder of its own, on a Unix socket, run by a user who may."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from .waiting import LIMIT_SECONDS, wait_for

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


def why_not() -> str:
    if not (PROGRAMS / "postgres").exists():
        return "postgresql-15 is not installed (scripts/install.sh test)"
    if os.geteuid() == 0 and "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


class Postgres:
    def __init__(self):
        if why := why_not():
            pytest.skip(why)
        # Unix socket paths are limited to about 100 bytes, which pytest's own folders may exceed.
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-pg-"))
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._child: subprocess.Popen | None = None
        words = ["initdb", "-U", "gantry", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C", "-D", self._data]
        made = self._start(words)
        assert made.wait(120) == 0, self.log()
        self.start()

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def url(self) -> str:
        return f"postgres:///postgres?user=gantry&host={self.folder}"

    def log(self) -> str:
        return (self.folder / "log").read_text()[-3000:]

    def start(self) -> None:
        self._child = self._start(
            ["postgres", "-k", str(self.folder), "-c", "listen_addresses=", "-c", "fsync=off", "-D", self._data]
        )
        wait_for(self._answers, "PostgreSQL to answer", 60)

    def stop(self) -> None:
        """Its fast shutdown: who is connected is cut off."""
        self._child.send_signal(signal.SIGINT)
        self._child.wait(LIMIT_SECONDS)
        self._child = None

    def rows(self, query: str) -> list[tuple[str, ...]]:
        words = [PROGRAMS / "psql", "-h", self.folder, "-U", "gantry", "-d", "postgres", "-AtX", "-F", "\x1f", "-c", query]
        told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env={"PATH": "/usr/bin:/bin"})
        return [tuple(line.split("\x1f")) for line in told.stdout.splitlines()]

    def _answers(self) -> bool:
        assert self._child.poll() is None, self.log()
        words = [PROGRAMS / "pg_isready", "-q", "-h", self.folder, "-U", "gantry", "-d", "postgres"]
        return subprocess.run(words, timeout=30, check=False).returncode == 0

    def _start(self, words: list[str]) -> subprocess.Popen:
        user = self._user
        return subprocess.Popen(
            [PROGRAMS / words[0], *words[1:]],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=(self.folder / "log").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}),
        )

    def __enter__(self) -> "Postgres":
        return self

    def __exit__(self, *_exception) -> None:
        if self._child:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
