"""assert and attest: is every erasure where it has to be by now, and what may be said of each vendor."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from data_lifecycle.assertions.suite import assert_run
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, listed, log
from data_lifecycle.vendor_erasure.planning import CLAUSES

SUITE = "vendor_erasure"
SCOPE = ["files disclosed to vendors whose own copy the photo purge has erased"]
NOT_COVERED = ["what was sent and not recorded", "what a vendor keeps and neither shows nor states"]
METHOD = "each vendor's own interface; verified only by looking with a credential that sees what is there"
COUNTS = (
    "eligible", "acted", "held", "failed", "unasked", "erasures", "verified", "within_residual", "gaps", "lapsed",
    "unproven", "alarming", "overdue", "overclaimed", "unplanned", "waiting_for_a_hold",
)  # fmt: skip


def assert_erasures(house: House, run_id: int) -> None:
    """Tell who is late, run the suite, and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database("studio_auditor"), "vendor_erasure assert") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        fetch(connection, "run/set_run", run_id=run_id)
        for row in fetch(connection, "vendor_erasure/select_alarms", as_of=run["as_of"]):
            log.error(
                "erasure %s of case %s at %s is %s%s: the order's deadline %s %s",
                row["erasure_id"],
                row["case_id"],
                row["vendor"],
                row["state"],
                f" ({row['code']})" if row["code"] else "",
                "was" if row["overdue"] else "is",
                row["deadline_at"].astimezone(UTC).isoformat(timespec="minutes"),
            )
    broken: PromiseBroken | None = None
    try:
        assert_run(house, run_id, SUITE, {"planned": run["facts"]["new"] + run["facts"]["followed"]})
    except PromiseBroken as error:
        broken = error
    with connect(house.connections.database(ledger.WRITER), "vendor_erasure assert") as connection:
        ledger.state_assertions(house, connection, run, SUITE)
        connection.commit()
    if broken is not None:
        raise broken


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Sign a statement about the run and publish it; the statement's name. A dry run comes to no more than its plan.

    *verified* says that every erasure is where it has to be by now, not that everything is gone: that is counted by
    vendor. Repeating it with the same facts states nothing twice. Raises PromiseBroken, after publishing, unless all
    held.
    """
    with connect(house.connections.database(ledger.WRITER), "vendor_erasure attest") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        stated = _state(house, connection, run, unfinished)
        connection.commit()
    ledger.publish(house)
    if stated.outcome == "failed":
        raise PromiseBroken(
            f"run {run_id} is not verified ({', '.join(unfinished) or 'assertions did not hold'}); "
            f"evidence {stated.name}"
        )
    return stated.name


def _state(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> ledger.Stated:
    run_id = run["run_id"]
    fetch(connection, "run/set_run", run_id=run_id)
    planned = run["facts"]["new"] + run["facts"]["followed"]
    plan = ledger.state_plan(house, connection, run, CLAUSES, planned, [])
    if run["dry_run"]:
        return plan
    ledger.state_assertions(house, connection, run, SUITE)
    assertions = fetch(connection, "evidence/select_assertions", run_id=run_id)
    balance = fetch_one(connection, "vendor_erasure/read_balance")
    states = fetch(connection, "vendor_erasure/count_states")
    held_up = bool(assertions) and all(a["success"] for a in assertions) and not unfinished
    outcome = "verified" if held_up else "failed"
    facts = {
        "clauses": list(CLAUSES),
        "unfinished_steps": list(unfinished),
        "planned": run["facts"],
        "counts": {name: balance[name] for name in COUNTS},
        "vendors": _by_vendor(states),
        "gaps": _gaps(states),
        "assertions": ledger.asserted(assertions),
        "claims": {
            "OBSERVED_ABSENT": {"cases": 0, "of_them_after_deadline": 0},
            "VERIFIED": {"erasures": balance["verified"]},
            "RESIDUE_PENDING": {"erasures": balance["within_residual"] + balance["lapsed"]},
            "UNKNOWN": {"erasures": balance["unproven"], "of_them_overdue": balance["overdue"]},
            "HELD": {"erasures": balance["held"], "disclosures": balance["waiting_for_a_hold"]},
        },
        "register": {"sha256": run["facts"]["register_sha256"]},
        "scope": SCOPE,
        "not_covered": NOT_COVERED,
        "method": METHOD,
    }
    stated = ledger.state_result(house, connection, run, outcome, facts, [])
    if run["state"] != outcome:
        execute(connection, "run/finish_run", run_id=run_id, state=outcome)
    _tell(run_id, outcome, facts)
    return stated


def _by_vendor(states: list[Row]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in states:
        found.setdefault(row["vendor"], {})[row["state"]] = row["erasures"]
    return found


def _gaps(states: list[Row]) -> list[dict[str, Any]]:
    """Residuals that outlast the promise: by the register, the vendor may still hold something after the deadline."""
    return [
        {
            "vendor": row["vendor"],
            "erasures": row["gaps"],
            "until": row["until"].astimezone(UTC).isoformat(),
        }
        for row in states
        if row["gaps"]
    ]


def _tell(run_id: int, outcome: str, facts: dict[str, Any]) -> None:
    counts = facts["counts"]
    log.info("outcome of run %d: %s", run_id, outcome)
    for step in facts["unfinished_steps"]:
        log.warning("step %s did not succeed", step)
    log.info("eligible %d = asked %d + held %d + not asked %d", *(counts[name] for name in COUNTS[:4]))
    log.info("of all %d erasures not proven yet: %d", counts["erasures"], counts["unproven"])
    for vendor, states in facts["vendors"].items():
        log.info("at %s: %s", vendor, listed(states))
    for claim, found in facts["claims"].items():
        log.info("claim %s: %s", claim, listed(found))
    for gap in facts["gaps"]:
        log.warning(
            "gap: %s may keep something of %d cases until %s, longer than clause 3.2 allows",
            gap["vendor"],
            gap["erasures"],
            gap["until"],
        )
    if counts["lapsed"]:
        log.warning("past the stated residual, and nobody can look: %d erasures", counts["lapsed"])
    log.info("not covered by this statement: %s", ", ".join(NOT_COVERED))
