"""One step of the audit in a process of its own that ends itself with SIGKILL at a named point (see ``runner``)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime

from tests.audits import judge
from tests.faults.sequencing import kill_at

from data_lifecycle.evidence_audit import attesting, logbook, observing, planning, residue
from data_lifecycle.protocol.house import House
from data_lifecycle.settings import Settings

STEPS: dict[str, Callable[[House, int], object]] = {
    "plan": lambda house, _: planning.plan_run(house, "audit", datetime.now(UTC), None, False, False),
    "guard": planning.guard_run,
    "log": logbook.check_log,
    "observe": observing.observe_run,
    "residue": residue.look_at_residue,
    "forget": residue.forget_salts,
    "assert": judge,
    "attest": lambda house, run: attesting.attest_run(house, run, ()),
}


def run(settings: Settings, step: str, run_id: int, where: str) -> None:
    """Do the step; the process does not survive ``where``, at the latest not the end."""
    if where != "end":
        kill_at(where)
    STEPS[step](House.of_files(settings), run_id)
    if where == "end":
        os.kill(os.getpid(), signal.SIGKILL)
