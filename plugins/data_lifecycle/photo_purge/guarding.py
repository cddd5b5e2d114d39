"""guard: publish the sealed plan, then let it go or have it wait. Nothing outside our own tables changes here."""

from __future__ import annotations

from data_lifecycle.database import Row, connect
from data_lifecycle.photo_purge.caps import exceeded
from data_lifecycle.photo_purge.claims import state_plan
from data_lifecycle.photo_purge.planning import PIPELINE, ROLE
from data_lifecycle.protocol import posture, releasing
from data_lifecycle.protocol.house import House, PromiseBroken, log


class OverCaps(PromiseBroken):
    """The plan waits for a person's approval: see ``approving``."""


def guard_run(house: House, run_id: int) -> list[int]:
    """Publish the sealed plan, then let it go: the batches to work on; an empty list for a dry run.

    The plan is in the public log before anything may be erased for it. Raises PromiseBroken when it cannot be
    published, Paused while the house is paused, and OverCaps when it exceeds a cap of the policy (studio decision
    "caps").
    """
    run = releasing.publish_plan(house, run_id, PIPELINE, state_plan)
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
    with connect(house.connections.database(ROLE), "photo_purge guard") as connection:
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
    with connect(house.connections.database(ROLE), "photo_purge guard") as connection, connection:
        posture.refuse_while_paused(connection, f"run {run_id} is not released, its plan is public")
        releasing.release(connection, run_id)
    log.info("released: %d batches", run["batches"])
    return list(range(run["batches"]))
