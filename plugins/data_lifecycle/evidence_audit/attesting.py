"""assert and attest: say what was found, make due again what came back, and publish it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from data_lifecycle.assertions.suite import ROLE
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.evidence_audit.plan import PIPELINE, Residue, case_state, next_look, next_residue
from data_lifecycle.evidence_audit.planning import CLAUSES, state_plan
from data_lifecycle.evidence_audit.residue import UNSEEABLE
from data_lifecycle.protocol.concluding import Conclusion, Report, attest, conclude, prove
from data_lifecycle.protocol.house import House, listed, log

REPORT = Report(
    PIPELINE,
    CLAUSES,
    scope=(
        "object versions", "delete markers", "unfinished uploads", "backup copies",
        "evidence log: database, locked bucket, signed heads", "locks of evidence objects", "heartbeats", "salts",
    ),
    not_covered=(
        "copies at vendors",
        "contents of database backups",
        "closed cases that neither date nor chance chose",
    ),
    method="listing by another credential with canaries found; hashes recomputed from the exact bytes",
    state_plan=state_plan,
    noun="audit",
)  # fmt: skip
COUNTS = (
    "eligible", "acted", "held", "failed", "back", "unknown", "items", "survivors", "accounted", "closed_cases",
    "canaries", "canaries_missing", "log_size", "log_entries", "log_sampled", "checkpoints", "locks", "findings",
    "gaps", "days_missing", "runs_without_logs", "residue_cleared", "residue_pending", "residue_early",
    "salts_destroyed", "salts_remaining",
)  # fmt: skip


def assert_audit(house: House, run_id: int) -> None:
    """Run the suite of the audit and state how it went; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database(ROLE), "evidence_audit assert") as connection:
        expected = fetch_one(connection, "evidence_audit/count_audited", run_id=run_id)["cases"]
    prove(house, run_id, PIPELINE, {"cases": expected})


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """State what the audit found, make what came back due again, and publish; the statement's name.

    Statement, renewed dues and the dates of the next looks are one transaction; nothing is reopened twice. See
    ``concluding.attest``.
    """
    return attest(house, run_id, unfinished, REPORT, _account)


def _account(house: House, connection: Connection, run: Row, unfinished: tuple[str, ...]) -> Conclusion:
    run_id = run["run_id"]
    balance = fetch_one(connection, "evidence_audit/read_balance")
    cases = fetch(connection, "evidence_audit/select_verdicts", run_id=run_id)
    parts = _parts(connection, run_id)
    items, states = _claims(cases, parts)
    findings = fetch(connection, "evidence_audit/select_findings", run_id=run_id)
    claimed = Counter(item["state"] for item in items)
    counts = {name: balance[name] for name in COUNTS}
    claims = {
        **{
            state: {"cases": claimed[state]}
            for state in ("RESIDUE_PENDING", "RESIDUE_CLEARED", "RESURRECTED")
        },
        "OBSERVED_ABSENT": {"cases": claimed["OBSERVED_ABSENT"], "of_them_after_deadline": 0},
        "UNKNOWN": {"cases": balance["unknown"]},
    }
    own = {"findings": {row["what"]: row["findings"] for row in findings}}
    conclusion = conclude(house, connection, run, unfinished, REPORT, counts, claims, own, items)
    again = fetch(connection, "evidence_audit/make_due", run_id=run_id)
    _remember(connection, run, cases, parts, states)
    _tell(conclusion.facts, items, again)
    return conclusion


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


def _tell(facts: Mapping[str, Any], items: Sequence[Mapping[str, Any]], again: Sequence[Row]) -> None:
    counts = facts["counts"]
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
    log.info("looked at: %s", ", ".join(REPORT.scope))
    log.info("not covered by this statement: %s", ", ".join(REPORT.not_covered))
