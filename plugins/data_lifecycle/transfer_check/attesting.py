"""assert and attest: was all of it judged, and rightly; then say so, signed, in counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_lifecycle.assertions.suite import ROLE
from data_lifecycle.database import Connection, Row, connect, fetch, fetch_one
from data_lifecycle.protocol.concluding import NOTHING_ABSENT, Conclusion, Report, attest, conclude, prove
from data_lifecycle.protocol.house import House, listed, log
from data_lifecycle.transfer_check.planning import CLAUSES, PIPELINE, state_plan

REPORT = Report(
    PIPELINE,
    CLAUSES,
    scope=(
        "every disclosure recorded as sent up to the moment of the run",
        "rules T01 to T11, all of them for each",
    ),
    not_covered=("what was sent and not recorded", "what a vendor did with what it received"),
    method="one pass over register, reference lists and consents as of each sending, with canaries of known verdict",
    state_plan=state_plan,
)
COUNTS = (
    "planned", "judged", "unjudged", "allowed", "denied", "cross_border", "contradicted", "canaries", "canaries_wrong",
    "lists", "stale_lists", "incidents_missing",
)  # fmt: skip


def assert_check(house: House, run_id: int) -> None:
    """Run the suite and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database(ROLE), "transfer_check assert") as connection:
        planned = fetch_one(connection, "run/read_run", run_id=run_id)["facts"]["items"]
    prove(house, run_id, PIPELINE, {"planned": planned})


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Sign a statement about the run and publish it; the statement's name. See ``concluding.attest``.

    *verified* says that everything sealed was judged and that the judge is to be trusted, not that everything was
    allowed: what was denied is counted by rule.
    """
    return attest(house, run_id, unfinished, REPORT, _account)


def _account(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> Conclusion:
    balance = fetch_one(connection, "transfer_check/read_balance")
    broken = {
        row["rule"]: row["disclosures"]
        for row in fetch(connection, "transfer_check/count_broken", run_id=run["run_id"])
    }
    counts = {
        "eligible": balance["planned"],
        "acted": balance["judged"],
        "held": 0,
        "failed": balance["unjudged"],
        **{name: balance[name] for name in COUNTS},
        "broken": broken,
    }
    claims = {
        "OBSERVED_ABSENT": NOTHING_ABSENT,
        "ALLOWED": {"disclosures": balance["allowed"]},
        "DENIED": {"disclosures": balance["denied"]},
    }
    own = {
        "reference": {"sha256": run["facts"]["reference_sha256"]},
        "register": {"sha256": run["facts"]["register_sha256"]},
    }
    conclusion = conclude(house, connection, run, unfinished, REPORT, counts, claims, own)
    _tell(conclusion.facts)
    return conclusion


def _tell(facts: Mapping[str, Any]) -> None:
    counts = facts["counts"]
    log.info("planned %d = judged %d + unjudged %d", counts["planned"], counts["judged"], counts["unjudged"])
    log.info("claim ALLOWED: %s", listed(facts["claims"]["ALLOWED"]))
    tell = log.error if counts["denied"] else log.info
    tell("claim DENIED: %s", listed(facts["claims"]["DENIED"]))
    log.info("rules broken: %s", listed({rule: count for rule, count in counts["broken"].items() if count}))
    log.info("judged by register %s", facts["register"]["sha256"])
    log.info("judged by reference lists %s", facts["reference"]["sha256"])
    log.info("not covered by this statement: %s", ", ".join(REPORT.not_covered))
