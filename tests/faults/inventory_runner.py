"""One step of the vendor inventory in a process of its own that ends itself with SIGKILL at a named point."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime

from tests.faults.sequencing import kill_at

from data_lifecycle.protocol.house import House
from data_lifecycle.settings import Settings
from data_lifecycle.vendor_inventory import attesting, exporting, observing, planning

STEPS: dict[str, Callable[[House, int], object]] = {
    "plan": lambda house, _: planning.plan_run(house, "killed", datetime.now(UTC), None, dry_run=False),
    "guard": planning.guard_run,
    "observe": observing.observe_run,
    "export": exporting.export_run,
    "assert": attesting.assert_inventory,
    "attest": lambda house, run_id: attesting.attest_run(house, run_id, ()),
}


def run(step: str, run_id: int, where: str, settings: Settings) -> None:
    """Do the step; the process does not survive ``where``, at the latest not the end."""
    if where != "end":
        kill_at(where)
    STEPS[step](House.of_files(settings), run_id)
    os.kill(os.getpid(), signal.SIGKILL if where == "end" else signal.SIGTERM)
