"""assert and attest: was all of it counted, and rightly; then say so, signed, with the documents' digests."""

from __future__ import annotations

from typing import Any

from data_lifecycle.assertions.suite import assert_run
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, listed, log
from data_lifecycle.vendor_inventory.planning import CLAUSES

SUITE = "vendor_inventory"
SCOPE = [
    "every disclosure recorded as sent up to the moment of the run",
    "every vendor of the register",
]
NOT_COVERED = ["what was sent and not recorded", "what a vendor still has of what it received"]
METHOD = "one pass over disclosures and register as of each sending, with canaries of every kind of drift"
COUNTS = (
    "observed", "lost", "lines", "vendors", "drift", "canaries", "canaries_wrong", "unbalanced", "vendors_missing",
    "contradicted", "documents", "documents_missing",
)  # fmt: skip


def assert_inventory(house: House, run_id: int) -> None:
    """Run the suite and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database("studio_auditor"), "vendor_inventory assert") as connection:
        facts = fetch_one(connection, "run/read_run", run_id=run_id)["facts"]
    broken: PromiseBroken | None = None
    try:
        assert_run(
            house,
            run_id,
            SUITE,
            {"planned": facts["disclosures"], "registered": facts["registered"]},
        )
    except PromiseBroken as error:
        broken = error
    with connect(house.connections.database(ledger.WRITER), "vendor_inventory assert") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        ledger.state_assertions(house, connection, run, SUITE)
        connection.commit()
    if broken is not None:
        raise broken


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Sign a statement about the run and publish it; the statement's name. A dry run comes to no more than its plan.

    *verified* says that everything was counted and every difference named, not that there is none. Repeating it with
    the same facts states nothing twice. Raises PromiseBroken, after publishing, unless everything held.
    """
    with connect(house.connections.database(ledger.WRITER), "vendor_inventory attest") as connection:
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
    plan = ledger.state_plan(house, connection, run, CLAUSES, run["facts"]["disclosures"], [])
    if run["dry_run"]:
        return plan
    ledger.state_assertions(house, connection, run, SUITE)
    assertions = fetch(connection, "evidence/select_assertions", run_id=run_id)
    balance = fetch_one(connection, "vendor_inventory/read_balance")
    kinds = fetch(connection, "vendor_inventory/count_drift", run_id=run_id)
    stored = fetch(connection, "vendor_inventory/select_documents", run_id=run_id)
    begun = fetch(connection, "vendor_inventory/find_inventory", run_id=run_id)
    held_up = bool(assertions) and all(a["success"] for a in assertions) and not unfinished
    outcome = "verified" if held_up else "failed"
    counts: dict[str, Any] = {
        # More may have been recorded since, dated before the run's moment: it was counted with the rest.
        "eligible": max(balance["planned"], balance["observed"]),
        "acted": balance["observed"],
        "held": 0,
        "failed": balance["lost"],
        "planned": balance["planned"],
        **{name: balance[name] for name in COUNTS},
        "drift_by_kind": {row["kind"]: row["found"] for row in kinds},
    }
    facts = {
        "clauses": list(CLAUSES),
        "unfinished_steps": list(unfinished),
        "planned": run["facts"],
        "counts": counts,
        "assertions": ledger.asserted(assertions),
        "claims": {
            "OBSERVED_ABSENT": {"cases": 0, "of_them_after_deadline": 0},
            "DRIFT": {"differences": balance["drift"]},
        },
        "register": {"sha256": run["facts"]["register_sha256"]},
        "previous_run": begun[0]["previous_run_id"] if begun else None,
        "documents": [
            {"name": row["object_name"] or row["name"], "sha256": row["sha256"], "bytes": row["bytes"]}
            for row in stored
        ],
        "scope": SCOPE,
        "not_covered": NOT_COVERED,
        "method": METHOD,
    }
    stated = ledger.state_result(house, connection, run, outcome, facts, [])
    if run["state"] != outcome:
        execute(connection, "run/finish_run", run_id=run_id, state=outcome)
    _tell(run_id, outcome, facts, kinds)
    return stated


def _tell(run_id: int, outcome: str, facts: dict[str, Any], kinds: list[Row]) -> None:
    counts = facts["counts"]
    log.info("outcome of run %d: %s", run_id, outcome)
    for step in facts["unfinished_steps"]:
        log.warning("step %s did not succeed", step)
    log.info("planned %d, observed %d, lost %d", counts["planned"], counts["observed"], counts["lost"])
    log.info("vendors %d, lines of vendor, category and country %d", counts["vendors"], counts["lines"])
    tell = log.error if counts["drift"] else log.info
    tell("claim DRIFT: %s", listed(facts["claims"]["DRIFT"]))
    log.info("drift by kind: %s", listed({row["kind"]: row["found"] for row in kinds if row["found"]}))
    log.info("compared with register %s", facts["register"]["sha256"])
    for document in facts["documents"]:
        log.info("document %s, sha256 %s", document["name"], document["sha256"])
    log.info("not covered by this statement: %s", ", ".join(NOT_COVERED))
