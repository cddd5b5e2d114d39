"""One step of the purge in a process of its own that ends itself with SIGKILL at a named point.

A point is "end", when the step has returned, or ``module:function:argument:when:count``: the ``count``-th call of a
function of ``data_lifecycle.<module>`` (whose arguments include ``argument``, if one is named) is the last, ``before``
or ``after`` it has done its work.
"""

from __future__ import annotations

import importlib
import itertools
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.faults.workshop import judge

from data_lifecycle.photo_purge import acting, attesting, observing, planning
from data_lifecycle.protocol.house import House


def kill_at(point: str) -> None:
    """Put the end of this process behind a function of the product."""
    module_name, function, argument, when, count = point.split(":")
    module = importlib.import_module(f"data_lifecycle.{module_name}")
    real = getattr(module, function)
    calls = itertools.count(1)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        last = (not argument or argument in args) and next(calls) == int(count)
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(module, function, deadly)


STEPS: dict[str, Callable[[House, int], object]] = {
    "plan": lambda house, _: planning.plan_run(house, "one", datetime.now(UTC), None, dry_run=False),
    "guard": planning.guard_run,
    "act": lambda house, run: acting.act_batch(house, run, 0),
    "observe": observing.observe_run,
    "settle": acting.settle_run,
    "sweep": observing.sweep_run,
    "assert": judge,
    "attest": lambda house, run: attesting.attest_run(house, run, ()),
}


def run(step: str, run_id: int, where: str) -> None:
    """Do the step; the process does not survive ``where``, at the latest not the end."""
    if where != "end":
        kill_at(where)
    STEPS[step](House.of_files(), run_id)
    if where == "end":
        os.kill(os.getpid(), signal.SIGKILL)
