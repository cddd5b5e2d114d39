"""The sequencer in a process of its own that ends itself with SIGKILL at a named point."""

from __future__ import annotations

import importlib
import itertools
import os
import signal
from typing import Any

from tests.unit.evidence_log.forge import LOG, ORIGIN

from data_lifecycle.connections import DatabaseAccess, StoreAccess
from data_lifecycle.evidence.logbucket import LogBucket
from data_lifecycle.evidence.sequencer import Sequencer

__all__ = ["ORIGIN", "run", "sequencer"]


def sequencer(url: str, access: dict[str, Any], bucket: str, folder: str) -> Sequencer:
    """A sequencer with the test's key."""
    return Sequencer(DatabaseAccess(url), LogBucket(StoreAccess(**access), bucket, folder), LOG, ORIGIN)


def kill_at(point: str) -> None:
    """Put the end of this process before or after the ``count``-th call of a function or method of the product.

    ``point`` is ``module:function:argument:when:count``; only calls with that argument count, if one is named.
    """
    module_name, path, argument, when, count = point.split(":")
    owner: Any = importlib.import_module(f"data_lifecycle.{module_name}")
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    real = getattr(owner, name)
    calls = itertools.count(1)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        last = (not argument or argument in args) and next(calls) == int(count)
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, name, deadly)


def run(url: str, access: dict[str, Any], bucket: str, folder: str, point: str) -> None:
    """Run the sequencer; the process does not survive ``point``."""
    kill_at(point)
    sequencer(url, access, bucket, folder).run()
