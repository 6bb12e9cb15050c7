"""Waiting on a condition, never on time: the limit only turns a hang into a failure."""

import threading
import time
from typing import Callable, TypeVar

T = TypeVar("T")

# Generous, because sanitizers and a busy machine are slow; no test passes or fails by it unless something hangs.
LIMIT_SECONDS = 30.0


def wait_for(condition: Callable[[], T], what: str, limit: float = LIMIT_SECONDS) -> T:
    """Asks `condition` until it answers something true, and returns that."""
    pause = threading.Event()
    deadline = time.monotonic() + limit
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {limit} s in vain for {what}; last answer: {answer!r}"
        pause.wait(0.01)
