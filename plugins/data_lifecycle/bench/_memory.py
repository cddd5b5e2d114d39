"""How much memory processes hold at their peak, watched from outside: what they share is not counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_SECONDS = 0.005
"""Tables of a statement live for tenths of a second at least."""
_KILOBYTES = 1024
"""Of a megabyte."""


@contextmanager
def watching(processes: Callable[[], Iterable[int]]) -> Iterator[list[float]]:
    """The most private memory (MB) that processes, by their ids at each look, had together meanwhile: the only item."""
    peak, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_SECONDS):
            peak[0] = max(peak[0], sum(map(private, processes())))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def private(pid: int) -> float:
    """What a process holds for itself alone (MB); nothing once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (
        sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")) / _KILOBYTES
    )
