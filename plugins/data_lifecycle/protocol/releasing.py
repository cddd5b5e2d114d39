"""guard, as every pipeline does it: the sealed plan is public before anything follows from it."""

from __future__ import annotations

from collections.abc import Callable

from data_lifecycle.database import Connection, Row, connect, execute, fetch_one
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken

StatePlan = Callable[[House, Connection, Row], ledger.Stated]
"""States the plan of a run, given its row, unless it was stated before; its caller commits."""


def publish_plan(house: House, run_id: int, pipeline: str, state_plan: StatePlan) -> Row:
    """State the sealed plan and publish it; the run's row. PromiseBroken when it cannot be published."""
    with connect(house.connections.database(ledger.WRITER), f"{pipeline} guard") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        state_plan(house, connection, run)
        connection.commit()
    ledger.publish(house)
    return run


def release(connection: Connection, run_id: int) -> None:
    """Let a run act. The caller commits. PromiseBroken when the database says yes and does not do it."""
    if execute(connection, "run/release_run", run_id=run_id) != 1:
        raise PromiseBroken(f"the database did not release run {run_id}: something swallows the change")


def publish_and_release(house: House, run_id: int, pipeline: str, state_plan: StatePlan, role: str) -> Row:
    """Publish the sealed plan, then release the run as ``role``, unless it is a dry run; the run's row.

    Raises what ``publish_plan`` and ``release`` raise.
    """
    run = publish_plan(house, run_id, pipeline, state_plan)
    if not run["dry_run"]:
        with connect(house.connections.database(role), f"{pipeline} guard") as connection, connection:
            release(connection, run_id)
    return run
