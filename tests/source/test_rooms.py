"""The lines between the rooms, held by what each file includes: pure rooms know no socket, clock or database, third-party
types stay out of headers, and dependencies point downward."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
INCLUDE = re.compile(r"^\s*#\s*include\s*[<\"]([^>\"]+)[>\"]", re.M)

# Each room with the rooms it may use. A room that is not named here fails the test: say where it stands.
USES = {
    "base": set(),
    "wire": {"base"},
    "route": {"base", "wire"},
    "spend": {"base", "wire"},
    "ledger": {"base", "net", "spend"},
    "access": {"base", "wire", "spend", "ledger"},
    "config": {"base"},
    "net": {"base"},
    "observe": {"base", "net", "route", "wire"},
    "engine": {"base", "wire", "route", "spend", "ledger", "access", "config", "net", "observe"},
    "sim": {"base", "net"},
    # It hosts the whole process: the launch checks before serving, and the simulator of `gantry up --sim`.
    "gateway": {
        "base", "wire", "route", "spend", "ledger", "access", "config", "net", "observe", "engine", "launch", "sim",
    },
    "launch": {"base", "wire", "route", "spend", "config", "net", "observe", "engine"},
    "manage": {"base", "wire", "route", "config", "net", "engine"},
    "cli": {
        "base", "wire", "route", "spend", "ledger", "access", "config", "net", "observe", "engine", "gateway", "launch",
        "manage", "sim",
    },
}
PURE = {"base", "wire", "route", "spend"}

SHELL_HEADERS = re.compile(
    r"^(boost/(asio|beast)|openssl/|sqlite3|libpq|spdlog/|sys/(socket|epoll|un|types|stat|time)|netinet/|arpa/|netdb|"
    r"poll\.h|unistd\.h|fcntl\.h|fstream|filesystem|thread|mutex|condition_variable|future)"
)
THIRD_PARTY = re.compile(r"^(boost/|simdjson|toml\+\+|toml\.hpp|spdlog/|fmt/|prometheus/|CLI/|openssl/|sqlite3|libpq)")


def includes(file: Path) -> list[str]:
    return INCLUDE.findall(file.read_text())


def sources(*suffixes: str) -> list[Path]:
    return [file for file in sorted(SRC.rglob("*")) if file.suffix in suffixes]


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def is_test(file: Path) -> bool:
    return file.stem.endswith(("_test", "_fuzz", "_bench"))


@pytest.mark.parametrize("room", sorted({file.relative_to(SRC).parts[0] for file in sources(".cpp", ".hpp")}))
def test_dependencies_point_downward(room):
    assert room in USES, f"src/{room} is a new room: say in USES what it may use"
    for file in (SRC / room).rglob("*.[ch]pp"):
        if is_test(file):
            continue
        for include in includes(file):
            used = include.split("/")[0]
            if used in USES and used != room:
                assert used in USES[room], f"{named(file)} includes {include}; {room} may use {sorted(USES[room])}"


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_know_no_socket_thread_or_file(room):
    for file in (SRC / room).rglob("*.[ch]pp"):
        if is_test(file):
            continue
        for include in includes(file):
            assert not SHELL_HEADERS.match(include), f"{named(file)} includes {include}"


def test_no_room_shows_a_third_party_type_to_another():
    """A header that brings third-party types, itself or by another header, is its room's own business."""
    headers = {named(file).removeprefix("src/"): includes(file) for file in sources(".hpp")}
    bring = {name for name, used in headers.items() if any(THIRD_PARTY.match(include) for include in used)}
    while more := {name for name, used in headers.items() if bring & set(used)} - bring:
        bring |= more
    for file in sources(".hpp", ".cpp"):
        room = file.relative_to(SRC).parts[0]
        for include in includes(file):
            assert include not in bring or include.split("/")[0] == room, f"{named(file)} includes {include}"


def test_a_property_that_is_falsified_fails_its_test():
    """rc::check returns whether the property held; a call that stands alone as a statement tells nobody."""
    alone = re.compile(r"[;{}]\s*rc::check\(")
    assert [named(file) for file in sources(".cpp", ".hpp") if alone.search(file.read_text())] == []
