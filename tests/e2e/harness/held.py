"""A gateway and the simulator behind it, both with their clocks held, so that pauses between attempts are exact."""

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Callable, TypeVar

from .control import Control
from .gateway import Gateway
from .simulator import Mark, Simulator
from .waiting import wait_for

T = TypeVar("T")


class Held:
    """Time moves in both processes together, and only when told. One loop each, so that a request that is answered tells
    that all before it was seen."""

    def __init__(self, folder: Path, config: str, environment: dict[str, str] | None = None):
        for name in ("simulator", "gateway"):
            (folder / name).mkdir(parents=True)
        self._clocks = (Control(), Control())
        self.passed = 0.0  # seconds, since both were started
        self.simulator = Simulator(folder / "simulator", environment=self._clocks[0].environment)
        self.gateway = Gateway(
            folder / "gateway",
            self.simulator.base_url,
            config.replace("[server]\n", "[server]\nthreads = 1\n"),
            environment=self._clocks[1].environment | (environment or {}),
        )

    def advance(self, seconds: float) -> None:
        """The simulator first: what the gateway's timers make it send arrives at the time at which it was sent."""
        for clock in self._clocks:
            clock.advance(seconds)
        self.passed += seconds

    def wait_for_catalogue(self) -> None:
        """Lets time pass, for a list that did not come is asked for again later."""

        def there() -> float:
            self.advance(1)
            return self.gateway.metrics()["gantry_catalogue_models"]

        wait_for(there, "the catalogue")

    def begin(self, faults: str = "") -> Mark:
        """A fresh start: these faults from now on, all breakers closed, the retry budget full again."""
        self.simulator.script(faults)
        self.simulator.http.post("/sim/reset").raise_for_status()
        self.advance(10)
        self.gateway.close_breakers()
        return self.simulator.mark()

    def settle(self, mark: Mark) -> None:
        """Returns when nothing more happens without time passing: several looks in a row see the same."""
        seen, same = None, 0
        while same < 3:
            self.gateway.http.get("/health")
            now = [(each["number"], each["ended_ms"]) for each in mark.attempts()]
            same = same + 1 if now == seen else 0
            seen = now

    def run(self, call: Callable[[], T], mark: Mark, step: float, limit: float = 700) -> T:
        """Makes the call and lets time pass in steps until it is through; `limit` is in held seconds."""
        future: Future[T] = Future()

        def work() -> None:
            try:
                future.set_result(call())
            except BaseException as error:  # told to whoever waits for the result
                future.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        passed = 0.0
        while True:
            self.settle(mark)
            if future.done():
                return future.result()
            assert passed < limit, f"the call was not through after {limit} s of held time"
            self.advance(step)
            passed += step

    def close(self) -> None:
        for process in (self.gateway, self.simulator):
            process.__exit__(None, None, None)
        for clock in self._clocks:
            clock.close()

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, *_exception) -> None:
        self.close()
