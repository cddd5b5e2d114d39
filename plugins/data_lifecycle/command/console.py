"""Progress on a terminal, in a pipe or in a CI log: whole lines, each with the seconds since the start."""

from __future__ import annotations

import time
from collections.abc import Callable


class Console:
    """Lines of progress. Units: seconds."""

    def __init__(self) -> None:
        """The clock starts now."""
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def say(self, text: str) -> None:
        """One line, at once."""
        print(f"[{self.elapsed:6.1f} s] {text}", flush=True)

    def every(self, seconds: float, text: Callable[[], str]) -> Callable[[], None]:
        """Something to call as often as one likes: it says ``text()`` at most every ``seconds``."""
        last = time.monotonic()

        def tick() -> None:
            nonlocal last
            if time.monotonic() - last >= seconds:
                last = time.monotonic()
                self.say(text())

        return tick
