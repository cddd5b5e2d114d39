"""plan and guard: which disclosures are judged, by which versions; sealed and published before anything is judged."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from data_lifecycle.database import Connection, Row, execute, fetch, fetch_one
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, code_version, log
from data_lifecycle.protocol.moments import judge_as_of
from data_lifecycle.protocol.releasing import publish_and_release
from data_lifecycle.protocol.sealing import in_snapshot, run_values
from data_lifecycle.transfer_check import yardstick

PIPELINE = "transfer_check"
ROLE = "transfer_judge"
CLAUSES = ("4.1", "4.2", "4.3", "7", "8")


def plan_run(
    house: House, dag_run_id: str, run_after: datetime, as_of: str | None, dry_run: bool, rejudge: bool
) -> int:
    """Pick what has no verdict yet (with ``rejudge``: also what was judged by other versions) and seal it.

    Every disclosure sent up to ``as_of`` counts, however late it was recorded; each is judged as of its own sending.
    Raises Refused for an impossible ``as_of``, PolicyError for a register or list that must not be used, PromiseBroken
    when the studio never sent anything: an empty log proves nothing.
    """

    def seal(connection: Connection) -> int:
        now = fetch_one(connection, "run/read_clock")["now"]
        moment = judge_as_of(as_of, run_after, now)
        rule = yardstick.load(house, moment)
        yardstick.keep(connection, rule)
        return _plan(connection, dag_run_id, moment, dry_run, rejudge, rule)

    return in_snapshot(house.connections.database(ROLE), "transfer_check plan", seal)


def _plan(
    connection: Connection,
    dag_run_id: str,
    as_of: datetime,
    dry_run: bool,
    rejudge: bool,
    rule: yardstick.Yardstick,
) -> int:
    later = fetch_one(connection, "transfer_check/count_later", as_of=as_of)
    if not later["any_at_all"]:
        raise PromiseBroken(
            "no disclosure was ever recorded: a studio that sends nothing cannot be told from one that records nothing"
        )
    run_id = int(fetch_one(connection, "transfer_check/reserve_run")["run_id"])
    seen = fetch(connection, "transfer_check/insert_items", run_id=run_id, as_of=as_of)
    versions = {"register": rule.register.sha256, "reference": rule.reference.sha256}
    if rejudge:
        seen += fetch(connection, "transfer_check/insert_outdated", run_id=run_id, as_of=as_of, **versions)
    seal = fetch_one(connection, "transfer_check/seal_items", run_id=run_id)
    stale = yardstick.ages(rule.reference, as_of)
    facts: dict[str, Any] = {
        "items": seal["items"],
        "judged_again": seal["again"],
        "vendors": len({row["vendor"] for row in seen}),
        "incomplete": sum(row["incomplete"] for row in seen),
        "first_sent_at": min((row["first_at"] for row in seen), default=as_of).isoformat(),
        "last_sent_at": max((row["last_at"] for row in seen), default=as_of).isoformat(),
        "sent_later": later["later"],
        "stale_lists": sorted(stale),
        "register_sha256": rule.register.sha256,
        "reference_sha256": rule.reference.sha256,
    }
    manifest = hashlib.sha256(
        json.dumps(
            [as_of.isoformat(), rule.policy.sha256, versions, seal["sha256"], seal["items"]], sort_keys=True
        ).encode()
    ).hexdigest()
    values = run_values(connection, PIPELINE, dag_run_id, as_of, dry_run, rule.policy, manifest, facts)
    execute(connection, "transfer_check/insert_run", run_id=run_id, **values)
    _tell(rule, run_id, as_of, dry_run, facts, manifest)
    return run_id


def _tell(
    rule: yardstick.Yardstick,
    run_id: int,
    as_of: datetime,
    dry_run: bool,
    facts: dict[str, Any],
    manifest: str,
) -> None:
    log.info("policy %s, version %s, file sha256 %s", rule.policy.id, rule.policy.version, rule.policy.sha256)
    for condition in rule.policy.transfers.conditions:
        if condition.clause:
            log.info("clause %s: “%s”", condition.clause.section, condition.clause.quote)
    log.info("register of %d vendors, sha256 %s", len(rule.register.vendors), rule.register.sha256)
    for found in rule.reference.lists:
        log.info(
            "list %s: %d entries, oldest source of %s, stale from %s",
            found.name,
            len(found.entries),
            found.oldest_source,
            f"{found.stale_from:%Y-%m-%d}",
        )
    log.info("reference lists sha256 %s", rule.reference.sha256)
    for name in facts["stale_lists"]:
        log.error("list %s is stale: compare it with its sources; until then this check fails", name)
    log.info("run %d judges what was sent up to %s", run_id, as_of.isoformat())
    log.info("code %s", code_version())
    log.info("to judge: %d disclosures to %d vendors", facts["items"], facts["vendors"])
    log.info("of them again, because register or lists changed: %d", facts["judged_again"])
    log.info("of them with something unknown that a rule asks for: %d", facts["incomplete"])
    if facts["sent_later"]:
        log.warning("dated later than that, not judged now: %d disclosures", facts["sent_later"])
    log.info("manifest of %d entries sealed%s", facts["items"], ", dry run" if dry_run else "")
    log.info("manifest sha256 %s", manifest)


def state_plan(house: House, connection: Connection, run: Row) -> ledger.Stated:
    """State what the run plans to judge. The caller commits."""
    return ledger.state_plan(house, connection, run, CLAUSES, run["facts"]["items"], [])


def guard_run(house: House, run_id: int) -> bool:
    """Publish the sealed plan, then release it; False for a dry run. PromiseBroken when it cannot be published."""
    run = publish_and_release(house, run_id, PIPELINE, state_plan, ROLE)
    if run["dry_run"]:
        log.info("dry run: stopping after the plan; nothing is judged")
        return False
    log.info("released: %d disclosures", run["facts"]["items"])
    return True
