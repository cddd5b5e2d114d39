"""guard: publish the sealed plan, then let it go or have it wait. Nothing outside our own tables changes here."""

from __future__ import annotations

from data_lifecycle.database import Row, connect, execute, fetch_one
from data_lifecycle.photo_purge.caps import exceeded
from data_lifecycle.photo_purge.claims import state_plan
from data_lifecycle.protocol import ledger, posture
from data_lifecycle.protocol.house import House, PromiseBroken, log


class OverCaps(PromiseBroken):
    """The plan waits for a person's approval: see ``approving``."""


def guard_run(house: House, run_id: int) -> list[int]:
    """Publish the sealed plan, then let it go: the batches to work on; an empty list for a dry run.

    The plan is in the public log before anything may be erased for it. Raises PromiseBroken when it cannot be
    published, Paused while the house is paused, and OverCaps when it exceeds a cap of the policy (studio decision
    "caps").
    """
    with connect(house.connections.database(ledger.WRITER), "photo_purge guard") as connection:
        state_plan(house, connection, fetch_one(connection, "run/read_run", run_id=run_id))
        connection.commit()
    ledger.publish(house)
    with connect(house.connections.database("studio_reader"), "photo_purge guard") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
    judged = run["facts"]["caps"]
    over = exceeded(judged)
    for name, pair in judged.items():
        log.info(
            "cap %s: %s, limit %s: %s",
            name,
            pair["found"],
            pair["allowed"],
            "EXCEEDED" if name in over else "within",
        )
    if run["dry_run"]:
        log.info("dry run: stopping after the plan; nothing is erased")
        return []
    with connect(house.connections.database("studio_reader"), "photo_purge guard") as connection:
        posture.refuse_while_paused(connection, f"run {run_id} is not released, its plan is public")
    if over:
        raise OverCaps(
            f"run {run_id} is over the cap for {', '.join(over)}: nothing is erased unless a person approves it; "
            f"manifest sha256 {run['manifest_sha256']}"
        )
    return release(house, run)


def release(house: House, run: Row) -> list[int]:
    """Let a run go: its batches. The database refuses a plan that is not public, not within its caps and not approved.

    Raises Paused while the house is paused.
    """
    run_id = run["run_id"]
    with connect(house.connections.database("studio_reader"), "photo_purge guard") as connection, connection:
        posture.refuse_while_paused(connection, f"run {run_id} is not released, its plan is public")
        released = execute(connection, "run/release_run", run_id=run_id)
    if released != 1:
        raise PromiseBroken(f"the database did not release run {run_id}: something swallows the change")
    log.info("released: %d batches", run["batches"])
    return list(range(run["batches"]))
