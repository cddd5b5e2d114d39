"""plan: decide and seal. Nothing outside our own tables changes here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any
from uuid import UUID

import psycopg2.extensions

from data_lifecycle.database import Connection, Row, connect, copy_rows, fetch, fetch_one
from data_lifecycle.photo_purge.caps import judge
from data_lifecycle.photo_purge.plan import (
    DueOrder,
    Order,
    PhotoClock,
    Plan,
    Upload,
    folder,
    make_plan,
    order_folder,
)
from data_lifecycle.photo_purge.survey import Survey, survey
from data_lifecycle.policy.loader import REGISTER, PolicyError, load_all
from data_lifecycle.policy.model import Policy
from data_lifecycle.policy.versions import as_if_begun, in_force
from data_lifecycle.protocol.house import House, PromiseBroken, Refused, code_version, listed, log
from data_lifecycle.protocol.moments import judge_as_of
from data_lifecycle.protocol.sealing import SERIALIZABLE, in_snapshot, insert_run
from data_lifecycle.vendors.register import load_register

PIPELINE = "photo_purge"
CASES_PER_BATCH = 1000
ROLE = "studio_reader"


def plan_run(
    house: House,
    dag_run_id: str,
    run_after: datetime,
    as_of: str | None,
    dry_run: bool,
    policy_version: str | None = None,
    only_requests: bool = False,
) -> int:
    """Pick what is due, enumerate it exactly, seal it; the number of the run.

    One SERIALIZABLE transaction, tried again when the database reports a conflict. ``as_of`` is ISO 8601 with a zone,
    or None for the run's own moment. ``policy_version`` judges as if that version were in force.
    ``only_requests`` plans what customers asked back and nothing else: it does not wait for the rest to be approved.
    Raises Refused for an impossible ``as_of`` and for a version that there is not or that may only be planned with,
    StoreUnknown when a bucket cannot be listed at all. A dry run seals the manifest's hash but claims nothing.
    """

    def seal(connection: Connection) -> int:
        return _plan(house, connection, dag_run_id, run_after, as_of, dry_run, policy_version, only_requests)

    return in_snapshot(house.connections.database(ROLE), f"{PIPELINE} plan", seal, SERIALIZABLE)


def _plan(
    house: House,
    connection: Connection,
    dag_run_id: str,
    run_after: datetime,
    stated: str | None,
    dry_run: bool,
    named: str | None,
    only_requests: bool,
) -> int:
    now = fetch_one(connection, "run/read_clock")["now"]
    as_of = judge_as_of(stated, run_after, now)
    clock = clock_of(load_all(house.settings.policy_dir), as_of, named, dry_run)
    policy = clock.policy
    plan = _decide(house, connection, clock, as_of, only_requests)
    facts = _facts(plan, fetch_one(connection, "photo_purge/count_flawed_holds")["flawed"], now)
    facts["only_requests"] = only_requests
    facts["gone_after_seconds"] = gone_after_seconds(house, policy)
    live = fetch_one(connection, "photo_purge/count_live")["live"]
    facts["caps"] = judge(
        policy, facts, live, **fetch_one(connection, "photo_purge/trailing_median", pipeline=PIPELINE)
    )
    batches = max(1, ceil(len(plan.cases) / CASES_PER_BATCH))
    run_id = insert_run(connection, PIPELINE, dag_run_id, as_of, dry_run, policy, plan.sha256, facts, batches)
    if not dry_run:
        _claim(connection, run_id, plan, batches)
    _tell(clock, plan, facts, run_id, as_of, dry_run)
    return run_id


def _decide(
    house: House, connection: Connection, clock: PhotoClock, as_of: datetime, only_requests: bool
) -> Plan:
    due, uploads = _due_orders(connection, clock, as_of, only_requests)
    folders = {order_folder(case.order_id) for case in due} | {folder(u.key) for u in uploads}
    seen = survey(house.connections.store("object_eraser"), house.settings.photo_buckets, folders)
    return make_plan(
        clock,
        clock.policy.sha256,
        as_of,
        due,
        uploads,
        seen.entries,
        _recorded_elsewhere(connection, seen, uploads),
        house.settings.photo_buckets,
    )


def digest_now(house: House, run: Row) -> str:
    """The digest that the manifest of ``run`` would have if it were planned now, as of the same moment; writes nothing.

    Raises what ``plan_run`` raises; a conflict in the database is for the caller to try again.
    """
    with connect(house.connections.database(ROLE), "photo_purge plan again") as connection:
        connection.set_session(
            isolation_level=psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ, readonly=True
        )
        clock = clock_of(load_all(house.settings.policy_dir), run["as_of"], None, dry_run=False)
        only_requests = bool(run["facts"].get("only_requests"))
        return _decide(house, connection, clock, run["as_of"], only_requests).sha256


def gone_after_seconds(house: House, policy: Policy) -> dict[str, int]:
    """Vendors that let files go by their own clock, as the register says, and how long after sending: seconds.

    A register that must not be used stops no erasing: no vendor's clock is believed then, and cases wait.
    """
    try:
        register = load_register(house.settings.policy_dir / REGISTER, policy)
    except PolicyError as error:
        log.error("the register of vendors cannot be used, no vendor's own clock is believed: %s", error)
        return {}
    return {
        vendor.id: int(vendor.erasure.residual.total_seconds())
        for vendor in register.vendors
        if vendor.erasure.mode == "ttl_only"
    }


def clock_of(versions: Sequence[Policy], as_of: datetime, named: str | None, dry_run: bool) -> PhotoClock:
    """The clock by the versions in force, or as if the one named were too; Refused when it cannot be."""
    begun = in_force(versions, as_of)
    if named is None or named == begun[-1].version:
        return PhotoClock(*begun)
    coming = next((policy for policy in versions if policy.version == named), None)
    if coming is None:
        raise Refused(f"no such version of the policy; there are {', '.join(p.version for p in versions)}")
    if coming in begun:
        raise Refused(
            f"version {coming.version} was followed by {begun[-1].version}: judge as of when it held"
        )
    if not dry_run:
        raise Refused(
            f"version {coming.version} is not in force before {coming.in_force_from.isoformat()}: until then it can be "
            "planned with, as a dry run, and nothing is erased by it"
        )
    log.info("version %s is not in force yet: judged as if it were", coming.version)
    return PhotoClock(*begun, as_if_begun(coming, as_of))


def _due_orders(
    connection: Connection, clock: PhotoClock, as_of: datetime, only_requests: bool
) -> tuple[list[DueOrder], list[Upload]]:
    """Due orders, and all files of them. The selection asks for all that the earliest of rules might make due."""
    ended = as_of - clock.earliest_start
    rows = fetch(
        connection,
        "photo_purge/select_due_orders",
        terminal_before=ended,
        inactive_before=ended - clock.shortest_inactivity,
        requested_before=as_of,
    )
    files: dict[str, list[Upload]] = defaultdict(list)
    for upload in uploads_of(connection, [row["order_id"] for row in rows]):
        files[upload.order_id].append(upload)
    orders = (
        Order(
            row["order_id"],
            row["terminal_at"],
            row["last_activity_at"],
            row["erase_requested_at"],
            row["created_at"],
        )
        for row in rows
    )
    found = (clock.due(order, as_of, files[order.order_id]) for order in orders)
    due = [case for case in found if case is not None and (case.reason == "request" or not only_requests)]
    return due, [upload for case in due for upload in files[case.order_id]]


def uploads_of(connection: Connection, order_ids: list[str]) -> list[Upload]:
    """All files of these orders, and what is derived from them, as seen from each."""
    rows = fetch(connection, "photo_purge/select_uploads", order_ids=order_ids)
    return [
        Upload(
            row["order_id"],
            row["upload_id"],
            row["category"],
            row["bucket"],
            row["object_key"],
            row["derived"],
            frozenset(row["present_orders"]),
            row["held"],
            row["collected_at"],
            row["absent"],
            tuple(zip(row["holds_begun"], row["holds_ended"], strict=True)),
        )
        for row in rows
    ]


def _recorded_elsewhere(connection: Connection, seen: Survey, uploads: list[Upload]) -> set[str]:
    ours = {upload.key for upload in uploads}
    strays = {entry.key for found in seen.entries.values() for entry in found} - ours
    rows = fetch(connection, "photo_purge/select_recorded_keys", keys=sorted(strays))
    return {row["object_key"] for row in rows}


def _facts(plan: Plan, flawed_holds: int, now: datetime) -> dict[str, Any]:
    erase = [item for item in plan.items if item.disposition == "erase"]
    return {
        "cases": len(plan.cases),
        "cases_by_reason": dict(sorted(Counter(case.reason for case in plan.cases).items())),
        "cases_past_deadline": sum(case.deadline <= now for case in plan.cases),
        "unlisted_cases": plan.unlisted,
        "sealed_items": len(plan.items),
        "erase_items": len(erase),
        "due_files": len({item.upload_id for item in erase if item.upload_id is not None}),
        "erase_bytes": sum(item.size for item in erase),
        "erase_by_kind": dict(sorted(Counter(item.kind for item in erase).items())),
        "erase_by_rule": dict(sorted(Counter(item.rule_id for item in erase).items())),
        "erase_by_version": dict(sorted(Counter(item.policy_version for item in erase).items())),
        "erase_by_bucket": dict(sorted(Counter(item.bucket for item in erase).items())),
        "unrecorded_items": sum(item.origin == "unrecorded" for item in erase),
        "held_items": sum(item.disposition == "hold" for item in plan.items),
        "kept_items": sum(item.disposition == "keep" for item in plan.items),
        "flawed_holds": flawed_holds,
    }


def _claim(connection: Connection, run_id: int, plan: Plan, batches: int) -> None:
    cases = plan.cases
    rows = fetch(
        connection,
        "photo_purge/claim_cases",
        pipeline=PIPELINE,
        run_id=run_id,
        order_ids=[case.order_id for case in cases],
        anchors=[case.anchor for case in cases],
        reasons=[case.reason for case in cases],
        starts=[case.start for case in cases],
        deadlines=[case.deadline for case in cases],
        batches=[number % batches for number in range(len(cases))],
    )
    if len(rows) != len(cases):
        raise PromiseBroken(
            f"the database took {len(rows)} of {len(cases)} claims: something swallows the change"
        )
    claims: dict[str, tuple[UUID, int]] = {row["order_id"]: (row["case_id"], row["epoch"]) for row in rows}
    copy_rows(
        connection,
        "photo_purge/copy_items",
        (
            (
                run_id,
                *claims[item.order_id],
                item.rule_id,
                item.upload_id,
                item.origin,
                item.bucket,
                item.key,
                item.kind,
                item.version_id,
                item.size,
                item.disposition,
                item.policy_version,
            )
            for item in plan.items
        ),
    )


def _tell(
    clock: PhotoClock,
    plan: Plan,
    facts: Mapping[str, Any],
    run_id: int,
    as_of: datetime,
    dry_run: bool,
) -> None:
    for policy in clock.versions:
        log.info("policy %s, version %s", policy.id, policy.version)
        log.info("policy file sha256 %s", policy.sha256)
    for rule in clock.rules.values():
        clause = rule.clause.section if rule.clause else "none, studio decision"
        log.info(
            "rule %s, clause %s: “%s”", rule.id, clause, rule.clause.quote if rule.clause else rule.reading
        )
        log.info("rule %s: %s", rule.id, rule.deadline_text)
    log.info("run %d judges as of %s", run_id, as_of.isoformat())
    log.info("code %s", code_version())
    log.info("due: %d orders: %s", facts["cases"], listed(facts["cases_by_reason"]))
    log.info("of them past their deadline already: %d", facts["cases_past_deadline"])
    log.info("to erase: %d entries, %d bytes", facts["erase_items"], facts["erase_bytes"])
    for by in ("kind", "rule", "version", "bucket"):
        log.info("to erase by %s: %s", by, listed(facts[f"erase_by_{by}"]))
    log.info("to erase although no row records them: %d", facts["unrecorded_items"])
    log.info("not to touch: %d entries under legal hold", facts["held_items"])
    log.info("not to touch: %d entries that an order still needs", facts["kept_items"])
    if facts["flawed_holds"]:
        log.warning(
            "holds without basis, files, expiry or a second person, ignored: %d", facts["flawed_holds"]
        )
    if plan.unlisted:
        log.warning("due orders that could not be listed, left out and not absent: %d", plan.unlisted)
    log.info("manifest of %d entries sealed%s", len(plan.items), ", dry run" if dry_run else "")
    log.info("manifest sha256 %s", plan.sha256)
