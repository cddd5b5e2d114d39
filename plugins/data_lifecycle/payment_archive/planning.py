"""plan and guard: decide and seal; find what may not be archived; let go with a proven lock, or wait to be asked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.payment_archive.cards import holds_card_number
from data_lifecycle.payment_archive.plan import (
    EVER,
    Due,
    Ended,
    PaymentClock,
    Plan,
    Stored,
    judge,
    make_plan,
    window_of,
)
from data_lifecycle.payment_archive.vault import prove_lock
from data_lifecycle.policy.loader import load_all, policy_in_force
from data_lifecycle.policy.model import Policy
from data_lifecycle.protocol import asking, ledger, posture, releasing
from data_lifecycle.protocol.house import House, PromiseBroken, code_version, listed, log
from data_lifecycle.protocol.moments import judge_as_of
from data_lifecycle.protocol.sealing import REPEATABLE_READ, SERIALIZABLE, in_snapshot, insert_run

PIPELINE = "payment_archive"
ROLE = "payment_archiver"
CLAUSES = ("1.1", "3.2", "6.3")
MONTHS_AHEAD = timedelta(days=730)


def plan_run(house: House, dag_run_id: str, run_after: datetime, as_of: str | None, dry_run: bool) -> int:
    """Pick what is final for long enough and what has ended, cut it into files, seal it; the number of the run.

    One SERIALIZABLE transaction, tried again when the database reports a conflict. ``as_of`` is ISO 8601 with a zone,
    or None for the run's own moment. Raises Refused for an impossible ``as_of``. A plan that is no dry run takes the
    turn: what an earlier run still does has no effect any more.
    """

    def seal(connection: Connection) -> int:
        return _plan(house, connection, dag_run_id, run_after, as_of, dry_run)

    return in_snapshot(house.connections.database(ROLE), f"{PIPELINE} plan", seal, SERIALIZABLE)


def clock_of(house: House, as_of: datetime) -> tuple[Policy, PaymentClock]:
    """The policy in force then, and its clocks for payments."""
    policy = policy_in_force(load_all(house.settings.policy_dir), as_of)
    return policy, PaymentClock(policy)


def spans(clock: PaymentClock, as_of: datetime) -> dict[str, Any]:
    """Values that every statement about due families binds."""
    return {"final_before": clock.final_before(as_of), "years": clock.years, "time_zone": clock.timezone}


def _plan(
    house: House,
    connection: Connection,
    dag_run_id: str,
    run_after: datetime,
    stated: str | None,
    dry_run: bool,
) -> int:
    now = fetch_one(connection, "run/read_clock")["now"]
    as_of = judge_as_of(stated, run_after, now)
    policy, clock = clock_of(house, as_of)
    found = _decide(connection, policy, clock, as_of)
    plan = found.plan
    facts = _facts(found, clock) | {"caps": judge(policy.payment_archive, plan)}
    batches = max(1, len(plan.files))
    run_id = insert_run(connection, PIPELINE, dag_run_id, as_of, dry_run, policy, plan.sha256, facts, batches)
    if not dry_run:
        _claim(connection, run_id, found, spans(clock, as_of), now)
    _tell(policy, clock, plan, facts, run_id, as_of, dry_run)
    return run_id


@dataclass(frozen=True, slots=True)
class _Found:
    """A plan, and what it leaves where it is: records with card numbers, families under a hold."""

    plan: Plan
    suspects: list[tuple[UUID, UUID, str]] = field(repr=False)
    held_families: int


def _decide(connection: Connection, policy: Policy, clock: PaymentClock, as_of: datetime) -> _Found:
    """What is due as of then; the same again while a plan made of it waits, unless something changed.

    What a waiting plan wrote does not count: its files hold nothing yet, what it quarantined is left out as what it
    suspected was, and files that nobody will finish are looked at whether that is noted already or not.
    """
    values = spans(clock, as_of)
    suspects = find_cards(connection, values | {"final_from": EVER[0], "final_to": EVER[1]})
    due = [
        Due(
            row["whole"],
            window_of(row["window_start"]),
            row["day"],
            row["families"],
            row["rows"],
            row["fingerprint"],
        )
        for row in fetch(
            connection,
            "payment_archive/select_due",
            as_of=as_of,
            suspected=[charge for _, charge, _ in suspects],
            **values,
        )
    ]
    ended = fetch_one(
        connection, "payment_archive/count_ended", as_of=as_of, years=clock.years, time_zone=clock.timezone
    )
    expired = [
        Stored(
            row["file_id"],
            row["kind"],
            row["last_end"],
            row["content_digest"],
            row["rows"],
            row["abandoned"],
            tuple(row["held_orders"]),
        )
        for row in fetch(connection, "payment_archive/select_expired_files", as_of=as_of)
    ]
    plan = make_plan(
        clock,
        policy.sha256,
        as_of,
        due,
        Ended(ended["families"], ended["rows"], ended["fingerprint"]),
        expired,
        policy.payment_archive.max_rows_of_a_file,
    )
    return _Found(plan, suspects, ended["held_families"])


def digest_now(house: House, run: Row) -> str:
    """The digest that the manifest of ``run`` would have if it were planned now, as of the same moment; writes nothing.

    Only while the run was not released: what its own files hold then counts as what an earlier run left.
    """
    policy, clock = clock_of(house, run["as_of"])
    with connect(house.connections.database(ROLE), f"{PIPELINE} plan again") as connection:
        connection.set_session(isolation_level=REPEATABLE_READ, readonly=True)
        return _decide(connection, policy, clock, run["as_of"]).plan.sha256


def find_cards(connection: Connection, values: Mapping[str, object]) -> list[tuple[UUID, UUID, str]]:
    """(payment, charge, column) of every record about to be archived that holds a card's number (policy 1.1)."""
    return [
        (row["payment_id"], row["charge_id"], row["column_name"])
        for row in fetch(connection, "payment_archive/select_suspects", **values)
        if holds_card_number(row["content"])
    ]


def quarantine(connection: Connection, run_id: int, found: list[tuple[UUID, UUID, str]]) -> None:
    """Keep the families of these records where they are; what was found is neither stored nor logged."""
    if not found:
        return
    execute(
        connection,
        "payment_archive/insert_quarantine",
        run_id=run_id,
        payment_ids=[payment for payment, _, _ in found],
        charge_ids=[charge for _, charge, _ in found],
        column_names=[column for _, _, column in found],
    )
    columns = Counter(column for _, _, column in found)
    log.error(
        "bank-card numbers found, in breach of clause 1.1: %d families quarantined, they are not archived; in %s",
        len({charge for _, charge, _ in found}),
        listed(columns),
    )


def _claim(
    connection: Connection, run_id: int, found: _Found, values: Mapping[str, Any], now: datetime
) -> None:
    plan = found.plan
    if execute(connection, "payment_archive/take_turn", run_id=run_id) != 1:
        raise PromiseBroken("the database did not give this run its turn: something swallows the change")
    left = execute(connection, "payment_archive/abandon_unfinished", run_id=run_id)
    execute(connection, "payment_archive/clear_abandoned")
    if left:
        log.warning("files that earlier runs did not finish, taken over or abandoned: %d", left)
    quarantine(connection, run_id, found.suspects)
    fetch_one(connection, "studio/add_payment_months", from_at=now, to_at=now + MONTHS_AHEAD)
    execute(connection, "payment_archive/insert_customer_keys", final_before=values["final_before"])
    files = plan.files
    made = execute(
        connection,
        "payment_archive/insert_files",
        run_id=run_id,
        batches=list(range(len(files))),
        kinds=[file.kind for file in files],
        starts=[file.window.start for file in files],
        ends=[file.window.end for file in files],
        final_froms=[file.final_from for file in files],
        final_tos=[file.final_to for file in files],
        order_ids=[file.order_id for file in files],
    )
    made += execute(
        connection,
        "payment_archive/insert_expiries",
        run_id=run_id,
        file_ids=[file.file_id for file in plan.expiring],
    )
    if made != len(files) + len(plan.expiring):
        raise PromiseBroken(f"the database took {made} of the plan's lines: something swallows the change")


def _facts(found: _Found, clock: PaymentClock) -> dict[str, Any]:
    plan = found.plan
    return {
        "files": len(plan.files),
        "files_by_kind": dict(sorted(Counter(file.kind for file in plan.files).items())),
        "families": sum(file.families for file in plan.files),
        "rows": sum(file.rows for file in plan.files),
        "expiring_files": len(plan.expiring),
        "expiring_rows": sum(file.rows for file in plan.expiring),
        "ended_hot_families": plan.ended.families,
        "ended_hot_rows": plan.ended.rows,
        "held_hot_families": found.held_families,
        "quarantined_families": len({charge for _, charge, _ in found.suspects}),
        "hot_seconds": int(clock.hot.total_seconds()),
        "erase_within_seconds": int(clock.erase_within.total_seconds()),
    }


def _tell(
    policy: Policy,
    clock: PaymentClock,
    plan: Plan,
    facts: Mapping[str, Any],
    run_id: int,
    as_of: datetime,
    dry_run: bool,
) -> None:
    log.info("policy %s, version %s", policy.id, policy.version)
    log.info("policy file sha256 %s", policy.sha256)
    rule = clock.rule
    log.info(
        "rule %s, clause %s: “%s”",
        rule.id,
        rule.clause.section if rule.clause else "-",
        rule.clause.quote if rule.clause else "-",
    )
    log.info("rule %s: %s; %s", rule.id, rule.deadline_text, policy.payment_archive.deadline_text)
    log.info("run %d judges as of %s", run_id, as_of.isoformat())
    log.info("code %s", code_version())
    log.info(
        "to archive: %d records of %d payments, in %d files", facts["rows"], facts["families"], facts["files"]
    )
    for file in plan.files:
        log.info("file of window %s (%s): %d records", file.window.name, file.kind, file.rows)
    log.info(
        "to erase, their seven years being over: %d files, %d records",
        facts["expiring_files"],
        facts["expiring_rows"],
    )
    log.info("to erase, over before they were archived: %d records", facts["ended_hot_rows"])
    if facts["held_hot_families"]:
        log.warning("over, and kept by a legal hold: %d payments", facts["held_hot_families"])
    if facts["quarantined_families"]:
        log.error("not archived because of a bank-card number: %d payments", facts["quarantined_families"])
    log.info("manifest sealed%s", ", dry run" if dry_run else "")
    log.info("manifest sha256 %s", plan.sha256)


def state_plan(house: House, connection: Connection, run: Row) -> ledger.Stated:
    """State what the run plans: its files and those it will erase, as cases. The caller commits."""
    cases = [] if run["dry_run"] else fetch(connection, "payment_archive/select_claims", run_id=run["run_id"])
    items = [
        {"case": str(case["file_id"]), "state": "PLANNED", "commitments_root": root_of(case)}
        for case in cases
    ]
    return ledger.state_plan(house, connection, run, CLAUSES, len(items), items)


def root_of(case: Row) -> str:
    """What a case commits to: the digest of its records, or of its own name while there are none."""
    return str(case["content_digest"] or hashlib.sha256(str(case["file_id"]).encode()).hexdigest())


def guard_run(house: House, run_id: int) -> list[int]:
    """Publish the sealed plan, then let it go: the batches; an empty list for a dry run.

    Raises OverCaps when it exceeds a cap of the policy (studio decision "payment_archive"), and what else
    ``asking.guard`` and ``release`` raise.
    """
    return asking.guard(house, run_id, PIPELINE, ROLE, state_plan, release)


def release(house: House, run: Row) -> list[int]:
    """Prove the vault's lock, then let a run go: its batches.

    The database refuses a plan that is not public, not within its caps and not approved. Raises Paused while the house
    is paused; PromiseBroken when the vault does not enforce its lock, or when a later run has taken over.
    """
    run_id = run["run_id"]
    with connect(house.connections.database(ROLE), f"{PIPELINE} guard") as connection:
        posture.refuse_while_paused(connection, f"run {run_id} is not released, its plan is public")
    prove_lock(house)
    with connect(house.connections.database(ROLE), f"{PIPELINE} guard") as connection, connection:
        posture.refuse_while_paused(connection, f"run {run_id} is not released, its plan is public")
        releasing.release(connection, run_id)
        if not fetch(connection, "payment_archive/hold_turn", run_id=run_id):
            raise PromiseBroken(f"run {run_id} was taken over by a later run before it was released")
    log.info("released: %d files", run["facts"]["files"])
    return list(range(run["batches"]))
