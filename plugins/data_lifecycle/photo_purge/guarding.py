"""guard: publish the sealed plan, then let it go or have it wait. Nothing outside our own tables changes here."""

from __future__ import annotations

from data_lifecycle.database import Row, connect
from data_lifecycle.photo_purge.claims import state_plan
from data_lifecycle.photo_purge.planning import PIPELINE, ROLE
from data_lifecycle.protocol import asking, posture, releasing
from data_lifecycle.protocol.house import House, log


def guard_run(house: House, run_id: int) -> list[int]:
    """Publish the sealed plan, then let it go: the batches to work on; an empty list for a dry run.

    Raises OverCaps when it exceeds a cap of the policy (studio decision "caps"), and what else ``asking.guard`` raises.
    """
    return asking.guard(house, run_id, PIPELINE, ROLE, state_plan, release)


def release(house: House, run: Row) -> list[int]:
    """Let a run go: its batches. The database refuses a plan that is not public, not within its caps and not approved.

    Raises Paused while the house is paused.
    """
    run_id = run["run_id"]
    with connect(house.connections.database(ROLE), f"{PIPELINE} guard") as connection, connection:
        posture.refuse_while_paused(connection, f"run {run_id} is not released, its plan is public")
        releasing.release(connection, run_id)
    log.info("released: %d batches", run["batches"])
    return list(range(run["batches"]))
