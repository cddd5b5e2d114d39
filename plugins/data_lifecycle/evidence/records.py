"""Statements about no run: a heartbeat every day, a declared gap for a day without one, a change of keys."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, cast

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from data_lifecycle.database import Connection, execute, fetch, fetch_one
from data_lifecycle.evidence.checkpoint import raw
from data_lifecycle.evidence.keys import key_id
from data_lifecycle.evidence.lifecycle_verify import (
    HEARTBEAT,
    PAYLOAD_TYPE,
    ROTATION,
    STATEMENT_TYPE,
    encode,
)
from data_lifecycle.evidence.statement import Sealed, facts_digest


def seal_all(
    keys: Iterable[Ed25519PrivateKey],
    digest: str,
    subject: str,
    predicate_type: str,
    predicate: Mapping[str, Any],
) -> Sealed:
    """Sign a statement with each of the keys; signatures are sorted by key id, so that there is one spelling."""
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": subject, "digest": {"sha256": digest}}],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    payload = rfc8785.dumps(cast("Any", statement))
    signed = sorted((key_id(key.public_key()), key.sign(encode(payload))) for key in keys)
    envelope = rfc8785.dumps(
        {
            "payload": b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": name, "sig": b64encode(seal).decode()} for name, seal in signed],
        }
    )
    return Sealed(envelope, hashlib.sha256(envelope).hexdigest(), signed[0][0])


def heartbeat(key: Ed25519PrivateKey, day: date, signed_at: datetime) -> Sealed:
    """A sign of life of the day it is signed on (UTC); of an earlier day, the declaration that it had none.

    ValueError for a day in the future.
    """
    if day > signed_at.date():
        raise ValueError("a heartbeat cannot be of a day to come")
    state = "ALIVE" if day == signed_at.date() else "GAP"
    predicate = {"day": day.isoformat(), "state": state, "signed_at": signed_at.isoformat()}
    digest = hashlib.sha256(day.isoformat().encode()).hexdigest()
    return seal_all([key], digest, f"heartbeat/{day.isoformat()}", HEARTBEAT, predicate)


def rotation(
    old: Ed25519PrivateKey, new: Ed25519PrivateKey, role: str, name: str, signed_at: datetime
) -> Sealed:
    """The change from one key to the next, signed by both.

    ``role`` is attester or log; a log key's name is the log's origin.
    """
    if role not in ("attester", "log"):
        raise ValueError("a key's role is attester or log")
    public = raw(new.public_key())
    predicate = {
        "role": role,
        "old": key_id(old.public_key()),
        "new": {"name": name, "public": b64encode(public).decode()},
        "signed_at": signed_at.isoformat(),
    }
    digest = hashlib.sha256(public).hexdigest()
    return seal_all([old, new], digest, f"key-rotation/{role}", ROTATION, predicate)


def record_heartbeats(connection: Connection, key: Ed25519PrivateKey) -> list[date]:
    """Write today's heartbeat and declare the days since the first statement that had none; the days written.

    Days are UTC days of the database's clock. Repeating it writes nothing. The caller commits.
    """
    clock = fetch_one(connection, "evidence_log/first_day")
    today: date = clock["today"]
    first: date = clock["day"] or today
    seen = {
        row["evidence_id"].split("/", 1)[1][:10]
        for row in fetch(
            connection,
            "evidence_log/select_heartbeats",
            predicate_type=HEARTBEAT,
            first=beat_name(first),
            end=beat_name(today + timedelta(days=1)),
        )
    }
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    missing = [day for day in days if beat_name(day).split("/", 1)[1] not in seen]
    for day in missing:
        sealed = heartbeat(key, day, clock["now"])
        _insert(connection, HEARTBEAT, beat_name(day), facts_digest({"day": day.isoformat()}), sealed)
    return missing


def record_rotation(connection: Connection, sealed: Sealed, role: str, old_id: str, new_id: str) -> None:
    """Write a change of keys; the same again changes nothing. The caller commits."""
    digest = facts_digest({"role": role, "old": old_id, "new": new_id})
    _insert(connection, ROTATION, f"key-rotation/{role}", digest, sealed)


def beat_name(day: date) -> str:
    """How the names of a day's heartbeats begin."""
    return f"heartbeat/{day:%Y/%m/%d}"


def _insert(connection: Connection, kind: str, name: str, digest: str, sealed: Sealed) -> None:
    execute(
        connection,
        "evidence_log/insert_record",
        evidence_id=f"{name}-{sealed.sha256[:16]}.dsse.json",
        predicate_type=kind,
        facts_sha256=digest,
        key_id=sealed.key_id,
        envelope=sealed.envelope,
        envelope_sha256=sealed.sha256,
    )
