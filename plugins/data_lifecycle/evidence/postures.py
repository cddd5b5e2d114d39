"""Statements about the switch that pauses whatever destroys: each time it was thrown, exactly once.

Throwing it needs nothing but the database. Whoever publishes next states what was said meanwhile, in that order; the
words stay in the database, and a digest over them stands in the log.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from data_lifecycle.database import Connection, Row, execute, fetch, fetch_one
from data_lifecycle.evidence.lifecycle_verify import POSTURE
from data_lifecycle.evidence.records import seal_all
from data_lifecycle.evidence.statement import Sealed, facts_digest
from data_lifecycle.protocol.house import log


def posture(key: Ed25519PrivateKey, row: Row, signed_at: datetime) -> Sealed:
    """That the house was paused or resumed: when, and by which account; ``row`` is of ``lifecycle.posture``.

    The subject's digest is SHA-256 over the RFC 8785 JSON of the same and of the words why.
    """
    said = _said(row)
    digest = hashlib.sha256(rfc8785.dumps({**said, "why": row["why"]})).hexdigest()
    return seal_all([key], digest, "posture", POSTURE, {**said, "signed_at": signed_at.isoformat()})


def record_postures(connection: Connection, key: Ed25519PrivateKey) -> int:
    """State every change of the posture that is not stated yet; how many. Repeating it writes nothing.

    A database that was restored from an older copy may not know what the log says last. If they differ on whether the
    house is paused, it is paused from now on: somebody has to look, and to resume. The caller commits.
    """
    fetch_one(connection, "posture/hold_turn")
    told = [
        _predicate(row) for row in fetch(connection, "evidence_log/select_changes", predicate_type=POSTURE)
    ]
    stated = {_facts(one) for one in told}
    latest = bool(told) and told[-1]["state"] == "PAUSED"
    rows = fetch(connection, "posture/select_changes")
    known = max((n for n, row in enumerate(rows, 1) if _facts(_said(row)) in stated), default=0)
    written = 0
    # What says again what is said already is no change: two people may throw the switch at the same moment.
    for row in rows[known:]:
        if row["paused"] is not latest:
            _insert(connection, key, row)
            latest, written = row["paused"], written + 1
    if (bool(rows) and rows[-1]["paused"]) is not latest:
        log.error("log and database differ on whether the house is paused: it is, until somebody resumes it")
        row = fetch_one(connection, "posture/stay_paused")
        if not latest:
            _insert(connection, key, row)
            written += 1
    return written


def _said(row: Row) -> dict[str, str]:
    at = row["at"].astimezone(UTC).isoformat()
    return {"state": "PAUSED" if row["paused"] else "RESUMED", "at": at, "by": row["by_whom"]}


def _facts(predicate: dict[str, Any]) -> str:
    said = {name: predicate[name] for name in ("state", "at", "by")}
    return facts_digest({"predicate_type": POSTURE, **said})


def _predicate(row: Row) -> dict[str, Any]:
    statement = json.loads(b64decode(json.loads(bytes(row["envelope"]))["payload"]))
    return dict(statement["predicate"])


def _insert(connection: Connection, key: Ed25519PrivateKey, row: Row) -> None:
    sealed = posture(key, row, fetch_one(connection, "run/read_clock")["now"])
    said = _said(row)
    name = f"posture/{row['at'].astimezone(UTC):%Y/%m/%d}-{said['state'].lower()}"
    execute(
        connection,
        "evidence_log/insert_record",
        evidence_id=f"{name}-{sealed.sha256[:16]}.dsse.json",
        predicate_type=POSTURE,
        facts_sha256=_facts(said),
        key_id=sealed.key_id,
        envelope=sealed.envelope,
        envelope_sha256=sealed.sha256,
    )
    log.info("stated: %s at %s by %s", said["state"], said["at"], said["by"])
