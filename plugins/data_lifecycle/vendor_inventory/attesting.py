"""assert and attest: was all of it counted, and rightly; then say so, signed, with the documents' digests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_lifecycle.assertions.suite import ROLE
from data_lifecycle.database import Connection, Row, connect, fetch, fetch_one
from data_lifecycle.protocol.concluding import NOTHING_ABSENT, Conclusion, Report, attest, conclude, prove
from data_lifecycle.protocol.house import House, listed, log
from data_lifecycle.vendor_inventory.planning import CLAUSES, PIPELINE, state_plan

REPORT = Report(
    PIPELINE,
    CLAUSES,
    scope=("every disclosure recorded as sent up to the moment of the run", "every vendor of the register"),
    not_covered=("what was sent and not recorded", "what a vendor still has of what it received"),
    method="one pass over disclosures and register as of each sending, with canaries of every kind of drift",
    state_plan=state_plan,
)
COUNTS = (
    "observed", "lost", "lines", "vendors", "drift", "canaries", "canaries_wrong", "unbalanced", "vendors_missing",
    "contradicted", "documents", "documents_missing",
)  # fmt: skip


def assert_inventory(house: House, run_id: int) -> None:
    """Run the suite and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database(ROLE), "vendor_inventory assert") as connection:
        facts = fetch_one(connection, "run/read_run", run_id=run_id)["facts"]
    prove(house, run_id, PIPELINE, {"planned": facts["disclosures"], "registered": facts["registered"]})


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Sign a statement about the run and publish it; the statement's name. See ``concluding.attest``.

    *verified* says that everything was counted and every difference named, not that there is none.
    """
    return attest(house, run_id, unfinished, REPORT, _account)


def _account(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> Conclusion:
    run_id = run["run_id"]
    balance = fetch_one(connection, "vendor_inventory/read_balance")
    kinds = fetch(connection, "vendor_inventory/count_drift", run_id=run_id)
    stored = fetch(connection, "vendor_inventory/select_documents", run_id=run_id)
    begun = fetch(connection, "vendor_inventory/find_inventory", run_id=run_id)
    counts = {
        # More may have been recorded since, dated before the run's moment: it was counted with the rest.
        "eligible": max(balance["planned"], balance["observed"]),
        "acted": balance["observed"],
        "held": 0,
        "failed": balance["lost"],
        "planned": balance["planned"],
        **{name: balance[name] for name in COUNTS},
        "drift_by_kind": {row["kind"]: row["found"] for row in kinds},
    }
    claims = {"OBSERVED_ABSENT": NOTHING_ABSENT, "DRIFT": {"differences": balance["drift"]}}
    own = {
        "register": {"sha256": run["facts"]["register_sha256"]},
        "previous_run": begun[0]["previous_run_id"] if begun else None,
        "documents": [
            {"name": row["object_name"] or row["name"], "sha256": row["sha256"], "bytes": row["bytes"]}
            for row in stored
        ],
    }
    conclusion = conclude(house, connection, run, unfinished, REPORT, counts, claims, own)
    _tell(conclusion.facts)
    return conclusion


def _tell(facts: Mapping[str, Any]) -> None:
    counts = facts["counts"]
    log.info("planned %d, observed %d, lost %d", counts["planned"], counts["observed"], counts["lost"])
    log.info("vendors %d, lines of vendor, category and country %d", counts["vendors"], counts["lines"])
    tell = log.error if counts["drift"] else log.info
    tell("claim DRIFT: %s", listed(facts["claims"]["DRIFT"]))
    log.info(
        "drift by kind: %s", listed({kind: found for kind, found in counts["drift_by_kind"].items() if found})
    )
    log.info("compared with register %s", facts["register"]["sha256"])
    for document in facts["documents"]:
        log.info("document %s, sha256 %s", document["name"], document["sha256"])
    log.info("not covered by this statement: %s", ", ".join(REPORT.not_covered))
