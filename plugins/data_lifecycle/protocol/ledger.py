"""What every pipeline states, and how it becomes public: signed, written once, kept in the locked bucket, sequenced.

Order of effects, so that an interruption anywhere is safe: a statement is committed in the database, in one transaction
with what it claims; then it is put into the locked bucket; then the sequencer gives it its place and signs the log's
head. Whoever goes on repeats what is not done, with the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data_lifecycle.database import Connection, Row, connect, execute, fetch, fetch_one
from data_lifecycle.evidence import keys, vault
from data_lifecycle.evidence.commitment import set_root
from data_lifecycle.evidence.lifecycle_verify import ASSERTIONS, PLAN, RESULT
from data_lifecycle.evidence.logbucket import LogBucket, LogForked
from data_lifecycle.evidence.postures import record_postures
from data_lifecycle.evidence.records import record_heartbeats
from data_lifecycle.evidence.sequencer import NotStored, Published, Sequencer, WrongKey
from data_lifecycle.evidence.statement import Sealed, facts_digest, seal
from data_lifecycle.protocol import tasklogs
from data_lifecycle.protocol.house import House, PromiseBroken, log

WRITER = "evidence_writer"
_TRIES = 5
"""How often publishing is tried while others state something at the same time."""

Item = Mapping[str, Any]
"""A claim about a case: {case, state, commitments_root} and, if bytes may remain, residue [{where, until}]."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement in the database: its name, its outcome and the SHA-256 (hex) of its envelope."""

    name: str
    outcome: str
    sha256: str


def state_plan(
    house: House,
    connection: Connection,
    run: Row,
    clauses: Sequence[str],
    eligible: int,
    items: Sequence[Item],
) -> Stated:
    """State what a run plans: how many entries are eligible, and each case as PLANNED or HELD. A run plans once.

    ``run`` is the row of lifecycle.run; a dry run claims nothing and has no items. The caller commits.
    """
    earlier = stated_plan(connection, run)
    if earlier is not None:
        return earlier
    facts = {
        "clauses": list(clauses),
        "dry_run": run["dry_run"],
        "planned": run["facts"],
        "eligible": eligible,
    }
    return state(house, connection, run, PLAN, "planned", facts | _items(items))


def stated_plan(connection: Connection, run: Row) -> Stated | None:
    """The plan that a run has stated, None if it has not; whoever else states something about it waits meanwhile."""
    fetch_one(connection, "evidence/lock_run", run_id=run["run_id"])
    earlier = fetch(connection, "evidence/find_plan", run_id=run["run_id"], predicate_type=PLAN)
    return _stated(earlier[0]) if earlier else None


def state_assertions(house: House, connection: Connection, run: Row, suite: str) -> Stated | None:
    """State the latest outcomes of the suite ``include/expectations/<suite>.json``; None if it never ran.

    The caller commits.
    """
    fetch_one(connection, "evidence/lock_run", run_id=run["run_id"])
    rows = fetch(connection, "evidence/select_assertions", run_id=run["run_id"])
    if not rows:
        return None
    data = (house.settings.include / "expectations" / f"{suite}.json").read_bytes()
    facts = {
        "suite": suite,
        "suite_sha256": hashlib.sha256(data).hexdigest(),
        "round": rows[0]["round"],
        "assertions": asserted(rows),
        "success": all(row["success"] for row in rows),
    }
    return state(house, connection, run, ASSERTIONS, "asserted", facts)


def state_result(
    house: House,
    connection: Connection,
    run: Row,
    outcome: str,
    facts: Mapping[str, Any],
    items: Sequence[Item],
) -> Stated:
    """State the outcome of a run ("verified" or "failed") with its counts, assertions, claims and items.

    ``facts`` are all fields of a result but those that ``state`` and this function add: see result.v1.json. The caller
    commits, together with what is claimed.
    """
    whole = {**facts, "outcome": outcome, "task_logs": place(house, run), **_items(items)}
    return state(house, connection, run, RESULT, outcome, whole)


def place(house: House, run: Row) -> dict[str, str]:
    """Where the logs of a run's tasks lie."""
    return dict(tasklogs.place(house.settings.bucket_evidence, run["pipeline"], run["dag_run_id"]))


def asserted(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Outcomes of a suite as assertions and results state them, from rows of ``evidence/select_assertions``."""
    return [{name: row[name] for name in ("name", "success", "observed", "expected")} for row in rows]


def state(
    house: House, connection: Connection, run: Row, kind: str, outcome: str, facts: Mapping[str, Any]
) -> Stated:
    """Sign ``facts`` about a run and write the statement; the same facts again are the same statement.

    Adds what all kinds have: pipeline, run, policy, code, and the moment of signing (UTC, the database's clock). The
    subject is the sealed manifest. The caller commits. Raises PromiseBroken when the database does not take it.
    """
    run_id, pipeline = run["run_id"], run["pipeline"]
    fetch_one(connection, "evidence/lock_run", run_id=run_id)
    whole = {
        "pipeline": pipeline,
        "run": {"number": run_id, "attempt": run["attempt"], "as_of": run["as_of"].isoformat()},
        "policy": {"id": run["policy_id"], "version": run["policy_version"], "sha256": run["policy_sha256"]},
        "code": run["code_sha"],
        **facts,
    }
    digest = facts_digest({"predicate_type": kind, **whole})
    earlier = fetch(connection, "evidence/find_statement", run_id=run_id, facts_sha256=digest)
    if earlier:
        log.info("already stated: evidence %s", earlier[0]["evidence_id"])
        return _stated(earlier[0])
    sequence = fetch_one(connection, "evidence/next_sequence", run_id=run_id)["sequence"]
    now: datetime = fetch_one(connection, "run/read_clock")["now"]
    sealed = seal(
        keys.load(house.settings.attester_key),
        run["manifest_sha256"],
        f"{pipeline}/run-{run_id}",
        kind,
        {**whole, "signed_at": now.isoformat()},
    )
    # With the digest in its name nothing can lie in its place already: a restored database counts its runs once more.
    number = f"run-{run_id:08d}-{sequence:02d}-{sealed.sha256[:16]}"
    name = f"{pipeline}/{run['as_of']:%Y/%m/%d}/{number}.dsse.json"
    _insert(connection, name, run_id, sequence, kind, outcome, digest, sealed)
    log.info("evidence %s", name)
    log.info("evidence sha256 %s, key %s", sealed.sha256, sealed.key_id)
    return Stated(name, outcome, sealed.sha256)


def publish(house: House) -> Published:
    """Make everything stated so far public: heartbeats, pauses, the locked bucket, the log's next signed head.

    Statements of runs that died before they could do so are made up for. Repeating it changes nothing. Raises
    PromiseBroken when the bucket did not keep a statement, when database and bucket tell two histories, or when the key
    is not this log's. Errors of the store and the database pass through, to be tried again, and so does NotStored, when
    others state things faster than they are kept.
    """
    with connect(house.connections.database(WRITER), "evidence log") as connection:
        for attempt in range(1, _TRIES + 1):
            key = keys.load(house.settings.attester_key)
            days = record_heartbeats(connection, key)
            record_postures(connection, key)
            connection.commit()
            if len(days) > 1:
                log.warning("declared %d days without a heartbeat", len(days) - 1)
            lost = keep(house, connection)
            try:
                published = _sequencer(house).run()
                _stamp(house, published)
            except NotStored:
                if lost:
                    raise PromiseBroken(
                        f"the evidence bucket did not keep {len(lost)} statements: {', '.join(lost)}"
                    ) from None
                if attempt == _TRIES:
                    raise
                # Somebody stated something after we looked: keep that too, and try again.
                continue
            except (LogForked, WrongKey) as error:
                raise PromiseBroken(f"the evidence log is not published: {error}") from error
            head = published.head
            log.info(
                "evidence log: %d new entries, %d in all, root %s",
                published.appended,
                head.size if head else 0,
                head.root.hex() if head else "-",
            )
            return published
    raise AssertionError("the last try returned or raised")


def keep(house: House, connection: Connection) -> list[str]:
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


def bucket(house: House, identity: str = "log_vault") -> LogBucket:
    """The log's folder in the locked bucket, through ``log_vault`` or an identity that only reads."""
    settings = house.settings
    return LogBucket(house.connections.store(identity), settings.bucket_evidence, settings.log_folder)


def _sequencer(house: House) -> Sequencer:
    settings = house.settings
    return Sequencer(
        house.connections.database("log_sequencer"),
        bucket(house),
        keys.load(settings.log_key),
        settings.log_origin,
        keys.retired(settings.log_key),
    )


def _stamp(house: House, published: Published) -> None:
    """Have the head seen from outside, if an authority is configured; its failure never stops the log."""
    settings = house.settings
    if settings.timestamp_url is None or published.head is None or published.note is None:
        return
    from data_lifecycle.evidence import timestamp

    timestamp.stamp(
        house.connections.database("log_sequencer"),
        bucket(house),
        published.head.size,
        published.note,
        settings.timestamp_url,
        settings.timestamp_trust,
    )


def _items(items: Sequence[Item]) -> dict[str, Any]:
    listed = sorted((dict(item) for item in items), key=lambda item: str(item["case"]))
    return {"items": listed, "set_root": set_root(listed)}


def _stated(row: Row) -> Stated:
    return Stated(row["evidence_id"], row["outcome"], row["envelope_sha256"])


def _insert(
    connection: Connection,
    name: str,
    run_id: int,
    sequence: int,
    kind: str,
    outcome: str,
    digest: str,
    sealed: Sealed,
) -> None:
    written = execute(
        connection,
        "evidence/insert_statement",
        evidence_id=name,
        run_id=run_id,
        sequence=sequence,
        predicate_type=kind,
        outcome=outcome,
        facts_sha256=digest,
        key_id=sealed.key_id,
        envelope=sealed.envelope,
        envelope_sha256=sealed.sha256,
    )
    if written != 1:
        raise PromiseBroken(
            f"the database did not take the statement about run {run_id}: nothing is closed or stated"
        )
