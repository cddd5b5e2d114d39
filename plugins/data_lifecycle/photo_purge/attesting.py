"""attest: state what is proven, close what is proven absent, keep the statement where nobody can take it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from data_lifecycle.assertions.suite import assert_run
from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.evidence import keys, vault
from data_lifecycle.evidence.statement import facts_digest, seal
from data_lifecycle.protocol.house import House, PromiseBroken, listed, log

PREDICATE_TYPE = "https://xmanart.com/lifecycle/photo-purge/v1"
SCOPE = ["object versions", "delete markers", "unfinished uploads", "derivatives", "backup copies"]
NOT_COVERED = ["copies at vendors", "database backups and write-ahead log"]
METHOD = "listing by another credential with canaries found"
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


def assert_purge(house: House, run_id: int) -> None:
    """Run the suite of the purge; PromiseBroken when an assertion does not hold."""
    with connect(house.connections.database("studio_auditor"), "photo_purge assert") as connection:
        expected = fetch_one(connection, "photo_purge/count_to_erase", run_id=run_id)["erase_items"]
    assert_run(house, run_id, "photo_purge", {"erase_items": expected})


def attest_run(house: House, run_id: int, unfinished: tuple[str, ...]) -> str:
    """Close the cases proven absent, sign a statement about the run and keep it; the statement's name.

    ``unfinished`` names the steps that did not succeed. Writing the statement and closing the cases is one transaction;
    storing it follows and is made up for by a later run if this one dies in between. Repeating it with the same facts
    states nothing twice. Raises PromiseBroken, after the statement is stored, unless everything held.
    """
    with connect(house.connections.database("evidence_writer"), "photo_purge attest") as connection:
        run = fetch_one(connection, "photo_purge/read_run", run_id=run_id)
        fetch(connection, "photo_purge/set_run", run_id=run_id)
        if run["dry_run"]:
            name, outcome = _state(house, connection, run, "planned", {}, [], unfinished)
        else:
            assertions = fetch(connection, "evidence/select_assertions", run_id=run_id)
            balance = fetch_one(connection, "photo_purge/read_balance")
            held_up = bool(assertions) and all(a["success"] for a in assertions) and not unfinished
            if balance["canaries"] and not balance["canaries_missing"] and not balance["touched_undue"]:
                if not _close(connection, run_id):
                    connection.rollback()
                    fetch(connection, "photo_purge/set_run", run_id=run_id)
                    held_up, unfinished = False, (*unfinished, "close")
            else:
                log.error("no case is closed: the observation is void or something undue was touched")
            outcome = "verified" if held_up else "failed"
            name, outcome = _state(house, connection, run, outcome, balance, assertions, unfinished)
        connection.commit()
        lost = _keep(house, connection)
    if lost:
        raise PromiseBroken(f"the evidence bucket did not keep {len(lost)} statements: {', '.join(lost)}")
    if outcome == "failed":
        raise PromiseBroken(
            f"run {run_id} is not verified ({', '.join(unfinished) or 'assertions did not hold'}); evidence {name}"
        )
    return name


def _close(connection: Connection, run_id: int) -> bool:
    """Close the cases proven absent; False when the database answered yes and did not do it (a trigger, a policy)."""
    fetch(connection, "photo_purge/lock_orders", run_id=run_id)
    case_ids: list[UUID] = [
        row["case_id"] for row in fetch(connection, "photo_purge/select_absent_cases", run_id=run_id)
    ]
    if not case_ids:
        return True
    execute(connection, "photo_purge/close_uploads", run_id=run_id, case_ids=case_ids)
    closed = fetch(connection, "photo_purge/close_cases", run_id=run_id, case_ids=case_ids)
    if len(closed) != len(case_ids):
        log.error(
            "the database closed %d of %d cases: something swallows the change", len(closed), len(case_ids)
        )
        return False
    execute(connection, "photo_purge/close_orders", case_ids=case_ids)
    late = sum(row["closed_at"] > row["deadline_at"] for row in closed)
    log.info("%d cases closed: observed absent", len(closed))
    if late:
        log.warning("%d of them after their deadline: absent, but the promise of clause 3.2 was missed", late)
    return True


def _state(
    house: House,
    connection: Connection,
    run: Row,
    outcome: str,
    balance: Row,
    assertions: list[Row],
    unfinished: tuple[str, ...],
) -> tuple[str, str]:
    run_id = run["run_id"]
    cases = fetch_one(connection, "photo_purge/count_cases", run_id=run_id)
    facts = {
        "pipeline": run["pipeline"],
        "run": {"number": run_id, "attempt": run["attempt"], "as_of": run["as_of"].isoformat()},
        "policy": {"id": run["policy_id"], "version": run["policy_version"], "sha256": run["policy_sha256"]},
        "clauses": ["3.1", "3.2"],
        "code": run["code_sha"],
        "outcome": outcome,
        "unfinished_steps": list(unfinished),
        "planned": run["facts"],
        "counts": {**{name: balance[name] for name in COUNTS if name in balance}, "cases": dict(cases)},
        "assertions": [dict(a) for a in assertions],
        "claims": _claims(balance, cases),
        "scope": SCOPE,
        "not_covered": NOT_COVERED,
        "method": METHOD,
    }
    digest = facts_digest(facts)
    earlier = fetch(connection, "evidence/find_statement", run_id=run_id, facts_sha256=digest)
    if earlier:
        log.info("already stated: evidence %s", earlier[0]["evidence_id"])
        return earlier[0]["evidence_id"], earlier[0]["outcome"]
    sequence = fetch_one(connection, "evidence/next_sequence", run_id=run_id)["sequence"]
    name = f"{run['pipeline']}/{run['as_of']:%Y/%m/%d}/run-{run_id:08d}-{sequence:02d}.dsse.json"
    now = fetch_one(connection, "photo_purge/read_clock")["now"]
    sealed = seal(
        keys.load(house.settings.attester_key),
        run["manifest_sha256"],
        f"{run['pipeline']}/run-{run_id}",
        PREDICATE_TYPE,
        {**facts, "signed_at": now.isoformat()},
    )
    stated = execute(
        connection,
        "evidence/insert_statement",
        evidence_id=name,
        run_id=run_id,
        sequence=sequence,
        predicate_type=PREDICATE_TYPE,
        outcome=outcome,
        facts_sha256=digest,
        key_id=sealed.key_id,
        envelope=sealed.envelope,
        envelope_sha256=sealed.sha256,
    )
    if stated != 1:
        raise PromiseBroken(
            f"the database did not take the statement about run {run_id}: nothing is closed or stated"
        )
    if outcome != "planned":
        execute(connection, "photo_purge/finish_run", run_id=run_id, state=outcome)
    log.info("outcome of run %d: %s", run_id, outcome)
    for step in unfinished:
        log.warning("step %s did not succeed", step)
    for claim, counts in facts["claims"].items():
        log.info("claim %s: %s", claim, listed(counts))
    if balance:
        log.info("eligible %d = acted %d + held %d + failed %d", *(balance[n] for n in COUNTS[:4]))
        log.info(
            "orphans, entries that no order accounts for: %d, aged %d",
            balance["orphans"],
            balance["aged_orphans"],
        )
    log.info("looked at: %s", ", ".join(SCOPE))
    log.info("not covered by this statement: %s", ", ".join(NOT_COVERED))
    log.info("evidence %s", name)
    log.info("evidence sha256 %s, key %s", sealed.sha256, sealed.key_id)
    return name, outcome


def _claims(balance: Row, cases: Row) -> dict[str, Any]:
    """Graded claims, in counts: what was seen absent, what is held, what is not known."""
    return {
        "OBSERVED_ABSENT": {"cases": cases["absent"], "of_them_after_deadline": cases["absent_late"]},
        "HELD": {"entries": balance.get("held", 0)},
        "UNKNOWN": {"entries": balance.get("unknown", 0), "cases_unlisted": balance.get("unlisted", 0)},
        "OPEN": {"cases": cases["open"], "of_them_after_deadline": cases["overdue_open"]},
    }


def _keep(house: House, connection: Connection) -> list[str]:
    """Store every statement that is not stored yet, this run's and those of runs that died before they could.

    The names of those that the bucket did not keep as they are: one of them must not stall the others.
    """
    access = house.connections.store("evidence_vault")
    lost: list[str] = []
    for row in fetch(connection, "evidence/select_unstored"):
        name = row["evidence_id"]
        try:
            kept = vault.keep(access, house.settings.bucket_evidence, name, bytes(row["envelope"]))
        except vault.VaultError as error:
            log.error("evidence not kept: %s", error)
            lost.append(name)
            continue
        execute(connection, "evidence/mark_stored", evidence_id=name, version_id=kept.version_id)
        connection.commit()
        log.info("stored and read back: %s, locked until %s", name, kept.locked_until.isoformat())
    return lost
