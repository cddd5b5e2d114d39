"""plan and guard: which flags have to change; sealed and published before any of them does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from data_lifecycle.database import Connection, Row, copy_rows, fetch, fetch_one
from data_lifecycle.holds.plan import Item, changes, seal
from data_lifecycle.holds.world import World, look
from data_lifecycle.objects.flags import Version, read_flags
from data_lifecycle.policy.loader import load_all, policy_in_force
from data_lifecycle.policy.model import Policy
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, code_version, log
from data_lifecycle.protocol.releasing import publish_and_release
from data_lifecycle.protocol.sealing import in_snapshot, insert_run

PIPELINE = "legal_holds"
ROLE = "hold_keeper"
IDENTITY = "object_holder"
CLAUSES = ("3.2",)


def plan_run(house: House, dag_run_id: str, dry_run: bool) -> int:
    """Compare the holds in force with the flags in the store, seal what has to change; the number of the run.

    Always as of now: a hold is in force or it is not. Raises StoreUnknown when the store does not say all of it.
    """

    def sealed(connection: Connection) -> int:
        return _plan(house, connection, dag_run_id, dry_run)

    return in_snapshot(house.connections.database(ROLE), "legal_holds plan", sealed)


def _plan(house: House, connection: Connection, dag_run_id: str, dry_run: bool) -> int:
    as_of: datetime = fetch_one(connection, "run/read_clock")["now"]
    policy = policy_in_force(load_all(house.settings.policy_dir), as_of)
    access = house.connections.store(IDENTITY)
    world = look(connection, access, house.settings.photo_buckets)
    known: dict[Version, tuple[UUID | None, str]] = {
        Version(row["bucket"], row["object_key"], row["version_id"]): (row["upload_id"], row["state"])
        for row in fetch(connection, "holds/select_known")
    }
    refused: dict[Version, UUID | None] = {
        Version(row["bucket"], row["object_key"], row["version_id"]): row["upload_id"]
        for row in fetch(connection, "holds/select_refused")
    }
    wanted = (*world.coverage.versions, *world.probes)
    flags = read_flags(access, [*(line.version for line in wanted), *(refused.keys() - known.keys())])
    items, lifted = changes(wanted, known, refused, {version: flag for version, (flag, _) in flags.items()})
    alerts = fetch_one(
        connection,
        "holds/count_alerts",
        as_of=as_of,
        mend_within=policy.holds.mend_within.elapsed,
        erase_within=policy.holds.erase_within_after_release.elapsed,
    )
    facts = _facts(world, items, lifted) | dict(alerts)
    manifest = seal(policy.sha256, as_of, items, wanted)
    run_id = insert_run(connection, PIPELINE, dag_run_id, as_of, dry_run, policy, manifest, facts)
    copy_rows(
        connection,
        "holds/copy_items",
        (
            (
                run_id,
                item.version.bucket,
                item.version.key,
                item.version.version_id,
                item.upload_id,
                item.origin,
                item.want,
            )
            for item in items
        ),
    )
    _tell(policy, run_id, as_of, dry_run, facts, manifest)
    return run_id


def _facts(world: World, items: tuple[Item, ...], lifted: int) -> dict[str, Any]:
    held = world.coverage.versions
    by_want = Counter((item.want, item.origin) for item in items)
    return {
        "holds": len({hold for file in world.files for hold in file.hold_ids}),
        "files": len(world.files),
        "versions": len(held),
        "strays": sum(line.origin == "stray" for line in held),
        "unflaggable": world.coverage.unflaggable,
        "probes": len({line.version.bucket for line in world.probes}),
        "items": len(items),
        "to_set": sum(
            count for (want, origin), count in by_want.items() if want == "on" and origin != "probe"
        ),
        "to_let_go": sum(count for (want, _), count in by_want.items() if want == "off"),
        "lifted": lifted,
    }


def _tell(
    policy: Policy, run_id: int, as_of: datetime, dry_run: bool, facts: Mapping[str, Any], manifest: str
) -> None:
    log.info("policy %s, version %s, file sha256 %s", policy.id, policy.version, policy.sha256)
    log.info("studio decision holds: %s", policy.holds.reading)
    log.info("run %d judges as of %s", run_id, as_of.isoformat())
    log.info("code %s", code_version())
    log.info("holds in force: %d, on %d files", facts["holds"], facts["files"])
    log.info("versions under hold: %d, of them without a row: %d", facts["versions"], facts["strays"])
    log.info("markers and unfinished uploads, which no store can flag: %d", facts["unflaggable"])
    log.info("flags to set: %d, to let go: %d", facts["to_set"], facts["to_let_go"])
    log.info(
        "holds that ended in the last day: %d, that end within 7 days: %d",
        facts["ended_today"],
        facts["ending_soon"],
    )
    if facts["lifted"]:
        log.error("flags that somebody else took away: %d; they are set again", facts["lifted"])
    if facts["flawed"]:
        log.warning(
            "holds without basis, files, expiry or a second person, ignored: %d, of them older than %s: %d",
            facts["flawed"],
            policy.holds.mend_within,
            facts["flaws_unmended"],
        )
    if facts["overdue"]:
        log.error(
            "files due since their hold ended, more than %s ago, and not erased: %d",
            policy.holds.erase_within_after_release,
            facts["overdue"],
        )
    log.info("manifest of %d entries sealed%s", facts["items"], ", dry run" if dry_run else "")
    log.info("manifest sha256 %s", manifest)


def state_plan(house: House, connection: Connection, run: Row) -> ledger.Stated:
    """State what the run plans to change. The caller commits."""
    return ledger.state_plan(house, connection, run, CLAUSES, run["facts"]["items"], [])


def guard_run(house: House, run_id: int) -> bool:
    """Publish the sealed plan, then release it; False for a dry run. PromiseBroken when it cannot be published."""
    run = publish_and_release(house, run_id, PIPELINE, state_plan, ROLE)
    if run["dry_run"]:
        log.info("dry run: stopping after the plan; no flag is changed")
        return False
    log.info("released: %d flags", run["facts"]["items"])
    return True
