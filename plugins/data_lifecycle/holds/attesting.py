"""assert and attest: does the store hold what is under hold, and nothing else; then say so, signed, in counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_lifecycle.assertions.suite import ROLE
from data_lifecycle.database import Connection, Row, connect, fetch, fetch_one
from data_lifecycle.holds.planning import CLAUSES, PIPELINE, state_plan
from data_lifecycle.protocol.concluding import NOTHING_ABSENT, Conclusion, Report, attest, conclude, prove
from data_lifecycle.protocol.house import House, log

REPORT = Report(
    PIPELINE,
    CLAUSES,
    scope=(
        "every version of every file under a hold in force, in uploads and backup",
        "what is made from such a file",
        "unrecorded versions in the folders of its orders",
    ),
    not_covered=(
        "delete markers and unfinished uploads, which no store can hold: the purge's own checks keep them",
        "copies at vendors",
        "whether a hold is right: two persons answer for that",
    ),
    method="flags read by another credential; the eraser's try to delete a flagged object of our own",
    state_plan=state_plan,
)
COUNTS = (
    "planned", "set_on", "let_go", "holds", "in_force", "flagged", "bare", "late", "left_on", "unknown",
    "looked_buckets", "canaries", "canaries_missing", "probes", "unenforced", "lifted", "overdue", "flaws_unmended",
)  # fmt: skip


def assert_holds(house: House, run_id: int) -> None:
    """Run the suite and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database(ROLE), "legal_holds assert") as connection:
        planned = fetch_one(connection, "holds/count_planned", run_id=run_id)["planned"]
    prove(house, run_id, PIPELINE, {"planned": planned, "buckets": len(house.settings.photo_buckets)})


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Sign a statement about the run and publish it; the statement's name. See ``concluding.attest``.

    Claims HELD by the store only where the store was seen to refuse.
    """
    return attest(house, run_id, unfinished, REPORT, _account)


def _account(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> Conclusion:
    balance = fetch_one(connection, "holds/read_balance")
    holds = fetch(connection, "holds/select_seen", run_id=run["run_id"])
    probes = fetch(connection, "holds/select_probes", run_id=run["run_id"])
    enforced = bool(probes) and all(probe["outcome"] == "refused" for probe in probes)
    protected = balance["flagged"] if enforced else 0
    counts = {
        "eligible": balance["planned"],
        "acted": balance["acted"],
        "held": balance["stopped"],
        "failed": balance["failed"],
        **{name: balance[name] for name in COUNTS},
    }
    claims = {
        "OBSERVED_ABSENT": NOTHING_ABSENT,
        "HELD": {"holds": balance["holds"], "versions": protected},
        "UNKNOWN": {"versions": balance["in_force"] - protected},
    }
    own = {
        "holds": [
            {
                "hold": str(hold["hold_id"]),
                "basis_class": hold["basis_class"],
                "expires_at": hold["expires_at"].isoformat(),
                "files": hold["files"],
                "versions": hold["versions"],
                "flagged": hold["flagged"],
            }
            for hold in holds
        ],
        "protected_by": "the store" if enforced else "our checks only",
    }
    conclusion = conclude(house, connection, run, unfinished, REPORT, counts, claims, own)
    _tell(conclusion.facts)
    return conclusion


def _tell(facts: Mapping[str, Any]) -> None:
    counts = facts["counts"]
    log.info(
        "flags %d = acted %d + held again %d + failed %d",
        *(counts[name] for name in ("eligible", "acted", "held", "failed")),
    )
    for hold in facts["holds"]:
        log.info(
            "hold %s (%s) until %s: %d files, %d versions, %d flagged",
            *(hold[name] for name in ("hold", "basis_class", "expires_at", "files", "versions", "flagged")),
        )
    log.info(
        "claim HELD: %d versions under %d holds, protected by %s",
        facts["claims"]["HELD"]["versions"],
        counts["holds"],
        facts["protected_by"],
    )
    if counts["late"]:
        log.info("came after the plan, the next run's: %d versions", counts["late"])
    log.info("not covered by this statement: %s", ", ".join(REPORT.not_covered))
