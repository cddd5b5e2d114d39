"""assert and attest: was all of it judged, and rightly; then say so, signed, in counts."""

from __future__ import annotations

from typing import Any

from data_lifecycle.assertions.suite import assert_run
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, listed, log
from data_lifecycle.transfer_check.planning import CLAUSES

SUITE = "transfer_check"
SCOPE = [
    "every disclosure recorded as sent up to the moment of the run",
    "rules T01 to T11, all of them for each",
]
NOT_COVERED = ["what was sent and not recorded", "what a vendor did with what it received"]
METHOD = (
    "one pass over register, reference lists and consents as of each sending, with canaries of known verdict"
)
COUNTS = (
    "planned", "judged", "unjudged", "allowed", "denied", "cross_border", "contradicted", "canaries", "canaries_wrong",
    "lists", "stale_lists", "incidents_missing",
)  # fmt: skip


def assert_check(house: House, run_id: int) -> None:
    """Run the suite and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database("studio_auditor"), "transfer_check assert") as connection:
        planned = fetch_one(connection, "run/read_run", run_id=run_id)["facts"]["items"]
    broken: PromiseBroken | None = None
    try:
        assert_run(house, run_id, SUITE, {"planned": planned})
    except PromiseBroken as error:
        broken = error
    with connect(house.connections.database(ledger.WRITER), "transfer_check assert") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        ledger.state_assertions(house, connection, run, SUITE)
        connection.commit()
    if broken is not None:
        raise broken


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Sign a statement about the run and publish it; the statement's name. A dry run comes to no more than its plan.

    *verified* says that everything sealed was judged and that the judge is to be trusted, not that everything was
    allowed: what was denied is counted by rule. Repeating it with the same facts states nothing twice. Raises
    PromiseBroken, after publishing, unless everything held.
    """
    with connect(house.connections.database(ledger.WRITER), "transfer_check attest") as connection:
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
    plan = ledger.state_plan(house, connection, run, CLAUSES, run["facts"]["items"], [])
    if run["dry_run"]:
        return plan
    ledger.state_assertions(house, connection, run, SUITE)
    assertions = fetch(connection, "evidence/select_assertions", run_id=run_id)
    balance = fetch_one(connection, "transfer_check/read_balance")
    broken = {
        row["rule"]: row["disclosures"]
        for row in fetch(connection, "transfer_check/count_broken", run_id=run_id)
    }
    held_up = bool(assertions) and all(a["success"] for a in assertions) and not unfinished
    outcome = "verified" if held_up else "failed"
    counts: dict[str, Any] = {
        "eligible": balance["planned"],
        "acted": balance["judged"],
        "held": 0,
        "failed": balance["unjudged"],
        **{name: balance[name] for name in COUNTS},
        "broken": broken,
    }
    facts = {
        "clauses": list(CLAUSES),
        "unfinished_steps": list(unfinished),
        "planned": run["facts"],
        "counts": counts,
        "assertions": ledger.asserted(assertions),
        "claims": {
            "OBSERVED_ABSENT": {"cases": 0, "of_them_after_deadline": 0},
            "ALLOWED": {"disclosures": balance["allowed"]},
            "DENIED": {"disclosures": balance["denied"]},
        },
        "reference": {"sha256": run["facts"]["reference_sha256"]},
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


def _tell(run_id: int, outcome: str, facts: dict[str, Any]) -> None:
    counts = facts["counts"]
    log.info("outcome of run %d: %s", run_id, outcome)
    for step in facts["unfinished_steps"]:
        log.warning("step %s did not succeed", step)
    log.info("planned %d = judged %d + unjudged %d", counts["planned"], counts["judged"], counts["unjudged"])
    log.info("claim ALLOWED: %s", listed(facts["claims"]["ALLOWED"]))
    tell = log.error if counts["denied"] else log.info
    tell("claim DENIED: %s", listed(facts["claims"]["DENIED"]))
    log.info("rules broken: %s", listed({rule: count for rule, count in counts["broken"].items() if count}))
    log.info("judged by register %s", facts["register"]["sha256"])
    log.info("judged by reference lists %s", facts["reference"]["sha256"])
    log.info("not covered by this statement: %s", ", ".join(NOT_COVERED))
