"""plan and guard: what is to be asked back from vendors and what is to be followed; sealed and published first."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import uuid4

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.policy.loader import REGISTER, load_all, policy_in_force
from data_lifecycle.policy.model import Policy
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, code_version, listed, log
from data_lifecycle.protocol.moments import judge_as_of
from data_lifecycle.protocol.releasing import publish_and_release
from data_lifecycle.protocol.sealing import insert_run
from data_lifecycle.vendor_erasure.plan import Due, Erasure, manifest, new_erasures
from data_lifecycle.vendors.register import Register, load_register

PIPELINE = "vendor_erasure"
ROLE = "vendor_eraser"
CLAUSES = ("3.2", "4.3")


def plan_run(house: House, dag_run_id: str, run_after: datetime, as_of: str | None, dry_run: bool) -> int:
    """Plan erasures of what is due and has none, take up those to be followed, seal both; the run's number.

    Due is what the photo purge erased here. ``as_of`` is ISO 8601 with a zone, or None for the run's own moment. Raises
    Refused for an impossible ``as_of``, PolicyError for a register that must not be used. A dry run plans nothing new.
    """
    with connect(house.connections.database(ROLE), "vendor_erasure plan") as connection:
        fetch_one(connection, "vendor_erasure/hold_turn")
        moment = judge_as_of(as_of, run_after, fetch_one(connection, "run/read_clock")["now"])
        policy = policy_in_force(load_all(house.settings.policy_dir), moment)
        register = load_register(house.settings.policy_dir / REGISTER, policy)
        run_id = _plan(connection, dag_run_id, moment, dry_run, policy, register)
        connection.commit()
    return run_id


def _plan(
    connection: Connection,
    dag_run_id: str,
    as_of: datetime,
    dry_run: bool,
    policy: Policy,
    register: Register,
) -> int:
    due = [Due(**row) for row in fetch(connection, "vendor_erasure/select_due")]
    cases = sorted({d.case_id for d in due})
    parts = {
        (row["case_id"], row["vendor"]): row["parts"]
        for row in fetch(connection, "vendor_erasure/select_parts", case_ids=cases)
    }
    new = new_erasures(due, parts, register, iter(uuid4, None))
    followed = fetch(connection, "vendor_erasure/select_open", as_of=as_of)
    entries = [f"{row['erasure_id']} {row['state']} {row['idempotency_key']}" for row in followed]
    entries += [f"{e.case_id} {e.vendor} {e.part} {len(e.disclosure_ids)}" for e in new]
    facts: dict[str, Any] = {
        "new": len(new),
        "followed": len(followed),
        "disclosures": sum(len(e.disclosure_ids) for e in new),
        "waiting_for_a_hold": sum(d.held for d in due),
        "unlisted": sorted({e.vendor for e in new if register.vendor(e.vendor) is None}),
        "by_vendor": dict(sorted(Counter([e.vendor for e in new] + [r["vendor"] for r in followed]).items())),
        "alert_before_seconds": int(policy.vendor_erasure.alert_before_deadline.elapsed.total_seconds()),
        "register_sha256": register.sha256,
    }
    sealed = manifest(policy.sha256, register.sha256, as_of, entries)
    run_id = insert_run(connection, PIPELINE, dag_run_id, as_of, dry_run, policy, sealed, facts)
    if not dry_run:
        _seal(connection, run_id, as_of, register, new, [row["erasure_id"] for row in followed])
    _tell(run_id, as_of, dry_run, policy, register, facts, sealed)
    return run_id


def _seal(
    connection: Connection,
    run_id: int,
    as_of: datetime,
    register: Register,
    new: list[Erasure],
    followed: list[Any],
) -> None:
    made = execute(
        connection,
        "vendor_erasure/insert_erasures",
        run_id=run_id,
        as_of=as_of,
        register=register.sha256,
        erasure_ids=[e.erasure_id for e in new],
        case_ids=[e.case_id for e in new],
        vendors=[e.vendor for e in new],
        parts=[e.part for e in new],
        connectors=[e.terms.connector for e in new],
        modes=[e.terms.mode for e in new],
        confirms=[e.terms.confirms for e in new],
        max_residuals=[e.terms.max_residual for e in new],
    )
    items = [(e.erasure_id, disclosure) for e in new for disclosure in e.disclosure_ids]
    kept = execute(
        connection,
        "vendor_erasure/insert_items",
        erasure_ids=[erasure for erasure, _ in items],
        disclosure_ids=[disclosure for _, disclosure in items],
    )
    wanted = [*(e.erasure_id for e in new), *followed]
    taken = execute(connection, "vendor_erasure/take_work", run_id=run_id, erasure_ids=wanted)
    if (made, kept, taken) != (len(new), len(items), len(wanted)):
        raise PromiseBroken(
            f"the database took {made} of {len(new)} erasures and {taken} of {len(wanted)} claims: "
            "something swallows the change"
        )


def eligible(run: Row) -> int:
    """How many erasures the run is about: new ones, and those it follows."""
    return int(run["facts"]["new"] + run["facts"]["followed"])


def state_plan(house: House, connection: Connection, run: Row) -> ledger.Stated:
    """State what the run plans to ask for and to follow. The caller commits."""
    return ledger.state_plan(house, connection, run, CLAUSES, eligible(run), [])


def guard_run(house: House, run_id: int) -> bool:
    """Publish the sealed plan, then release it; False for a dry run. PromiseBroken when it cannot be published.

    Holds are looked at by the plan, and again for each erasure right before its vendor is asked.
    """
    run = publish_and_release(house, run_id, PIPELINE, state_plan, ROLE)
    log.info("not to touch, for a hold: %d disclosures", run["facts"]["waiting_for_a_hold"])
    if run["dry_run"]:
        log.info("dry run: stopping after the plan; no vendor is asked")
        return False
    log.info("released: %d erasures", eligible(run))
    return True


def _tell(
    run_id: int,
    as_of: datetime,
    dry_run: bool,
    policy: Policy,
    register: Register,
    facts: dict[str, Any],
    sealed: str,
) -> None:
    log.info("policy %s, version %s, file sha256 %s", policy.id, policy.version, policy.sha256)
    log.info("register of %d vendors, sha256 %s", len(register.vendors), register.sha256)
    log.info("run %d works as of %s", run_id, as_of.isoformat())
    log.info("code %s", code_version())
    log.info("new: %d erasures of %d disclosures", facts["new"], facts["disclosures"])
    log.info("to follow: %d erasures", facts["followed"])
    log.info("by vendor: %s", listed(facts["by_vendor"]))
    log.info("alert: %s before a deadline", policy.vendor_erasure.alert_before_deadline)
    if facts["waiting_for_a_hold"]:
        log.warning(
            "held, left where they are and not compliant: %d disclosures", facts["waiting_for_a_hold"]
        )
    for vendor in facts["unlisted"]:
        log.error("vendor %s got files and is not in the register: a person has to ask it", vendor)
    log.info("manifest sealed%s: sha256 %s", ", dry run" if dry_run else "", sealed)
