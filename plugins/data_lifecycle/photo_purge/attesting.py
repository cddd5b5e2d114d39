"""attest: state what is proven, close what is proven absent, keep the statement where nobody can take it back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

from data_lifecycle.assertions.suite import ROLE
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.photo_purge import claims
from data_lifecycle.photo_purge.planning import PIPELINE
from data_lifecycle.policy.loader import REGISTER, load_all, policy_in_force
from data_lifecycle.protocol.asking import said
from data_lifecycle.protocol.concluding import Conclusion, NotClosed, Report, attest, conclude, prove
from data_lifecycle.protocol.house import House, listed, log
from data_lifecycle.vendors.register import load_register

REPORT = Report(
    PIPELINE,
    claims.CLAUSES,
    scope=(
        "object versions",
        "delete markers",
        "unfinished uploads",
        "derivatives",
        "backup copies",
        "copies at vendors, as the erasure at vendors found them",
    ),
    not_covered=("what vendors keep within a stated residual", "database backups and write-ahead log"),
    method="listing by another credential with canaries found",
    state_plan=claims.state_plan,
)
COUNTS = (
    "eligible",
    "acted",
    "held",
    "failed",
    "acted_bytes",
    "sealed",
    "checked",
    "survivors",
    "unknown",
    "kept_missing",
    "touched_undue",
    "unlisted",
    "canaries",
    "canaries_missing",
    "swept_buckets",
    "swept_entries",
    "overdue",
    "orphans",
    "aged_orphans",
)
VENDOR_COUNTS = ("vendors_waiting", "vendors_overdue")


def assert_purge(house: House, run_id: int) -> None:
    """Run the suite of the purge and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database(ROLE), "photo_purge assert") as connection:
        expected = fetch_one(connection, "photo_purge/count_to_erase", run_id=run_id)["erase_items"]
        _tell_waiting(fetch(connection, "photo_purge/select_waiting", run_id=run_id))
    prove(house, run_id, PIPELINE, {"erase_items": expected})


def _tell_waiting(rows: list[Row]) -> None:
    """Say who waits for whom: a waiting case is no failure before its deadline, and one after it."""
    waiting: dict[str, set[UUID]] = defaultdict(set)
    for row in rows:
        waiting[row["vendor"]].add(row["case_id"])
        if row["overdue"]:
            log.error(
                "case %s is overdue: its deadline was %s, and vendor %s has %d copies (%s)",
                row["case_id"],
                row["deadline_at"].astimezone(UTC).isoformat(timespec="minutes"),
                row["vendor"],
                row["copies"],
                row["state"],
            )
    log.info("cases that wait for vendors: %d", len({row["case_id"] for row in rows}))
    for vendor, cases in sorted(waiting.items()):
        log.info("waiting for vendor %s: %d cases stay open", vendor, len(cases))


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Close the cases proven absent, sign a statement about the run and publish it; the statement's name.

    Writing the statement and closing the cases is one transaction. See ``concluding.attest``.
    """
    return attest(house, run_id, unfinished, REPORT, _account)


def _account(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> Conclusion:
    """What the run comes to, after closing what can be closed."""
    run_id = run["run_id"]
    fetch(connection, "photo_purge/lock_orders", run_id=run_id)
    balance = fetch_one(connection, "photo_purge/read_balance")
    vendors = fetch_one(connection, "photo_purge/read_vendors")
    if not balance["canaries"] or balance["canaries_missing"] or balance["touched_undue"]:
        log.error("no case is closed: the observation is void or something undue was touched")
    elif "close" not in unfinished:
        _close(connection, run_id)
    cases = fetch_one(connection, "photo_purge/count_cases", run_id=run_id)
    counts = {
        **{name: balance[name] for name in COUNTS},
        **{name: vendors[name] for name in VENDOR_COUNTS},
        "cases": dict(cases),
    }
    own = said(connection, run)
    policy = policy_in_force(load_all(house.settings.policy_dir), run["as_of"])
    register = load_register(house.settings.policy_dir / REGISTER, policy)
    items = claims.reached(connection, run_id, policy.residue, register)
    graded = _claims(balance, cases, vendors)
    conclusion = conclude(house, connection, run, unfinished, REPORT, counts, graded, own, items)
    _tell(conclusion.facts, items)
    return conclusion


def _close(connection: Connection, run_id: int) -> None:
    """Close the cases proven absent; NotClosed when the database says yes and does not do it (a trigger, a policy)."""
    case_ids: list[UUID] = [
        row["case_id"] for row in fetch(connection, "photo_purge/select_absent_cases", run_id=run_id)
    ]
    if not case_ids:
        return
    execute(connection, "photo_purge/close_uploads", run_id=run_id, case_ids=case_ids)
    execute(connection, "photo_purge/insert_closed_items", run_id=run_id, case_ids=case_ids)
    roots = claims.closing_roots(connection, case_ids)
    closed = fetch(
        connection,
        "photo_purge/close_cases",
        run_id=run_id,
        case_ids=case_ids,
        roots=[bytes.fromhex(roots[case_id]) for case_id in case_ids],
    )
    if len(closed) != len(case_ids):
        log.error(
            "the database closed %d of %d cases: something swallows the change", len(closed), len(case_ids)
        )
        raise NotClosed
    execute(connection, "photo_purge/close_orders", case_ids=case_ids)
    late = sum(row["closed_at"] > row["deadline_at"] for row in closed)
    log.info("%d cases closed: observed absent", len(closed))
    if late:
        log.warning("%d of them after their deadline: absent, but the promise of clause 3.2 was missed", late)


def _claims(balance: Row, cases: Row, vendors: Row) -> dict[str, Any]:
    """Graded claims, in counts: what was seen absent, what is held, what is not known."""
    return {
        "OBSERVED_ABSENT": {"cases": cases["absent"], "of_them_after_deadline": cases["absent_late"]},
        "HELD": {"entries": balance.get("held", 0)},
        "UNKNOWN": {"entries": balance.get("unknown", 0), "cases_unlisted": balance.get("unlisted", 0)},
        "OPEN": {
            "cases": cases["open"],
            "of_them_after_deadline": cases["overdue_open"],
            "of_them_waiting_for_vendors": vendors["vendors_waiting"],
        },
    }


def _tell(facts: Mapping[str, Any], items: list[dict[str, Any]]) -> None:
    balance = facts["counts"]
    for claim, counts in facts["claims"].items():
        log.info("claim %s: %s", claim, listed(counts))
    log.info("eligible %d = acted %d + held %d + failed %d", *(balance[n] for n in COUNTS[:4]))
    log.info(
        "orphans, entries that no order accounts for: %d, aged %d",
        balance["orphans"],
        balance["aged_orphans"],
    )
    log.info("cases: %s", listed(Counter(item["state"] for item in items)))
    places: dict[str, list[str]] = {}
    for item in items:
        for part in item.get("residue", ()):
            places.setdefault(part["where"], []).append(part["until"])
    for where, until in places.items():
        log.info("bytes may remain in %s: %d cases, until %s at the latest", where, len(until), max(until))
    log.info("looked at: %s", ", ".join(REPORT.scope))
    log.info("not covered by this statement: %s", ", ".join(REPORT.not_covered))
