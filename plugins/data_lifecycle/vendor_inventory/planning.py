"""plan and guard: what is to be counted, compared with which version of the register; stated before anything is."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from data_lifecycle.database import Connection, Row, fetch_one
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, code_version, log
from data_lifecycle.protocol.moments import judge_as_of
from data_lifecycle.protocol.releasing import publish_and_release
from data_lifecycle.protocol.sealing import in_snapshot, insert_run
from data_lifecycle.transfer_check import yardstick

PIPELINE = "vendor_inventory"
ROLE = "vendor_clerk"
CLAUSES = ("4.1", "4.2", "4.3", "8")


def plan_run(house: House, dag_run_id: str, run_after: datetime, as_of: str | None, dry_run: bool) -> int:
    """Seal how much there is to count up to ``as_of``, and by which register; the run's number.

    Raises Refused for an impossible ``as_of``, PolicyError for a register or list that must not be used, PromiseBroken
    when nothing was ever sent: an empty log would read as "no drift" and prove nothing.
    """

    def seal(connection: Connection) -> int:
        now = fetch_one(connection, "run/read_clock")["now"]
        moment = judge_as_of(as_of, run_after, now)
        rule = yardstick.load(house, moment)
        yardstick.keep(connection, rule)
        return _plan(connection, dag_run_id, moment, dry_run, rule)

    return in_snapshot(house.connections.database(ROLE), "vendor_inventory plan", seal)


def _plan(
    connection: Connection, dag_run_id: str, as_of: datetime, dry_run: bool, rule: yardstick.Yardstick
) -> int:
    sent = fetch_one(connection, "vendor_inventory/count_sent", as_of=as_of)
    if not sent["disclosures"]:
        raise PromiseBroken(
            "no disclosure was recorded up to that moment: a studio that sends nothing cannot be told from one that "
            "records nothing, and neither has an inventory"
        )
    decided = rule.policy.vendor_inventory
    facts: dict[str, Any] = {
        "disclosures": sent["disclosures"],
        "sent_later": sent["later"],
        "registered": len(rule.register.vendors),
        "quiet_after": str(decided.quiet_after),
        "small_count": decided.small_count,
        "register_sha256": rule.register.sha256,
        "reference_sha256": rule.reference.sha256,
    }
    manifest = hashlib.sha256(
        json.dumps(
            [as_of.isoformat(), rule.policy.sha256, facts, sent["last_at"].isoformat()], sort_keys=True
        ).encode()
    ).hexdigest()
    run_id = insert_run(connection, PIPELINE, dag_run_id, as_of, dry_run, rule.policy, manifest, facts)
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
    for kind in rule.policy.sharing.vendor_kinds:
        if kind.clause:
            log.info("clause %s: “%s”", kind.clause.section, kind.clause.quote)
    log.info("register of %d vendors, sha256 %s", facts["registered"], facts["register_sha256"])
    log.info("run %d counts what was sent up to %s", run_id, as_of.isoformat())
    log.info("code %s", code_version())
    log.info("to count: %d disclosures", facts["disclosures"])
    log.info("a vendor without traffic is named after %s", facts["quiet_after"])
    if facts["sent_later"]:
        log.warning("dated later than that, not counted now: %d disclosures", facts["sent_later"])
    log.info("manifest sha256 %s%s", manifest, ", dry run" if dry_run else "")


def state_plan(house: House, connection: Connection, run: Row) -> ledger.Stated:
    """State what the run plans to count. The caller commits."""
    return ledger.state_plan(house, connection, run, CLAUSES, run["facts"]["disclosures"], [])


def guard_run(house: House, run_id: int) -> bool:
    """Publish the sealed plan, then release it; False for a dry run. PromiseBroken when it cannot be published."""
    run = publish_and_release(house, run_id, PIPELINE, state_plan, ROLE)
    if run["dry_run"]:
        log.info("dry run: stopping after the plan; nothing is counted")
        return False
    log.info("released: %d disclosures", run["facts"]["disclosures"])
    return True
