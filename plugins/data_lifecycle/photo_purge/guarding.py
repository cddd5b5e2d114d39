"""guard: publish the sealed plan, then let it go or stop it. Nothing outside our own tables changes here."""

from __future__ import annotations

from data_lifecycle.database import connect, execute, fetch_one
from data_lifecycle.photo_purge.claims import state_plan
from data_lifecycle.photo_purge.planning import PIPELINE
from data_lifecycle.policy.loader import load_all, policy_in_force
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, log


def guard_run(house: House, run_id: int) -> list[int]:
    """Publish the sealed plan, then let it go or stop it: the batches to work on; an empty list for a dry run.

    The plan is in the public log before anything may be erased for it. Raises PromiseBroken when it cannot be
    published, or when it exceeds a cap of the policy (studio decision "caps").
    """
    with connect(house.connections.database(ledger.WRITER), "photo_purge guard") as connection:
        state_plan(house, connection, fetch_one(connection, "run/read_run", run_id=run_id))
        connection.commit()
    ledger.publish(house)
    with connect(house.connections.database("studio_reader"), "photo_purge guard") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        live = int(fetch_one(connection, "photo_purge/count_live")["live"])
        usual = fetch_one(connection, "photo_purge/trailing_median", pipeline=PIPELINE, run_id=run_id)
    if run["dry_run"]:
        log.info("dry run: stopping after the plan; nothing is erased")
        return []
    caps = policy_in_force(load_all(house.settings.policy_dir), run["as_of"]).caps
    facts = run["facts"]
    share = facts["due_files"] / live if live else 0.0
    checks = [
        ("entries", facts["erase_items"], caps.max_objects, facts["erase_items"] <= caps.max_objects),
        ("bytes", facts["erase_bytes"], caps.max_bytes, facts["erase_bytes"] <= caps.max_bytes),
        (
            "share of live files",
            f"{share:.3f}",
            f"{caps.max_share_of_live_objects} (from {caps.share_applies_from_objects} files on)",
            live < caps.share_applies_from_objects or share <= caps.max_share_of_live_objects,
        ),
    ]
    for name, found, limit, within in checks:
        log.info("cap %s: %s, limit %s: %s", name, found, limit, "within" if within else "EXCEEDED")
    log.info(
        "for comparison: the last %d runs erased a median of %s entries", usual["runs"], usual["median"] or 0
    )
    exceeded = [name for name, _, _, within in checks if not within]
    if exceeded:
        raise PromiseBroken(
            f"run {run_id} stopped before the first delete: over the cap for {', '.join(exceeded)}; "
            f"manifest sha256 {run['manifest_sha256']}. "
            "Find out why so much is due, or raise the cap in the policy file"
        )
    with connect(house.connections.database("studio_reader"), "photo_purge guard") as connection, connection:
        released = execute(connection, "run/release_run", run_id=run_id)
    if released != 1:
        raise PromiseBroken(f"the database did not release run {run_id}: something swallows the change")
    log.info("released: %d batches", run["batches"])
    return list(range(run["batches"]))
