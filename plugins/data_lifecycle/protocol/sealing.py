"""Plans that read one snapshot, and the row of a run: what every plan leaves behind before anything happens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import psycopg2.errors
import psycopg2.extensions

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, fetch_one
from data_lifecycle.policy.model import Policy
from data_lifecycle.protocol.house import PromiseBroken, code_version, log

TRIES = 5
REPEATABLE_READ: int = psycopg2.extensions.ISOLATION_LEVEL_REPEATABLE_READ
SERIALIZABLE: int = psycopg2.extensions.ISOLATION_LEVEL_SERIALIZABLE


def in_snapshot(
    access: DatabaseAccess,
    application: str,
    seal: Callable[[Connection], int],
    isolation: int = REPEATABLE_READ,
) -> int:
    """Run ``seal`` in one transaction that sees one snapshot, and commit it; what it returned.

    Tried again when others wrote the same at the same moment; PromiseBroken when the database reports that every time.
    """
    for attempt in range(TRIES):
        with connect(access, application) as connection:
            connection.set_session(isolation_level=isolation)
            try:
                run_id = seal(connection)
                connection.commit()
                return run_id
            except psycopg2.errors.SerializationFailure:
                log.info("plan: what it reads changed meanwhile (try %d); planning anew", attempt + 1)
    raise PromiseBroken("the plan could not be sealed: what it reads kept changing; run it again")


def insert_run(
    connection: Connection,
    pipeline: str,
    dag_run_id: str,
    as_of: datetime,
    dry_run: bool,
    policy: Policy,
    manifest_sha256: str,
    facts: Mapping[str, Any],
    batches: int = 1,
) -> int:
    """Write the row of a run with its sealed plan; its number. The caller commits, together with what is sealed."""
    values = run_values(
        connection, pipeline, dag_run_id, as_of, dry_run, policy, manifest_sha256, facts, batches
    )
    return int(fetch_one(connection, "run/insert_run", **values)["run_id"])


def run_values(
    connection: Connection,
    pipeline: str,
    dag_run_id: str,
    as_of: datetime,
    dry_run: bool,
    policy: Policy,
    manifest_sha256: str,
    facts: Mapping[str, Any],
    batches: int = 1,
) -> dict[str, Any]:
    """What a run's row holds but for its number: a DAG run that is cleared and runs again is another attempt."""
    attempt = fetch_one(connection, "run/next_attempt", pipeline=pipeline, dag_run_id=dag_run_id)["attempt"]
    return {
        "pipeline": pipeline,
        "dag_run_id": dag_run_id,
        "attempt": attempt,
        "as_of": as_of,
        "dry_run": dry_run,
        "policy_id": policy.id,
        "policy_version": policy.version,
        "policy_sha256": policy.sha256,
        "code_sha": code_version(),
        "manifest_sha256": manifest_sha256,
        "batches": batches,
        "facts": json.dumps(facts),
    }
