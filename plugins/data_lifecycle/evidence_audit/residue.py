"""residue and forget: look where bytes of closed cases may remain, and destroy salts that nobody needs any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from data_lifecycle.database import connect, copy_rows, execute, fetch, fetch_one
from data_lifecycle.evidence_audit.plan import Residue
from data_lifecycle.photo_purge.claims import BACKUPS, VENDORS, WAL, residue_of, vendor_copies
from data_lifecycle.policy.loader import REGISTER, load_all, policy_in_force
from data_lifecycle.protocol import ledger, posture
from data_lifecycle.protocol.house import House, PromiseBroken, log
from data_lifecycle.vendors.register import load_register

UNSEEABLE: frozenset[str] = frozenset()
"""Places that nobody can look at."""


def look_at_residue(house: House, run_id: int) -> None:
    """Say of each case of the run, place by place, whether bytes of it may remain there.

    Before its date a place is not looked at. Dead rows are vacuumed first, so that there is something to see. Each call
    adds a round; the latest counts. PromiseBroken when guard has not released the run.
    """
    with connect(house.connections.database(ledger.WRITER), "evidence_audit residue") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        if run["released_at"] is None:
            raise PromiseBroken(f"run {run_id} was not released by guard: its plan is not published")
        cases = fetch(connection, "evidence_audit/select_closings", run_id=run_id)
        policy = policy_in_force(load_all(house.settings.policy_dir), run["as_of"])
        register = load_register(house.settings.policy_dir / REGISTER, policy)
        vendors = vendor_copies(connection, [case["case_id"] for case in cases], policy.residue, register)
    places = [
        (case, part["where"], datetime.fromisoformat(part["until"]))
        for case in cases
        for part in residue_of(policy.residue, case["closed_at"], vendors.get(case["case_id"], {}))
    ]
    due = (
        until <= run["as_of"] and place not in case["cleared"]
        for case, place, until in places
        if place == WAL
    )
    if any(due):
        _vacuum(house)
    with connect(house.connections.database("studio_auditor"), "evidence_audit residue") as connection:
        traces = fetch_one(connection, "evidence_audit/read_traces")
        parts = [
            (case["case_id"], judge(place, until, run["as_of"], case, traces))
            for case, place, until in places
        ]
        parts += [
            (
                case["case_id"],
                Residue(
                    f"{VENDORS}{vendor}", case["closed_at"], "cleared", "every erasure there is verified"
                ),
            )
            for case in cases
            for vendor, until in vendors.get(case["case_id"], {}).items()
            if until is None
        ]
        number = int(fetch_one(connection, "evidence_audit/next_residue_round", run_id=run_id)["round"])
        copy_rows(
            connection,
            "evidence_audit/copy_residue",
            (
                (run_id, number, case_id, part.place, part.until, part.outcome, part.why)
                for case_id, part in parts
            ),
        )
        overdue = fetch(connection, "evidence_audit/count_overdue", as_of=run["as_of"])
        connection.commit()
    _tell([part for _, part in parts], {row["place"]: row["cases"] for row in overdue})


def judge(
    place: str, until: datetime, as_of: datetime, case: Mapping[str, Any], traces: Mapping[str, Any]
) -> Residue:
    """What a look at a place shows about a case; ``traces`` are those of ``read_traces``.

    What cannot be told is pending: only something that was seen clears.
    """
    if place in case["cleared"]:
        return Residue(place, until, "cleared", "an earlier audit saw it gone")
    if until > as_of:
        return Residue(place, until, "early", "not looked for before its date")
    closed = case["closed_at"]
    if place == WAL:
        oldest, closing = _address(traces["oldest_wal"]), _address(case["closed_lsn"])
        if oldest is None or closing is None:
            return Residue(place, until, "pending", "the write-ahead log cannot be read here")
        if oldest <= closing:
            return Residue(
                place, until, "pending", "files of the write-ahead log reach back before the closing"
            )
        vacuumed = traces["vacuumed_at"]
        if vacuumed is None or not vacuumed > closed:
            return Residue(place, until, "pending", "not every table was vacuumed since the closing")
        return Residue(
            place, until, "cleared", "the log begins after the closing, the tables were vacuumed since"
        )
    if place == BACKUPS:
        oldest_kept, latest = traces["oldest_backup"], traces["latest_backup"]
        if latest is None or not latest > closed:
            return Residue(
                place, until, "pending", "the register has no backup since the closing: is it kept?"
            )
        if oldest_kept is not None and not oldest_kept > closed:
            return Residue(place, until, "pending", "a backup made before the closing is not removed")
        return Residue(place, until, "cleared", "every backup made before the closing is removed")
    if place.startswith(VENDORS):
        # What is verified does not come here: see `vendor_copies`.
        return Residue(place, until, "pending", "the vendor has not been seen to have erased it")
    return Residue(place, until, "pending", "nothing can be looked at there yet")


def forget_salts(house: House, run_id: int) -> int:
    """Destroy the salts of cases closed longer ago than the policy's limitation period; how many.

    Destroying and noting it is one transaction. Whether any is left is looked at by the step that asserts, through
    another role. PromiseBroken when guard has not released the run.
    """
    with connect(house.connections.database(ledger.WRITER), "evidence_audit forget") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        if run["released_at"] is None:
            raise PromiseBroken(f"run {run_id} was not released by guard: its plan is not published")
        period = policy_in_force(load_all(house.settings.policy_dir), run["as_of"]).salts.destroy_after
        before = run["as_of"] - period.elapsed
        destroyed = int(
            fetch_one(connection, "evidence_audit/insert_forgotten", run_id=run_id, closed_before=before)[
                "destroyed"
            ]
        )
        connection.commit()
        pause = posture.pause_in_force(connection)
    if pause:
        log.warning("no salts are destroyed: %s", pause)
        return destroyed
    log.info("salts of cases closed before %s (%s ago): %d destroyed", before.isoformat(), period, destroyed)
    log.info("of whom those cases were, nobody can prove or find out any more")
    return destroyed


def _vacuum(house: House) -> None:
    with connect(house.connections.database("studio_eraser"), "evidence_audit residue") as connection:
        connection.autocommit = True  # a VACUUM cannot be part of a transaction
        execute(connection, "evidence_audit/vacuum_studio")


def _address(lsn: object) -> int | None:
    """A place in the write-ahead log as a number."""
    if lsn is None:
        return None
    high, low = str(lsn).split("/")
    return int(high, 16) << 32 | int(low, 16)


def _tell(parts: list[Residue], overdue: Mapping[str, int]) -> None:
    for (place, outcome, why), count in sorted(Counter((p.place, p.outcome, p.why) for p in parts).items()):
        level = log.warning if outcome == "pending" else log.info
        level("residue in %s: %d cases %s: %s", place, count, outcome, why)
    for place, count in overdue.items():
        log.warning("residue past its date in %s: %d cases; time alone clears nothing", place, count)
    if not parts:
        log.info("residue: none of these cases has any left to look for")
