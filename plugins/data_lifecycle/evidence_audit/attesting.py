"""assert and attest: say what was found, make due again what came back, and publish it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from data_lifecycle.assertions.suite import assert_run
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.evidence_audit.plan import Residue, case_state, next_look, next_residue
from data_lifecycle.evidence_audit.planning import CLAUSES
from data_lifecycle.evidence_audit.residue import UNSEEABLE
from data_lifecycle.protocol import ledger, tasklogs
from data_lifecycle.protocol.house import House, PromiseBroken, listed, log

SUITE = "evidence_audit"
SCOPE = [
    "object versions", "delete markers", "unfinished uploads", "backup copies",
    "evidence log: database, locked bucket, signed heads", "locks of evidence objects", "heartbeats", "salts",
]  # fmt: skip
NOT_COVERED = [
    "copies at vendors",
    "contents of database backups",
    "closed cases that neither date nor chance chose",
]
METHOD = "listing by another credential with canaries found; hashes recomputed from the exact bytes"
COUNTS = (
    "eligible", "acted", "held", "failed", "back", "unknown", "items", "survivors", "accounted", "closed_cases",
    "canaries", "canaries_missing", "log_size", "log_entries", "log_sampled", "checkpoints", "locks", "findings",
    "gaps", "days_missing", "runs_without_logs", "residue_cleared", "residue_pending", "residue_early",
    "salts_destroyed", "salts_remaining",
)  # fmt: skip


def assert_audit(house: House, run_id: int) -> None:
    """Run the suite of the audit and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database("studio_auditor"), "evidence_audit assert") as connection:
        expected = fetch_one(connection, "evidence_audit/count_audited", run_id=run_id)["cases"]
    broken: PromiseBroken | None = None
    try:
        assert_run(house, run_id, SUITE, {"cases": expected})
    except PromiseBroken as error:
        broken = error
    with connect(house.connections.database(ledger.WRITER), "evidence_audit assert") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        ledger.state_assertions(house, connection, run, SUITE)
        connection.commit()
    if broken is not None:
        raise broken


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """State what the audit found, make what came back due again, and publish; the statement's name.

    ``unfinished`` names the steps that did not succeed. Statement, renewed dues and the dates of the next looks are one
    transaction; publishing follows. Repeating it with the same facts states nothing twice and reopens nothing twice.
    Raises PromiseBroken, after publishing, unless everything held.
    """
    with connect(house.connections.database(ledger.WRITER), "evidence_audit attest") as connection:
        run = fetch_one(connection, "run/read_run", run_id=run_id)
        stated = _state(house, connection, run, unfinished)
        connection.commit()
    ledger.publish(house)
    if stated.outcome == "failed":
        raise PromiseBroken(
            f"audit {run_id} is not verified ({', '.join(unfinished) or 'assertions did not hold'}); "
            f"evidence {stated.name}"
        )
    return stated.name


def _state(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> ledger.Stated:
    run_id = run["run_id"]
    fetch(connection, "run/set_run", run_id=run_id)
    plan = ledger.state_plan(house, connection, run, CLAUSES, run["facts"]["cases"], [])
    if run["dry_run"]:
        return plan
    ledger.state_assertions(house, connection, run, SUITE)
    assertions = fetch(connection, "evidence/select_assertions", run_id=run_id)
    balance = fetch_one(connection, "evidence_audit/read_balance")
    held_up = bool(assertions) and all(a["success"] for a in assertions) and not unfinished
    outcome = "verified" if held_up else "failed"
    cases = fetch(connection, "evidence_audit/select_verdicts", run_id=run_id)
    parts = _parts(connection, run_id)
    items, states = _claims(cases, parts)
    findings = fetch(connection, "evidence_audit/select_findings", run_id=run_id)
    claimed = Counter(item["state"] for item in items)
    facts = {
        "clauses": list(CLAUSES),
        "unfinished_steps": list(unfinished),
        "planned": run["facts"],
        "counts": {name: balance[name] for name in COUNTS},
        "findings": {row["what"]: row["findings"] for row in findings},
        "assertions": ledger.asserted(assertions),
        "claims": {
            **{
                state: {"cases": claimed[state]}
                for state in ("RESIDUE_PENDING", "RESIDUE_CLEARED", "RESURRECTED")
            },
            "OBSERVED_ABSENT": {"cases": claimed["OBSERVED_ABSENT"], "of_them_after_deadline": 0},
            "UNKNOWN": {"cases": balance["unknown"]},
        },
        "scope": SCOPE,
        "not_covered": NOT_COVERED,
        "method": METHOD,
        "task_logs": dict(tasklogs.place(house.settings.bucket_evidence, run["pipeline"], run["dag_run_id"])),
    }
    stated = ledger.state_result(house, connection, run, outcome, facts, items)
    again = fetch(connection, "evidence_audit/make_due", run_id=run_id)
    _remember(connection, run, cases, parts, states)
    if run["state"] != outcome:
        execute(connection, "run/finish_run", run_id=run_id, state=outcome)
    _tell(run_id, outcome, facts, items, again)
    return stated


def _parts(connection: Connection, run_id: int) -> dict[UUID, list[Residue]]:
    parts: dict[UUID, list[Residue]] = defaultdict(list)
    for row in fetch(connection, "evidence_audit/select_residue", run_id=run_id):
        parts[row["case_id"]].append(Residue(row["place"], row["until_at"], row["outcome"], row["why"]))
    return parts


def _claims(
    cases: Sequence[Row], parts: Mapping[UUID, Sequence[Residue]]
) -> tuple[list[dict[str, Any]], dict[UUID, str]]:
    """(items of the statement, what is claimed now of each case); of what nobody could see nothing is claimed."""
    items: list[dict[str, Any]] = []
    states: dict[UUID, str] = {}
    for row in cases:
        claim = case_state(row["verdict"], row["stated"], parts.get(row["case_id"]))
        if claim is None:
            states[row["case_id"]] = row["stated"]
            continue
        state, left = claim
        root = bytes(row["commitments_root"]).hex()
        item: dict[str, Any] = {"case": str(row["case_id"]), "state": state, "commitments_root": root}
        if left:
            item["residue"] = [
                {"where": part.place, "until": part.until.astimezone(UTC).isoformat()} for part in left
            ]
        items.append(item)
        states[row["case_id"]] = state
    return items, states


def _remember(
    connection: Connection,
    run: Row,
    cases: Sequence[Row],
    parts: Mapping[UUID, Sequence[Residue]],
    states: Mapping[UUID, str],
) -> None:
    as_of = run["as_of"]
    execute(
        connection,
        "evidence_audit/set_states",
        case_ids=[row["case_id"] for row in cases],
        epochs=[row["epoch"] for row in cases],
        looked_at=[as_of for _ in cases],
        verdicts=[row["verdict"] for row in cases],
        stated=[states[row["case_id"]] for row in cases],
        next_looks=[next_look(row["closed_at"], as_of, row["verdict"]) for row in cases],
        # Where nobody came to look, somebody has to, the next time.
        next_residues=[
            next_residue(parts[row["case_id"]], as_of, UNSEEABLE) if row["case_id"] in parts else as_of
            for row in cases
        ],
    )


def _tell(
    run_id: int,
    outcome: str,
    facts: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]],
    again: Sequence[Row],
) -> None:
    counts = facts["counts"]
    log.info("outcome of audit %d: %s", run_id, outcome)
    for step in facts["unfinished_steps"]:
        log.warning("step %s did not succeed", step)
    log.info("eligible %d = acted %d + held %d + failed %d", *(counts[name] for name in COUNTS[:4]))
    log.info("claimed: %s", listed(dict(sorted(Counter(item["state"] for item in items).items()))))
    for item in items:
        if item["state"] == "RESURRECTED":
            log.error("RESURRECTED: case %s", item["case"])
    for row in again:
        how = "open again" if row["reopened"] else "left to the case of the same order that is open"
        log.warning("case %s is due again: %s; the next purge erases it, with evidence", row["case_id"], how)
    for what, count in facts["findings"].items():
        log.error("differences of the log: %d %s", count, what)
    log.info("looked at: %s", ", ".join(SCOPE))
    log.info("not covered by this statement: %s", ", ".join(NOT_COVERED))
