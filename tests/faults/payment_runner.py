"""One step of the archive in a process of its own that ends itself with SIGKILL at a named point."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime

from tests.faults.sequencing import kill_at
from tests.payment_fixtures import Till

from data_lifecycle.payment_archive.planning import plan_run
from data_lifecycle.protocol.house import House
from data_lifecycle.settings import Settings


def run(step: str, run_id: int, where: str, settings: Settings, admin_url: str) -> None:
    """Do the step; the process does not survive ``where``, at the latest not the end."""
    house = House.of_files(settings)
    if where != "end":
        kill_at(where)
    if step == "plan":
        plan_run(house, "one", datetime.now(UTC), None, dry_run=False)
    else:
        Till(house, admin_url, None).step(step, run_id)
    os.kill(os.getpid(), signal.SIGKILL if where == "end" else signal.SIGTERM)
