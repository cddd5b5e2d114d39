"""What a run of the purge claims of each of its cases: a state, one root over its items, and where bytes may remain."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from data_lifecycle.database import Connection, Row, fetch
from data_lifecycle.evidence.commitment import Reference, commitments_root
from data_lifecycle.policy.promises import Residue
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, listed, log
from data_lifecycle.vendors.register import Register

CLAUSES = ("3.1", "3.2")
WAL = "write-ahead log and dead tuples"
BACKUPS = "database backups"
VENDORS = "vendor "
"""Followed by the vendor's id: each is a place of its own."""


def state_plan(house: House, connection: Connection, run: Row) -> ledger.Stated:
    """State what a run plans, each case PLANNED or HELD, unless it has done so; a dry run claims no case.

    The caller commits. Cases that another run has taken over meanwhile are its to state.
    """
    earlier = ledger.stated_plan(connection, run)
    if earlier is not None:
        log.info("the plan is stated: evidence %s", earlier.name)
        return earlier
    fetch(connection, "photo_purge/lock_orders", run_id=run["run_id"])
    items = planned(connection, run["run_id"])
    eligible = run["facts"]["erase_items"] + run["facts"]["held_items"]
    log.info("plan of run %d: %s", run["run_id"], listed(Counter(item["state"] for item in items)))
    return ledger.state_plan(house, connection, run, CLAUSES, eligible, items)


def planned(connection: Connection, run_id: int) -> list[dict[str, Any]]:
    """Items of the plan: each case that the run holds, PLANNED or HELD. Makes salts; the caller commits."""
    rows = fetch(connection, "photo_purge/select_planned_claims", run_id=run_id)
    roots = open_roots(connection, [row["case_id"] for row in rows])
    return [_item(row["case_id"], row["state"], roots[row["case_id"]]) for row in rows]


def reached(
    connection: Connection, run_id: int, residue: Residue, register: Register
) -> list[dict[str, Any]]:
    """Items of the result: each case that the run holds, with what is known of it now.

    The session's run must be set (``photo_purge/set_run``). A case observed absent says where bytes may remain and
    until when: time alone clears nothing, somebody has to look. The caller commits.
    """
    rows = fetch(connection, "photo_purge/select_claimed_states", run_id=run_id)
    closed = [row["case_id"] for row in rows if row["state"] == "OBSERVED_ABSENT"]
    roots = open_roots(connection, [row["case_id"] for row in rows if row["case_id"] not in set(closed)])
    vendors = vendor_copies(connection, closed, residue, register)
    items = []
    for row in rows:
        case_id = row["case_id"]
        if row["state"] != "OBSERVED_ABSENT":
            items.append(_item(case_id, row["state"], roots[case_id]))
            continue
        rest = residue_of(residue, row["closed_at"], vendors.get(case_id, {}))
        root = bytes(row["commitments_root"]).hex()
        items.append({**_item(case_id, row["state"], root), "residue": rest})
    return items


def open_roots(connection: Connection, case_ids: Collection[UUID]) -> dict[UUID, str]:
    """Root (hex) over the references of each of these open cases, under its salt."""
    return _roots(connection, case_ids, "evidence/select_references")


def closing_roots(connection: Connection, case_ids: Collection[UUID]) -> dict[UUID, str]:
    """Root (hex) over all that each of these cases commits to; they are about to be closed."""
    return _roots(connection, case_ids, "evidence/select_closing_references")


def _roots(connection: Connection, case_ids: Collection[UUID], references: str) -> dict[UUID, str]:
    wanted = list(case_ids)
    if not wanted:
        return {}
    salts: Mapping[UUID, bytes] = {
        row["case_id"]: bytes(row["salt"])
        for row in fetch(connection, "evidence/select_open_salts", case_ids=wanted)
    }
    if len(salts) != len(set(wanted)):
        raise PromiseBroken(f"the vault gave {len(salts)} salts for {len(set(wanted))} cases")
    found: dict[UUID, list[Reference]] = defaultdict(list)
    for row in fetch(connection, references, case_ids=wanted):
        found[row["case_id"]].append(
            Reference(row["bucket"], row["object_key"], row["kind"], row["version_id"], row["order_id"])
        )
    return {case_id: commitments_root(salts[case_id], found[case_id]) for case_id in wanted}


def _item(case_id: UUID, state: str, root: str) -> dict[str, Any]:
    return {"case": str(case_id), "state": state, "commitments_root": root}


def residue_of(
    periods: Residue, closed_at: datetime, vendors: Mapping[str, datetime | None]
) -> list[dict[str, str]]:
    """Where bytes of a case closed then may remain, and until when; a vendor with a date is a place."""
    since = closed_at.astimezone(UTC)
    places = [
        (WAL, since + periods.write_ahead_log.elapsed),
        (BACKUPS, since + periods.database_backups.elapsed),
    ]
    for vendor, until in sorted(vendors.items()):
        if until is not None:
            places.append((f"{VENDORS}{vendor}", until.astimezone(UTC)))
    return [{"where": where, "until": until.isoformat()} for where, until in places]


def vendor_copies(
    connection: Connection, case_ids: Collection[UUID], periods: Residue, register: Register
) -> dict[UUID, dict[str, datetime | None]]:
    """Of each case the vendors that got files of it, and until when these may remain; None: verified to be all gone.

    What is in its stated residual remains until then; of the rest the register says how long at most, and a vendor that
    it does not know gets the policy's period.
    """
    found: dict[UUID, dict[str, datetime | None]] = defaultdict(dict)
    wanted = list(case_ids)
    for row in fetch(connection, "vendor_erasure/select_residue", case_ids=wanted) if wanted else ():
        until: datetime | None = None
        if row["verified"] == row["disclosures"]:
            until = None
        elif row["verified"] + row["residual"] == row["disclosures"]:
            until = row["residual_until"]
        else:
            listed_as = register.vendor(row["vendor"])
            longest = listed_as.erasure.residual if listed_as else periods.vendors.elapsed
            until = max(row["deadline_at"], row["closed_at"] + longest)
        found[row["case_id"]][row["vendor"]] = until
    return dict(found)
