"""plan and guard: choose what to look at again, seal the choice, state it. Nothing outside of our tables changes."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from data_lifecycle.database import Connection, Row, connect, copy_rows, fetch, fetch_one
from data_lifecycle.evidence_audit.plan import (
    LOOKS,
    PIPELINE,
    SAMPLE,
    Closed,
    Look,
    choose,
    due_look,
    make_plan,
    seal_looks,
    whole_log_due,
)
from data_lifecycle.policy.loader import load_all, policy_in_force
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, listed, log
from data_lifecycle.protocol.moments import judge_as_of
from data_lifecycle.protocol.releasing import publish_and_release
from data_lifecycle.protocol.sealing import in_snapshot, insert_run

READER = "studio_reader"
CLAUSES = ("3.1", "3.2", "3.3")
AUDITED = ("photo_purge",)
"""Pipelines whose closed cases had objects, which can come back."""


def plan_run(
    house: House, dag_run_id: str, run_after: datetime, as_of: str | None, dry_run: bool, everything: bool
) -> int:
    """Choose the closed cases to look at and how much of the log to read, and seal that; the number of the run.

    ``as_of`` is ISO 8601 with a zone, or None for the run's own moment; Refused when it is impossible. ``everything``
    looks at all closed cases and reads the whole log.
    """

    def seal(connection: Connection) -> int:
        moment = judge_as_of(as_of, run_after, fetch_one(connection, "run/read_clock")["now"])
        return _plan(house, connection, dag_run_id, moment, dry_run, everything)

    return in_snapshot(house.connections.database(READER), "evidence_audit plan", seal)


def _plan(
    house: House,
    connection: Connection,
    dag_run_id: str,
    as_of: datetime,
    dry_run: bool,
    everything: bool,
) -> int:
    policy = policy_in_force(load_all(house.settings.policy_dir), as_of)
    seed = secrets.token_hex(16)
    cases = _choose(connection, as_of, everything, seed)
    counted = fetch_one(connection, "evidence_audit/count_closed", pipelines=list(AUDITED), as_of=as_of)
    last_whole = fetch_one(connection, "evidence_audit/find_whole_check")["checked_at"]
    whole_log = everything or whole_log_due(last_whole, as_of)
    looks = make_plan([look for look, _ in cases])
    manifest = seal_looks(policy.sha256, as_of, seed, whole_log, looks)
    facts = {
        "closed_cases": counted["closed"],
        "closed_without_root": counted["without_root"],
        "cases": len(looks),
        "cases_by_reason": dict(sorted(Counter(look.why for look in looks).items())),
        "cases_by_days": {str(days): sum(look.days == days for look in looks) for days in LOOKS},
        "everything": everything,
        "whole_log": whole_log,
        "seed": seed,
    }
    run_id = insert_run(connection, PIPELINE, dag_run_id, as_of, dry_run, policy, manifest, facts)
    if not dry_run:
        _seal(connection, run_id, looks, [row for _, row in cases])
    _tell(run_id, as_of, facts, manifest, dry_run)
    return run_id


def _choose(connection: Connection, as_of: datetime, everything: bool, seed: str) -> list[tuple[Look, Row]]:
    """Each case to look at with its row: what is due, and as many of the others as chance picks."""
    rows = fetch(
        connection,
        "evidence_audit/select_due_cases",
        pipelines=list(AUDITED),
        as_of=as_of,
        everything=everything,
        first_closed=as_of - timedelta(days=LOOKS[0]),
    )
    chosen: list[tuple[Look, Row]] = []
    for row in rows:
        case = _closed(row)
        look = due_look(case, as_of) or (Look(case.case_id, case.epoch, "everything") if everything else None)
        if look is not None:
            chosen.append((look, row))
    drawn = fetch(
        connection,
        "evidence_audit/select_sample",
        pipelines=list(AUDITED),
        as_of=as_of,
        chosen=[look.case_id for look, _ in chosen],
        seed=seed,
        count=SAMPLE,
    )
    by_case = {row["case_id"]: row for row in drawn}
    chosen += [(look, by_case[look.case_id]) for look in choose(seed, map(_closed, drawn))]
    return chosen


def _closed(row: Row) -> Closed:
    return Closed(
        row["case_id"],
        row["epoch"],
        row["closed_at"],
        row["looked_at"],
        row["verdict"],
        row["next_residue_at"],
    )


def _seal(connection: Connection, run_id: int, looks: Sequence[Look], rows: Sequence[Row]) -> None:
    by_case = {row["case_id"]: row for row in rows}
    copied = copy_rows(
        connection,
        "evidence_audit/copy_cases",
        (
            (
                run_id,
                look.case_id,
                look.epoch,
                look.why,
                look.days,
                by_case[look.case_id]["closed_at"],
                rf"\x{bytes(by_case[look.case_id]['commitments_root']).hex()}",
                by_case[look.case_id]["stated"],
            )
            for look in looks
        ),
    )
    if copied != len(looks):
        raise PromiseBroken(
            f"the database took {copied} of {len(looks)} cases: something swallows the change"
        )


def _tell(run_id: int, as_of: datetime, facts: dict[str, Any], manifest: str, dry_run: bool) -> None:
    log.info("audit %d as of %s", run_id, as_of.isoformat())
    log.info("closed cases there are: %d", facts["closed_cases"])
    if not facts["closed_cases"]:
        log.info("no case was ever closed: nothing can have come back, and that is all this says")
    if facts["closed_without_root"]:
        log.warning("closed before cases committed to anything, left out: %d", facts["closed_without_root"])
    log.info("to look at again: %d (%s)", facts["cases"], listed(facts["cases_by_reason"]))
    log.info(
        "looks after closing: %s",
        listed({f"at {days} days": n for days, n in facts["cases_by_days"].items()}),
    )
    if late := facts["cases_by_reason"].get("late"):
        log.warning("looks that were missed and are made up for now: %d", late)
    log.info("evidence log: %s", "the whole of it" if facts["whole_log"] else "what was added, and a sample")
    log.info("seed of what chance chose: %s", facts["seed"])
    log.info("manifest sha256 %s%s", manifest, ", dry run" if dry_run else "")


def state_plan(house: House, connection: Connection, run: Row) -> ledger.Stated:
    """State what the run plans to look at. The caller commits."""
    return ledger.state_plan(house, connection, run, CLAUSES, run["facts"]["cases"], [])


def guard_run(house: House, run_id: int) -> bool:
    """State the sealed plan, publish it and let it go; False for a dry run, which ends here.

    PromiseBroken when the plan cannot be published: database and bucket tell two histories, for instance.
    """
    run = publish_and_release(house, run_id, PIPELINE, state_plan, READER)
    if run["dry_run"]:
        log.info("dry run: stopping after the plan")
        return False
    log.info("released: %d cases to look at", run["facts"]["cases"])
    return True


def is_dry(house: House, run_id: int) -> bool:
    """Whether the run ends after its plan."""
    with connect(house.connections.database(READER), "evidence_audit") as connection:
        return bool(fetch_one(connection, "run/read_run", run_id=run_id)["dry_run"])
