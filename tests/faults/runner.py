"""One step of the purge in a process of its own that ends itself with SIGKILL at a named point.

A point is "end", when the step has returned, or one of ``sequencing.kill_at``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime

from tests.faults.sequencing import kill_at
from tests.faults.workshop import judge

from data_lifecycle.photo_purge import acting, attesting, guarding, observing, planning
from data_lifecycle.protocol import concluding
from data_lifecycle.protocol.house import House
from data_lifecycle.settings import Settings


def prove(house: House, run_id: int) -> None:
    """Assert and state how it went, whatever came out."""
    judge(house, run_id)
    concluding.state_assertions(house, run_id, "photo_purge")


STEPS: dict[str, Callable[[House, int], object]] = {
    "plan": lambda house, _: planning.plan_run(house, "one", datetime.now(UTC), None, dry_run=False),
    "guard": guarding.guard_run,
    "act": lambda house, run: acting.act_batch(house, run, 0),
    "observe": observing.observe_run,
    "settle": acting.settle_run,
    "sweep": observing.sweep_run,
    "assert": prove,
    "attest": lambda house, run: attesting.attest_run(house, run, ()),
}


def run(step: str, run_id: int, where: str, settings: Settings) -> None:
    """Do the step; the process does not survive ``where``, at the latest not the end."""
    if where != "end":
        kill_at(where)
    STEPS[step](House.of_files(settings), run_id)
    if where == "end":
        os.kill(os.getpid(), signal.SIGKILL)
