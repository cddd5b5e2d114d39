"""assert and attest: does the store hold what is under hold, and nothing else; then say so, signed, in counts."""

from __future__ import annotations

from typing import Any

from data_lifecycle.assertions.suite import assert_run
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.holds.planning import CLAUSES
from data_lifecycle.protocol import ledger
from data_lifecycle.protocol.house import House, PromiseBroken, log

SUITE = "legal_holds"
SCOPE = [
    "every version of every file under a hold in force, in uploads and backup",
    "what is made from such a file",
    "unrecorded versions in the folders of its orders",
]
NOT_COVERED = [
    "delete markers and unfinished uploads, which no store can hold: the purge's own checks keep them",
    "copies at vendors",
    "whether a hold is right: two persons answer for that",
]
METHOD = "flags read by another credential; the eraser's try to delete a flagged object of our own"
COUNTS = (
    "planned", "set_on", "let_go", "holds", "in_force", "flagged", "bare", "late", "left_on", "unknown",
    "looked_buckets", "canaries", "canaries_missing", "probes", "unenforced", "lifted", "overdue", "flaws_unmended",
)  # fmt: skip


def assert_holds(house: House, run_id: int) -> None:
    """Run the suite and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database("studio_auditor"), "legal_holds assert") as connection:
        planned = fetch_one(connection, "holds/count_planned", run_id=run_id)["planned"]
    broken: PromiseBroken | None = None
    try:
        assert_run(house, run_id, SUITE, {"planned": planned, "buckets": len(house.settings.photo_buckets)})
    except PromiseBroken as error:
        broken = error
    with connect(house.connections.database(ledger.WRITER), "legal_holds assert") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        ledger.state_assertions(house, connection, run, SUITE)
        connection.commit()
    if broken is not None:
        raise broken


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Sign a statement about the run and publish it; the statement's name. A dry run comes to no more than its plan.

    Claims HELD by the store only where the store was seen to refuse. Repeating it with the same facts states nothing
    twice. Raises PromiseBroken, after publishing, unless everything held.
    """
    with connect(house.connections.database(ledger.WRITER), "legal_holds attest") as connection:
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
    balance = fetch_one(connection, "holds/read_balance")
    holds = fetch(connection, "holds/select_seen", run_id=run_id)
    probes = fetch(connection, "holds/select_probes", run_id=run_id)
    held_up = bool(assertions) and all(a["success"] for a in assertions) and not unfinished
    outcome = "verified" if held_up else "failed"
    enforced = bool(probes) and all(probe["outcome"] == "refused" for probe in probes)
    facts: dict[str, Any] = {
        "clauses": list(CLAUSES),
        "unfinished_steps": list(unfinished),
        "planned": run["facts"],
        "counts": {
            "eligible": balance["planned"],
            "acted": balance["acted"],
            "held": balance["stopped"],
            "failed": balance["failed"],
            **{name: balance[name] for name in COUNTS},
        },
        "assertions": ledger.asserted(assertions),
        "claims": {
            "OBSERVED_ABSENT": {"cases": 0, "of_them_after_deadline": 0},
            "HELD": {"holds": balance["holds"], "versions": balance["flagged"] if enforced else 0},
            "UNKNOWN": {"versions": balance["in_force"] - (balance["flagged"] if enforced else 0)},
        },
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
    log.info("not covered by this statement: %s", ", ".join(NOT_COVERED))
